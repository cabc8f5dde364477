"""The account that follows a bot's decisions over past candles, and what it has earned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bot_runtime.arrays import Rows, Times, Values
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.limits import Trip
from bot_runtime.trading.positions import Fill, Trade
from bot_runtime.trading.precision import MONEY_DIGITS, Market, to_float
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.walk import Followed, Leg, Walk

PART: Final = 65_536
"""Candles that are gone through at once: what is computed of them has to fit into memory."""

FILLS: Final = np.dtype(
    [
        ("symbol", np.int16),
        ("at_ms", np.int64),
        ("purpose", np.int8),
        ("lots", np.int64),
        ("ticks", np.int64),
        ("fee", np.int64),
    ]
)
"""A fill as Fill has it, of one of `symbols`; the fee in 10^-8 of the quote asset."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """An account after every candle: capital, cash, equity, and how they came about.

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
    cash: Values = field(repr=False)
    fills: Records = field(repr=False)
    trades: Records = field(repr=False)
    trips: tuple[Trip, ...] = field(repr=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols, in the order of the records' numbers."""
        return tuple(self.markets)

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
        before = np.concatenate([[self.capital], self.equity[:-1]])
        return np.asarray(self.equity / before - 1.0)

    @property
    def invested(self) -> Values:
        """Return the share of the equity that is in positions after each candle, (n,)."""
        return np.asarray(1.0 - self.cash / self.equity)


def follow(tracks: Mapping[str, Track], strategy: Strategy) -> Account:
    """Return the account that follows the decisions on the predictions of every symbol."""
    begin_ms = min(int(track.candles.open_time_ms[0]) for track in tracks.values())
    markets = {name: track.market for name, track in tracks.items()}
    walk = Walk(strategy, markets, begin_ms)
    parts = [_packed(walk.follow(legs), tuple(tracks)) for legs in legs_of(tracks, strategy)]
    return Account(
        markets=markets,
        interval_ms=strategy.interval_ms,
        capital=float(strategy.settings.capital),
        close_ms=np.concatenate([part.close_ms for part in parts]),
        equity=np.concatenate([part.equity for part in parts]),
        cash=np.concatenate([part.cash for part in parts]),
        fills=np.concatenate([part.fills for part in parts]),
        trades=np.concatenate([part.trades for part in parts]),
        trips=tuple(trip for part in parts for trip in part.trips),
    )


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
    times = track.candles.open_time_ms
    first, last = (int(i) for i in np.searchsorted(times, (from_ms, until_ms)))
    memory_ms = (strategy.memory - 1) * strategy.interval_ms
    known_ms = times[track.rows]
    seen, begin, end = (
        int(i) for i in np.searchsorted(known_ms, (from_ms - memory_ms, from_ms, until_ms))
    )
    rows = np.arange(seen, end)
    views = views_of(
        track.predictions.at(slice(seen, end)),
        strategy,
        track.regimes[seen:end],
        known_ms[seen:end] // strategy.interval_ms,
    )
    return Leg(track.candles[first:last], views, track.rows[rows[begin - seen :]] - first)


def _packed(found: Followed, symbols: tuple[str, ...]) -> "_Packed":
    """Return a part without Python's objects: a year of trades at 1m are many."""
    place = {name: i for i, name in enumerate(symbols)}
    fills = np.array([_fill_record(place[name], fill) for name, fill in found.fills], FILLS)
    trades = np.array([_trade_record(place[name], trade) for name, trade in found.trades], TRADES)
    return _Packed(found.close_ms, found.equity, found.cash, fills, trades, tuple(found.trips))


class _Packed(NamedTuple):
    close_ms: Times
    equity: Values
    cash: Values
    fills: Records
    trades: Records
    trips: tuple[Trip, ...]


def _fill_record(symbol: int, fill: Fill) -> tuple[int, ...]:
    fee = fill.fee // 10 ** (MONEY_DIGITS - 8)
    return symbol, fill.at_ms, fill.purpose, fill.lots, fill.ticks, fee


def _trade_record(symbol: int, trade: Trade) -> tuple[float, ...]:
    money = (to_float(part) for part in (trade.paid, trade.received, trade.fees, trade.profit))
    return (
        symbol,
        trade.opened_ms,
        trade.closed_ms,
        trade.lots,
        *money,
        trade.purpose,
        trade.regime,
    )
