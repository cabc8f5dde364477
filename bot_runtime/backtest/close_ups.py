"""The trades that are worth a closer look: the best, the worst and the latest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.market.candles import Candles
from bot_runtime.trading.account import Account, Records, Track
from bot_runtime.trading.sizing import distances_of
from bot_runtime.trading.strategy import Strategy

EACH: Final = 2
"""Trades of each kind."""
LEAST_AROUND: Final = 8
"""Candles before and after a trade that are shown at least; else as many as half of it."""


@dataclass(frozen=True, slots=True, eq=False)
class CloseUp:
    """One trade and the candles around it.

    Attributes:
        kind: best, worst or latest.
        tick: what the prices of `fills` are counted in.
        trade: a record of TRADES; `fills`: its records of FILLS.
        stop, target: prices in the quote asset; None where there was none.
    """

    kind: str
    symbol: str
    tick: float
    trade: np.void
    fills: Records
    candles: Candles
    stop: float | None
    target: float | None


def returns_of(trades: Records) -> Values:
    """Return what each trade earned after costs, a share of what was paid for it, (n,)."""
    return np.asarray(trades["profit"] / trades["paid"], dtype=np.float64)


def close_ups_of(
    account: Account, tracks: Mapping[str, Track], strategy: Strategy
) -> tuple[CloseUp, ...]:
    """Return EACH best, worst and latest trades, none of them twice."""
    return tuple(
        _close_up(kind, row, account, tracks, strategy)
        for row, kind in _chosen(account.trades).items()
    )


def _chosen(trades: Records) -> dict[int, str]:
    """Return the kinds of the trades to show, by their places."""
    by_return = np.argsort(returns_of(trades), kind="stable").tolist()
    ordered = {"best": by_return[::-1], "worst": by_return, "latest": range(len(trades))[::-1]}
    chosen: dict[int, str] = {}
    for kind, rows in ordered.items():
        free = (row for row in rows if row not in chosen)
        chosen |= {row: kind for row, _ in zip(free, range(EACH), strict=False)}
    return chosen


def _close_up(
    kind: str, row: int, account: Account, tracks: Mapping[str, Track], strategy: Strategy
) -> CloseUp:
    trade = account.trades[row]
    symbol = account.symbols[trade["symbol"]]
    track, fills = tracks[symbol], account.fills
    first, last = np.searchsorted(
        track.candles.open_time_ms, (trade["opened_ms"], trade["closed_ms"])
    )
    around = max(LEAST_AROUND, int(last - first) // 2)
    own = fills[
        (fills["symbol"] == trade["symbol"])
        & (fills["at_ms"] >= trade["opened_ms"])
        & (fills["at_ms"] <= trade["closed_ms"])
    ]
    stop, target = _levels(int(first), int(own["ticks"][0]), track, strategy)
    shown = track.candles[max(0, int(first) - around) : int(last) + around + 1]
    tick = float(track.market.tick)
    return CloseUp(kind, symbol, tick, trade, own, shown, stop, target)


def _levels(
    entered: int, ticks: int, track: Track, strategy: Strategy
) -> tuple[float | None, float | None]:
    """Return stop and target of an entry in a candle, which was decided on the one before."""
    view = int(np.searchsorted(track.rows, entered - 1))
    if strategy.is_managed or view == len(track.rows) or track.rows[view] != entered - 1:
        return None, None
    below, above = distances_of(track.predictions.at(slice(view, view + 1)), strategy)
    price = float(track.market.price(ticks))
    stop, target = price * (1.0 - float(below[0])), price * (1.0 + float(above[0]))
    return (stop if stop > 0.0 else None), (target if np.isfinite(target) else None)
