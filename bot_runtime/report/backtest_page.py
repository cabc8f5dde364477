"""The page of a backtest: everything that was found, as one file that needs no network."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np

from bot_runtime.backtest.close_ups import returns_of
from bot_runtime.backtest.refusals import refusals_of
from bot_runtime.backtest.result import Backtest, Stretch
from bot_runtime.contract.base import Model
from bot_runtime.report.backtest_pictures import (
    draw_account_pictures,
    draw_close_ups,
    draw_distributions,
    draw_price_pictures,
)
from bot_runtime.report.backtest_words import (
    TRIPPED_BY,
    class_of,
    headline_of,
    points_of,
    refusal_rows,
    shift_name,
    shifted_sentences,
    trip_cells,
)
from bot_runtime.report.rendering import NONE, minute, money, number, part, percent, render
from bot_runtime.report.trade_pictures import CLOSED_BY, quote_of
from bot_runtime.scoring.overfitting import deflated_sharpe
from bot_runtime.scoring.ratios import annual_return, annual_sortino, calmar
from bot_runtime.trading.trips import Trip

TRIPS_SHOWN: Final = 10
"""Newest trips of each limit that are listed one by one."""
DARKEST: Final = 0.45
"""Opacity of the strongest colour in the table of months."""


@dataclass(frozen=True, slots=True)
class Month:
    """A row of the table of months: cells, and the colours of the first two."""

    name: str
    net: str
    held: str
    drawdown: str
    trades: int
    net_color: str
    held_color: str


def render_backtest(backtest: Backtest) -> str:
    """Return the page: one file, its pictures within it, no script and no address in it."""
    refusals = refusals_of(backtest.tracks, backtest.strategy)
    return render(
        "backtest.html",
        title=f"Backtest of {backtest.bot}",
        verdict=class_of(backtest),
        headline=headline_of(backtest),
        points=points_of(backtest),
        notes=backtest.notes,
        key_figures=_key_figures(backtest),
        account_pictures=draw_account_pictures(backtest),
        years=list(_years(backtest.months)),
        regimes=[_stretch(stretch) for stretch in backtest.regimes],
        first_symbol=backtest.account.symbols[0] if len(backtest.account.symbols) > 1 else "",
        price_pictures=draw_price_pictures(backtest),
        close_ups=draw_close_ups(backtest),
        closed_by=list(_closed_by(backtest)),
        distributions=draw_distributions(backtest),
        limits=_limits(backtest.account.trips),
        trips=[trip_cells(trip) for trip in _newest(backtest.account.trips)],
        refusals=refusal_rows(refusals),
        decisions=f"{refusals.decisions:,}",
        shifted=_shifted(backtest),
        shifted_sentences=shifted_sentences(backtest),
        spans=[
            [span.version, minute(span.begin_ms), minute(span.end_ms), f"{span.candles:,}"]
            for span in backtest.spans
        ],
        settings=_settings(backtest),
        regime_table=[
            [one.name, f"{one.size:g}", f"{one.prob_min_add:g}", "yes" if one.entries else "no"]
            for one in backtest.strategy.regimes
        ],
    )


def _key_figures(backtest: Backtest) -> list[tuple[str, str, str, str]]:
    """Return every figure of the account: its name, what it is, the bot's, and holding's."""
    own, account, held = backtest.performance, backtest.account, backtest.held
    net, sharpe, fall = backtest.held_performance
    capital, interval_ms = account.capital, account.interval_ms
    yearly = annual_return(capital, held, interval_ms)
    sortino = annual_sortino(backtest.held_net, interval_ms)
    fallen = calmar(capital, held, interval_ms)
    skill = deflated_sharpe(backtest.held_net, 1)
    equity, quote = float(account.equity[-1]), quote_of(account.symbols[0])
    ratio = "mean by deviation of the returns, of a year"
    return [
        (f"equity at the end, {quote}", f"of {money(capital)}", money(equity), money(held[-1])),
        ("net return", "after fees and slippage", percent(own.net_return), percent(net)),
        ("net return of a year", "compound", percent(own.annual_return), percent(yearly)),
        ("Sharpe ratio", ratio, number(own.sharpe), number(sharpe)),
        ("Sortino ratio", "the same, by the losses alone", number(own.sortino), number(sortino)),
        ("Calmar ratio", "a year's return by the fall", number(own.calmar), number(fallen)),
        ("deepest fall", "from the highest equity before", part(own.drawdown), part(fall)),
        ("invested", "mean share of the equity", part(own.exposure), part(1.0)),
        ("turnover", "traded in a year, by the equity", number(own.turnover), NONE),
        ("fees", "share of the capital, beside slippage", part(own.fees), NONE),
        ("closed trades", "", f"{own.trades:,}", NONE),
        ("of them won", "after costs", part(own.won), NONE),
        ("probability of skill", "deflated Sharpe ratio", part(own.deflated_sharpe), part(skill)),
    ]


def _years(months: tuple[Stretch, ...]) -> Iterator[dict[str, Any]]:
    """Yield the months of each year, and what the year earned."""
    most = {
        name: max((abs(getattr(month, name)) for month in months), default=0.0) or 1.0
        for name in ("net", "held")
    }
    for year, found in groupby(months, lambda month: month.name[:4]):
        own = list(found)
        yield {
            "name": year,
            "net": percent(float(np.prod([1.0 + month.net for month in own])) - 1.0),
            "held": percent(float(np.prod([1.0 + month.held for month in own])) - 1.0),
            "months": [
                Month(
                    name=month.name,
                    net=percent(month.net),
                    held=percent(month.held),
                    drawdown=part(month.drawdown),
                    trades=month.trades,
                    net_color=_color(month.net / most["net"]),
                    held_color=_color(month.held / most["held"]),
                )
                for month in own
            ],
        }


def _color(strength: float) -> str:
    """Return the colour of a cell: green above 0, red below, stronger towards 1 and -1."""
    hue = "45, 125, 70" if strength > 0.0 else "179, 56, 44"
    return f"rgba({hue}, {DARKEST * abs(strength):.2f})"


def _stretch(stretch: Stretch) -> list[str]:
    numbers = percent(stretch.net), percent(stretch.held), part(stretch.drawdown)
    return [stretch.name, f"{stretch.candles:,}", *numbers, f"{stretch.trades:,}"]


def _closed_by(backtest: Backtest) -> Iterator[list[str]]:
    """Yield what closed trades, how many, how many of them won, and what they earned."""
    trades = backtest.account.trades
    for purpose, name in CLOSED_BY.items():
        own = trades[trades["purpose"] == purpose]
        if len(own):
            yield [
                name,
                f"{len(own):,}",
                part(float(np.mean(own["profit"] > 0.0))),
                percent(float(np.mean(returns_of(own)))),
                money(float(own["profit"].sum())),
            ]


def _limits(trips: tuple[Trip, ...]) -> list[list[str]]:
    """Return how often each limit tripped, for the first and for the last time."""
    counted = Counter(trip.limit for trip in trips)
    rows = []
    for limit, times in counted.most_common():
        days = [minute(trip.at_ms)[:10] for trip in trips if trip.limit is limit]
        rows.append([limit, TRIPPED_BY.get(limit, ""), f"{times:,}", days[0], days[-1]])
    return rows


def _newest(trips: tuple[Trip, ...]) -> list[Trip]:
    """Return the newest trips of each limit, newest first."""
    shown, counted = [], Counter[str]()
    for trip in reversed(trips):
        counted[trip.limit] += 1
        if counted[trip.limit] <= TRIPS_SHOWN:
            shown.append(trip)
    return shown


def _shifted(backtest: Backtest) -> list[list[str]]:
    own = backtest.performance
    rows = [(0, "as they came", own.net_return, own.sharpe)]
    rows += [(s.candles, shift_name(s), s.net_return, s.sharpe) for s in backtest.shifted]
    return [[name, percent(net), number(sharpe)] for _, name, net, sharpe in sorted(rows)]


def _settings(backtest: Backtest) -> dict[str, str]:
    """Return the fields that were used, by the names that the bot's file has."""
    strategy = backtest.strategy
    return {
        "capital": strategy.settings.capital,
        "length of a candle": f"{strategy.interval_ms // 60_000} minutes",
        "model.horizonSteps": str(strategy.horizon_steps),
        **dict(_fields("decision", strategy.decision)),
        **dict(_fields("risk", strategy.risk)),
    }


def _fields(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every field below a name, those that have their default too."""
    if isinstance(value, Model):
        for field, about in type(value).model_fields.items():
            yield from _fields(f"{name}.{about.alias}", getattr(value, field))
    elif isinstance(value, float):
        yield name, f"{value:g}"
    else:
        yield name, "unset" if value is None else str(value)
