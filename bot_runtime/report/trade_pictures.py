"""The pictures of trades: all on one line of prices, and one by one on candles."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bot_runtime.arrays import Flags
from bot_runtime.backtest.close_ups import CloseUp
from bot_runtime.backtest.result import Backtest
from bot_runtime.market.candles import Candles
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
)
from bot_runtime.report.rendering import minute, money, percent
from bot_runtime.report.thinning import join
from bot_runtime.trading.account import Records
from bot_runtime.trading.orders import Purpose

PARTS: Final = 240
"""A line of prices has the range and the close of so many parts."""
MARKED: Final = 150
"""Fills of a symbol that are marked one by one: more would hide the price."""
BARS: Final = 48
"""Parts whose trades are summed up below the price."""
CANDLES: Final = 90
"""Candles of a close-up; where there are more, neighbours are joined."""
CLOSED_BY: Final = {
    Purpose.STOP: "stop",
    Purpose.TARGET: "target",
    Purpose.TIME: "end of the holding time",
    Purpose.SIGNAL: "signal",
    Purpose.DECREASE: "decrease",
}
"""What an order that closed a trade answered."""
_MARKS: Final = (
    ("bought", (Purpose.ENTRY, Purpose.INCREASE), "^", MODEL),
    ("sold", (Purpose.SIGNAL, Purpose.TIME, Purpose.DECREASE), "v", OTHER),
    ("stop", (Purpose.STOP,), "X", BAD),
    ("target", (Purpose.TARGET,), "*", GOOD),
)


def draw_prices(backtest: Backtest, symbol: str) -> Figure:
    """Draw a symbol's prices, its fills where there are few, and what its trades earned."""
    track, account = backtest.tracks[symbol], backtest.account
    place = account.symbols.index(symbol)
    fills = account.fills[account.fills["symbol"] == place]
    trades = account.trades[account.trades["symbol"] == place]
    joined = join(track.candles, PARTS)

    def draw_line(axes: Axes) -> None:
        times = dates(joined.open_time_ms)
        if len(joined) < len(track.candles):
            axes.fill_between(
                times, joined.low, joined.high, color=LIMIT, alpha=0.35, lw=0, step="post"
            )
        axes.plot(dates(joined.close_time_ms), joined.close, color=INK, lw=0.8)
        _price_axis(axes)
        if 0 < len(fills) <= MARKED:
            _mark(axes, fills, float(track.market.tick), 5)
            legend_above(axes, 4)
        elif len(fills):
            axes.set_title(
                f"{len(fills):,} fills, too many to mark", fontsize=9, loc="left", color=INK
            )
        if len(trades) == 0:
            date_axis(axes)

    def draw_profits(axes: Axes) -> None:
        _profit_bars(axes, trades, joined)
        axes.set_ylabel(f"profit, {quote_of(symbol)}")
        date_axis(axes)

    if len(trades) == 0:
        return draw_figure(draw_line)
    return draw_panels(draw_line, draw_profits, heights=(2.6, 1.4))


def quote_of(symbol: str) -> str:
    """Return the asset that a symbol's prices are in."""
    return symbol.rpartition("/")[2]


def caption_of(one: CloseUp) -> str:
    """Return which trade a close-up shows, what it earned, and what closed it."""
    trade = one.trade
    earned = float(trade["profit"] / trade["paid"])
    purpose = CLOSED_BY.get(Purpose(int(trade["purpose"])), "order")
    begin, end = minute(int(trade["opened_ms"])), minute(int(trade["closed_ms"]))
    return (
        f"{one.kind.capitalize()}: {one.symbol} {percent(earned)} by {purpose}\n"
        f"{begin} to {end.removeprefix(begin[:11])} UTC, {money(float(trade['profit']))} "
        f"{quote_of(one.symbol)}"
    )


def draw_close_up(one: CloseUp) -> Figure:
    """Draw one trade on its candles, with its stop and its target."""
    candles = join(one.candles, CANDLES)

    def draw(axes: Axes) -> None:
        _draw_candles(axes, candles)
        ends = dates(np.array([one.trade["opened_ms"], one.trade["closed_ms"]]))
        if ends[0] == ends[1]:
            ends = ends + np.array([0, candles.interval_ms], dtype="timedelta64[ms]")
        for price, name, color in ((one.stop, "its stop", BAD), (one.target, "its target", GOOD)):
            if price is not None:
                axes.plot(ends, [price, price], color=color, lw=1.2, linestyle="--", label=name)
        _mark(axes, one.fills, one.tick, 9)
        _price_axis(axes)
        date_axis(axes)
        legend_above(axes, 4)

    return draw_figure(draw)


def _mark(axes: Axes, fills: Records, tick: float, size: float) -> None:
    for name, purposes, marker, color in _MARKS:
        own = fills[np.isin(fills["purpose"], purposes)]
        if len(own):
            axes.plot(
                dates(own["at_ms"]), own["ticks"] * tick, marker, color=color, ms=size, mec="white",
                mew=size / 15, zorder=3, label=name,
            )  # fmt: skip


def _profit_bars(axes: Axes, trades: Records, candles: Candles) -> None:
    """Draw what was won and what was lost, each summed up over BARS parts of the time."""
    begin, end = int(candles.open_time_ms[0]), int(candles.close_time_ms[-1])
    edges = np.linspace(begin, end, BARS + 1)
    middles = dates(((edges[1:] + edges[:-1]) / 2).astype(np.int64))
    width = np.timedelta64(max(1, int(0.9 * (end - begin) / BARS)), "ms")
    for won, color in ((True, GOOD), (False, BAD)):
        own = trades[(trades["profit"] > 0.0) == won]
        sums, _ = np.histogram(own["closed_ms"], edges, weights=own["profit"])
        if len(own):
            axes.bar(middles[sums != 0.0], sums[sums != 0.0], width, color=color)
    axes.axhline(0, color=LIMIT, lw=0.8)


def _draw_candles(axes: Axes, candles: Candles) -> None:
    """Draw wicks and bodies, each kind as one broken line: a path is shorter than its parts."""
    times = dates(candles.open_time_ms)
    rises = candles.close >= candles.open
    body = max(1.0, min(6.0, 200.0 / len(candles)))
    every = np.ones(len(candles), dtype=np.bool_)
    columns = (
        (candles.low, candles.high, every, INK, 0.7),
        (candles.open, candles.close, rises, GOOD, body),
        (candles.close, candles.open, ~rises, BAD, body),
    )
    least = 0.003 * float(candles.high.max() - candles.low.min())
    for below, above, which, color, width in columns:
        shown: Flags = which
        low, high = below[shown], np.maximum(above[shown], below[shown] + least)
        gap = np.full(len(low), np.nan)
        x = np.repeat(times[shown], 3)
        axes.plot(
            x, np.stack([low, high, gap], axis=1).ravel(), color=color, lw=width,
            solid_capstyle="butt", alpha=0.75,
        )  # fmt: skip


def _price_axis(axes: Axes) -> None:
    axes.ticklabel_format(axis="y", useOffset=False)
