"""The pictures of a whole backtest: the account, and how its trades are distributed."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bot_runtime.arrays import Values
from bot_runtime.backtest.close_ups import close_ups_of, returns_of
from bot_runtime.backtest.result import Backtest
from bot_runtime.report.drawing import (
    BAD,
    GOOD,
    INK,
    LIMIT,
    MODEL,
    OTHER,
    date_axis,
    dates,
    draw_figure,
    draw_panels,
    legend_above,
    to_svg,
)
from bot_runtime.report.rendering import percent
from bot_runtime.report.thinning import means_of, rows_of_extremes
from bot_runtime.report.trade_pictures import caption_of, draw_close_up, draw_prices
from bot_runtime.scoring.ratios import drawdowns

PARTS: Final = 300
"""A line keeps the highest and the lowest of so many parts; of what is invested, their means."""
BINS: Final = 40
TAIL: Final = 1.0
"""Per cent of the trades at either end that the outermost bins gather."""


def draw_account_pictures(backtest: Backtest) -> dict[str, str]:
    """Return what the account did, by captions."""
    return {"Equity, fall from its highest, and what was invested": to_svg(draw_equity(backtest))}


def draw_price_pictures(backtest: Backtest) -> dict[str, str]:
    """Return the trades on every symbol's candles, by captions."""
    return {
        f"{symbol}: price and trades": to_svg(draw_prices(backtest, symbol))
        for symbol in backtest.account.symbols
    }


def draw_close_ups(backtest: Backtest) -> dict[str, str]:
    """Return the trades that are worth a closer look, by captions."""
    chosen = close_ups_of(backtest.account, backtest.tracks, backtest.strategy)
    return {caption_of(one): to_svg(draw_close_up(one)) for one in chosen}


def draw_distributions(backtest: Backtest) -> dict[str, str]:
    """Return how the closed trades are distributed, by captions; nothing where there are none."""
    if len(backtest.account.trades) == 0:
        return {}
    return {
        "What a trade earned after costs": to_svg(draw_profits(backtest)),
        "How long a trade was held": to_svg(draw_holding(backtest)),
    }


def draw_equity(backtest: Backtest) -> Figure:
    """Draw return and fall of the account and of holding, and the share that is invested."""
    account, times = backtest.account, dates(backtest.account.close_ms)
    equities = (
        (backtest.held, OTHER, "holding"),
        (account.equity, MODEL, "the bot"),
    )

    def line(axes: Axes, values: Values, color: str, label: str) -> None:
        rows = rows_of_extremes(values, PARTS)
        axes.plot(times[rows], 100 * values[rows], color=color, lw=1.2, label=label)

    def draw_returns(axes: Axes) -> None:
        axes.axhline(0, color=LIMIT, lw=0.8, linestyle="--")
        for equity, color, name in equities:
            earned = equity / account.capital - 1.0
            line(axes, earned, color, f"{name} {percent(float(earned[-1]))}")
        axes.set_ylabel("earned, %")
        legend_above(axes, 2)

    def draw_falls(axes: Axes) -> None:
        for equity, color, name in equities:
            line(axes, -drawdowns(account.capital, equity), color, name)
        axes.set_ylabel("below top, %")

    def draw_invested(axes: Axes) -> None:
        rows, invested = means_of(account.invested, PARTS)
        axes.fill_between(times[rows], 100 * invested, color=MODEL, alpha=0.5, lw=0, step="post")
        axes.set_ylabel("invested, %")
        axes.set_ylim(bottom=0)
        date_axis(axes)

    return draw_panels(draw_returns, draw_falls, draw_invested, heights=(2.4, 1.5, 1.2))


def draw_profits(backtest: Backtest) -> Figure:
    """Draw how many trades earned how much; the outermost bins gather what lies beyond."""
    earned = 100 * returns_of(backtest.account.trades)
    low, high = (float(end) for end in np.percentile(earned, (TAIL, 100.0 - TAIL)))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / max(5, min(BINS, int(2 * len(earned) ** 0.5)))
    edges = width * np.arange(np.floor(low / width), np.ceil(high / width) + 1)  # 0 is one of them
    counts, _ = np.histogram(np.clip(earned, edges[0], edges[-1]), edges)
    middles = (edges[1:] + edges[:-1]) / 2

    def draw(axes: Axes) -> None:
        colors = np.where(middles > 0.0, GOOD, BAD)
        axes.bar(middles, counts, 0.92 * width, color=colors.tolist())
        for value, name, style in (
            (float(np.mean(earned)), "mean", "-"),
            (float(np.median(earned)), "median", ":"),
        ):
            axes.axvline(value, color=INK, linestyle=style, label=f"{name} {value:+.2f}%")
        axes.set(xlabel="earned by a trade, %", ylabel="trades")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        legend_above(axes, 2)

    return draw_figure(draw)


def draw_holding(backtest: Backtest) -> Figure:
    """Draw how many trades were held for how many candles; the last bin gathers the longer."""
    trades = backtest.account.trades
    held = (trades["closed_ms"] - trades["opened_ms"]) // backtest.account.interval_ms
    most = max(1, int(np.percentile(held, 100.0 - TAIL)))
    width = max(1, -(-(most + 1) // BINS))
    edges = np.arange(0, most + 1 + width, width)
    counts, _ = np.histogram(np.minimum(held, most), edges)
    median = float(np.median(held))

    def draw(axes: Axes) -> None:
        axes.bar(edges[:-1] + (width - 1) / 2, counts, 0.92 * width, color=MODEL)
        axes.axvline(median, color=INK, linestyle=":", label=f"median {median:g}")
        axes.set(xlabel="candles from entry to exit", ylabel="trades")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, integer=True))
        legend_above(axes, 1)

    return draw_figure(draw)
