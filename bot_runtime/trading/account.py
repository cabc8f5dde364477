"""The account that follows a bot's decisions over past candles, and what it has earned."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bot_runtime.arrays import Rows, Times, Values
from bot_runtime.market.candles import Candles
from bot_runtime.scoring.ratios import returns_of
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.positions import Fill, Trade
from bot_runtime.trading.precision import MONEY_DIGITS, Market, to_float
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg
from bot_runtime.trading.trips import Trip
from bot_runtime.trading.walk import Followed, Walk

PART: Final = 32_768
"""Candles that are gone through at once: what is computed of them has to fit into memory."""

FILLS: Final = np.dtype(
    [
        ("symbol", np.int16),
        ("at_ms", np.int64),
        ("purpose", np.int8),
        ("lots", np.int64),
        ("ticks", np.int64),
        ("fee", np.int64),
        ("cash", np.float64),
    ]
)
"""A fill as Fill has it, of one of `symbols`; the fee in 10^-8 of the quote asset.

`cash` is what the account had after the candle, in the quote asset.
"""
TRADES: Final = np.dtype(
    [
        ("symbol", np.int16),
        ("opened_ms", np.int64),
        ("closed_ms", np.int64),
        ("lots", np.float64),
        ("paid", np.float64),
        ("received", np.float64),
        ("fees", np.float64),
        ("profit", np.float64),
        ("purpose", np.int8),
        ("regime", np.int8),
    ]
)
"""A trade as Trade has it, of one of `symbols`; money in the quote asset.

Lots are a float: many fills may add up to more than an integer of 64 bits.
"""
_MONEY: Final = {"paid", "received", "fees", "profit"}
Records = npt.NDArray[np.void]


class Track(NamedTuple):
    """One symbol's candles, and what its models said at the close of some of them.

    Attributes:
        rows: positions in `candles` of the rows that have predictions, rising, (m,).
        regimes: of those rows, positions in REGIMES, (m,).
    """

    candles: Candles
    market: Market
    rows: Rows
    predictions: Predictions
    regimes: Rows

    def close_at(self, close_ms: Times) -> Values:
        """Return the newest close at each time (n,); the first one before the symbol began."""
        newest = np.searchsorted(self.candles.close_time_ms, close_ms, side="right") - 1
        return np.asarray(self.candles.close[np.maximum(newest, 0)])


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """An account after every candle: capital, equity, and how they came about.

    Attributes:
        capital: what it began with, in the quote asset, as `equity` and `cash` are.
        close_ms: close of each candle of any symbol, (n,).
        fills, trades: records of FILLS and TRADES, in the order in which they happened.
    """

    markets: Mapping[str, Market]
    interval_ms: int
    capital: float
    close_ms: Times = field(repr=False)
    equity: Values = field(repr=False)
    fills: Records = field(repr=False)
    trades: Records = field(repr=False)
    trips: tuple[Trip, ...] = field(repr=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols, in the order of the records' numbers."""
        return tuple(self.markets)

    @property
    def cash(self) -> Values:
        """Return what was not in positions after each candle, (n,)."""
        after = np.searchsorted(self.fills["at_ms"], self.close_ms - self.interval_ms, side="right")
        return np.concatenate([[self.capital], self.fills["cash"]])[after]

    @property
    def traded(self) -> Values:
        """Return what each fill was worth, in the quote asset, (len(fills),)."""
        value = np.array([to_float(market.value) for market in self.markets.values()])
        return np.asarray(
            value[self.fills["symbol"]] * self.fills["lots"] * self.fills["ticks"], dtype=np.float64
        )

    @property
    def net(self) -> Values:
        """Return what each candle earned after costs, a share of the equity before it, (n,)."""
        return returns_of(self.capital, self.equity)

    @property
    def invested(self) -> Values:
        """Return the share of the equity that is in positions after each candle, (n,)."""
        return np.asarray(1.0 - self.cash / self.equity)


def follow(tracks: Mapping[str, Track], strategy: Strategy) -> Account:
    """Return the account that follows the decisions on the predictions of every symbol."""
    begin_ms = min(int(track.candles.open_time_ms[0]) for track in tracks.values())
    markets = {name: track.market for name, track in tracks.items()}
    walk, symbols = Walk(strategy, markets, begin_ms), tuple(tracks)
    # One piece that is filled part by part: parts that are joined would be there twice.
    most = sum(len(track.candles) for track in tracks.values())
    close_ms, equity, end = np.empty(most, np.int64), np.empty(most), 0
    fills, trades, trips = [], [], []
    with _no_collector():
        for legs in legs_of(tracks, strategy):
            found = walk.follow(legs)
            begin, end = end, end + len(found.close_ms)
            close_ms[begin:end], equity[begin:end] = found.close_ms, found.equity
            fills.append(_fill_records(found, symbols, strategy.interval_ms))
            trades.append(_trade_records(found, symbols))
            trips += found.trips
    return Account(
        markets=markets,
        interval_ms=strategy.interval_ms,
        capital=float(strategy.settings.capital),
        close_ms=close_ms[:end],
        equity=equity[:end],
        fills=np.concatenate(fills),
        trades=np.concatenate(trades),
        trips=tuple(trips),
    )


@contextmanager
def _no_collector() -> Iterator[None]:
    """Pause the garbage collector: a walk leaves no cycles, and many small objects to look at."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def legs_of(
    tracks: Mapping[str, Track], strategy: Strategy, part: int = PART
) -> Iterator[dict[str, Leg]]:
    """Yield the parts of the walk, each of at most `part` candles of any symbol, in time order."""
    interval_ms = strategy.interval_ms
    begin_ms = min(int(track.candles.open_time_ms[0]) for track in tracks.values())
    end_ms = max(int(track.candles.open_time_ms[-1]) for track in tracks.values())
    for from_ms in range(begin_ms, end_ms + 1, part * interval_ms):
        until_ms = from_ms + part * interval_ms
        yield {name: _leg(track, strategy, from_ms, until_ms) for name, track in tracks.items()}


def _leg(track: Track, strategy: Strategy, from_ms: int, until_ms: int) -> Leg:
    """Return one symbol's part; its views look back as far as the strategy remembers."""
    times, rows = track.candles.open_time_ms, track.rows
    memory_ms = (strategy.memory - 1) * strategy.interval_ms
    bounds = np.searchsorted(times, (from_ms - memory_ms, from_ms, until_ms))
    seen, begin, end = (int(i) for i in np.searchsorted(rows, bounds))
    first, last = (int(i) for i in bounds[1:])
    views = views_of(
        track.predictions.at(slice(seen, end)),
        strategy,
        track.regimes[seen:end],
        times[rows[seen:end]] // strategy.interval_ms,
    )
    return Leg(track.candles[first:last], views, rows[begin:end] - first)


def _fill_records(found: Followed, symbols: tuple[str, ...], interval_ms: int) -> Records:
    """Return a part's fills without Python's objects: a year of them at 1m are many."""
    records, unit = np.empty(len(found.fills), FILLS), 10 ** (MONEY_DIGITS - 8)
    if found.fills:
        names, fills = zip(*found.fills, strict=True)
        records["symbol"] = [symbols.index(name) for name in names]
        for field_name, column in zip(Fill._fields, zip(*fills, strict=True), strict=True):
            records[field_name] = [fee // unit for fee in column] if field_name == "fee" else column
        places = np.searchsorted(found.close_ms, records["at_ms"] + interval_ms)
        records["cash"] = found.cash[places]
    return records


def _trade_records(found: Followed, symbols: tuple[str, ...]) -> Records:
    """Return a part's trades likewise."""
    records = np.empty(len(found.trades), TRADES)
    if found.trades:
        names, trades = zip(*found.trades, strict=True)
        records["symbol"] = [symbols.index(name) for name in names]
        for field_name, column in zip(Trade._fields, zip(*trades, strict=True), strict=True):
            is_money = field_name in _MONEY
            records[field_name] = [to_float(part) for part in column] if is_money else column
    return records
