"""The guard against looking ahead: what was decided must not depend on candles that came later.

Hard: at random moments everything is computed again from the candles up to there alone: features,
predictions, decisions and fills. They have to be equal to those with all later candles there.
Warning: the same signals one candle later and one candle earlier. Where the early ones earn far
more, the signals may know the future; where the late ones lose everything, the edge is one candle
wide, and no real order would catch it.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from bot_runtime.backtest.result import Shifted
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import LookAheadError
from bot_runtime.trading.account import Account, Track, follow
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.performance import performance_of
from bot_runtime.trading.strategy import Strategy

MOMENTS: Final = 3
"""Random moments that are looked at."""
BEFORE: Final = 5_000
"""Candles before a moment that are computed again, beside what their features read."""
AFTER: Final = 500
"""Candles after it that must change nothing."""

Tell = Callable[[Mapping[str, Candles]], dict[str, Track]]
"""Computes everything from candles: features, predictions and regimes, by symbol."""


def check_look_ahead(
    tell: Tell, candles: Mapping[str, Candles], strategy: Strategy, history: int, seed: int = 0
) -> tuple[int, ...]:
    """Return the moments (ms) that were looked at; raises LookAheadError at the first difference.

    `history` is how many candles before a decision it may read.
    """
    times = np.unique(np.concatenate([part.open_time_ms for part in candles.values()]))
    least = min(history + strategy.memory + 2, len(times) - 1)
    moments = np.random.default_rng(seed).integers(least, len(times), MOMENTS)
    for moment in sorted(set(moments.tolist())):
        first = max(0, moment - BEFORE - history - strategy.memory)
        last = min(len(times), moment + AFTER)
        now_ms, begin_ms, end_ms = int(times[moment]), int(times[first]), int(times[last - 1])
        before = {s: part.between(begin_ms, now_ms) for s, part in candles.items()}
        listed = {symbol: part for symbol, part in before.items() if len(part) > 0}
        known = tell(listed)
        later = tell({symbol: candles[symbol].between(begin_ms, end_ms + 1) for symbol in listed})
        _compare_decisions(known, later, strategy, now_ms)
        _compare_fills(follow(known, strategy), follow(later, strategy), now_ms)
    return tuple(int(times[moment]) for moment in moments)


def _compare_decisions(
    known: Mapping[str, Track], later: Mapping[str, Track], strategy: Strategy, now_ms: int
) -> None:
    for symbol, track in known.items():
        other = later[symbol]
        times, times_later = (t.candles.open_time_ms[t.rows] for t in (track, other))
        count = int(np.searchsorted(times_later, now_ms))
        if len(times) != count or not np.array_equal(times, times_later[:count]):
            raise LookAheadError(_told(symbol, "which candles are decided on", now_ms))
        number = times // strategy.interval_ms
        views, views_later = (
            views_of(t.predictions.at(slice(0, count)), strategy, t.regimes[:count], number)
            for t in (track, other)
        )
        for name in ("side", "share", "stop", "target"):
            one, two = getattr(views, name), getattr(views_later, name)
            same = np.isclose(one, two, rtol=1e-9, atol=0.0) | (one == two)
            if not same.all():
                at_ms = int(times[np.argmin(same)])
                raise LookAheadError(_told(f"{symbol} at {utc(at_ms)}", name, now_ms))


def _compare_fills(known: Account, later: Account, now_ms: int) -> None:
    before = later.fills[later.fills["at_ms"] < now_ms]
    if not np.array_equal(known.fills, before):
        raise LookAheadError(_told("the account", "what is filled", now_ms))


def _told(where: str, what: str, now_ms: int) -> str:
    return (
        f"look-ahead: {where}: {what} changes when the candles from {utc(now_ms)} on are there: "
        "nothing of this backtest can be believed"
    )


def shift(tracks: Mapping[str, Track], strategy: Strategy, candles: int) -> Shifted:
    """Return the account whose signals come so many candles later; earlier where negative."""
    moved = {}
    for symbol, track in tracks.items():
        rows = track.rows + candles
        inside = np.flatnonzero((rows >= 0) & (rows < len(track.candles)))
        moved[symbol] = track._replace(
            rows=rows[inside],
            predictions=track.predictions.at(inside),
            regimes=track.regimes[inside],
        )
    performance = performance_of(follow(moved, strategy))
    return Shifted(candles, performance.net_return, performance.sharpe)
