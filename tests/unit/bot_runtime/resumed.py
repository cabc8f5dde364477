"""Walks that are resumed: what an account knows is written as JSON between two parts, and read."""

import json
from collections.abc import Iterable, Mapping

import numpy as np

from bot_runtime.arrays import Times
from bot_runtime.trading.account import Track, legs_of
from bot_runtime.trading.account_state import AccountState
from bot_runtime.trading.decision import Views
from bot_runtime.trading.exposure import RETURNS, Closes
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg
from bot_runtime.trading.walk import Followed, Walk
from tests.unit.bot_runtime.random_markets import RandomMarket


def cut(leg: Leg, from_ms: int, until_ms: int) -> Leg:
    """Return the part of a leg whose candles open in a span."""
    times = leg.candles.open_time_ms
    first, last = (int(i) for i in np.searchsorted(times, (from_ms, until_ms)))
    begin, end = (int(i) for i in np.searchsorted(leg.rows, (first, last)))
    views = leg.views
    columns = ("regimes", "up", "side", "share", "growth", "stop", "target")
    changed = {name: getattr(views, name)[begin:end] for name in columns}
    some = Views(
        **{name: getattr(views, name) for name in ("strategy", "rules", "bounds", "sized")},
        **changed,
        predictions=views.predictions.at(slice(begin, end)),
    )
    return Leg(leg.candles[first:last], some, leg.rows[begin:end] - first)


def whole(market: RandomMarket) -> dict[str, Leg]:
    """Return the legs of a market in one piece."""
    (legs,) = legs_of(market.tracks, market.strategy, 100_000)
    return legs


def markets_of(tracks: Mapping[str, Track]) -> dict[str, Market]:
    return {name: track.market for name, track in tracks.items()}


def times_of(tracks: Mapping[str, Track]) -> list[int]:
    """Return when candles of any symbol open."""
    return sorted({at for track in tracks.values() for at in track.candles.open_time_ms.tolist()})


def closes_until(tracks: Mapping[str, Track], open_ms: int) -> dict[str, Closes]:
    """Return every symbol's newest closes up to a candle: no more than a state needs."""
    return {name: _newest(track, open_ms) for name, track in tracks.items()}


def _newest(track: Track, open_ms: int) -> Closes:
    times: Times = track.candles.open_time_ms
    end = int(np.searchsorted(times, open_ms, side="right"))
    begin = max(0, end - RETURNS - 1)
    return Closes(times[begin:end], track.candles.close[begin:end])


def read(state: AccountState) -> AccountState:
    """Return a state as whoever reads the JSON of it knows it."""
    return AccountState.of_json(json.loads(json.dumps(state.to_json(), allow_nan=False)))


def resumed(
    walk: Walk, market: RandomMarket, open_ms: int, strategy: Strategy | None = None
) -> Walk:
    """Return the walk that goes on after a candle, by what was written of this one."""
    return Walk.resumed(
        read(walk.state),
        strategy or market.strategy,
        markets_of(market.tracks),
        closes_until(market.tracks, open_ms),
    )


def in_steps(
    market: RandomMarket, ends_ms: Iterable[int], *, is_told: bool = False
) -> tuple[list[Followed], Walk]:
    """Follow a market and be resumed before each of some opening times; return the last walk."""
    legs, walk, found, begin = whole(market), market.walk(), [], 0
    for end in (*ends_ms, 1 << 60):
        part = {name: cut(leg, begin, end) for name, leg in legs.items()}
        found.append(walk.follow(part, is_told=is_told))
        walk, begin = resumed(walk, market, end - 1), end
    return found, walk
