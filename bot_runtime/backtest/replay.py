"""A journal gone through again: what the account's walk makes of it, in pieces as long as may be.

The candles, filters, settings and predictions are the journal's own, and the walk is the one of a
backtest. So both have to agree in every fill, trade, trip and equity, holds included.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.journal.entries import CandleRow, DecisionRow, MarketRow
from bot_runtime.journal.reading import Reader
from bot_runtime.market.candles import Candles, from_rows
from bot_runtime.serving.predictions import PREDICTED, Predictions
from bot_runtime.trading.account_state import AccountState
from bot_runtime.trading.decision import Views
from bot_runtime.trading.exposure import RETURNS, Closes
from bot_runtime.trading.session_markets import market_of_row
from bot_runtime.trading.signal_views import views_told
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg
from bot_runtime.trading.walk import Followed, Walk


class Stretch(NamedTuple):
    """Candles that close in [begin, end) ms, under one configuration and the same filters.

    Attributes:
        markets: what is known of markets, by symbol; a symbol without candles may have none.
    """

    begin_ms: int
    end_ms: int
    configuration: RunConfiguration
    markets: Mapping[str, MarketRow]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols that are traded."""
        return tuple(s for s in self.configuration.symbols if s in self.markets)


class Replayed(NamedTuple):
    """What a stretch came to.

    Attributes:
        newest_ms: close of each symbol's newest candle before it.
        decisions, views: those that predictions led to, by symbol.
        state: of the account after it.
    """

    stretch: Stretch
    strategy: Strategy
    newest_ms: Mapping[str, int]
    decisions: Mapping[str, list[DecisionRow]]
    views: Mapping[str, Views]
    followed: Followed
    state: AccountState


@dataclass(frozen=True, slots=True)
class Settled:
    """What a journal has of one symbol: candles, and decisions that a prediction led to."""

    candles: list[CandleRow] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)

    def candles_of(self, begin_ms: int, end_ms: int, interval_ms: int) -> Candles:
        """Return the candles that close in [begin, end) ms."""
        first, last = _span(self.candles, begin_ms, end_ms)
        rows = [(row.candle_ms - interval_ms, *row[2:]) for row in self.candles[first:last]]
        return from_rows(rows, interval_ms)

    def decided(self, begin_ms: int, end_ms: int) -> list[DecisionRow]:
        """Return the decisions on candles that close in [begin, end) ms."""
        first, last = _span(self.decisions, begin_ms, end_ms)
        return self.decisions[first:last]

    def before(self, until_ms: int) -> list[CandleRow]:
        """Return the candles that close before a time."""
        return self.candles[: _span(self.candles, 0, until_ms)[1]]

    def newest(self, until_ms: int, interval_ms: int) -> Closes:
        """Return the newest closes of the candles that close before a time."""
        rows = self.before(until_ms)[-RETURNS - 1 :]
        opens = np.array([row.candle_ms - interval_ms for row in rows], dtype=np.int64)
        return Closes(opens, np.array([row.close for row in rows]))


def replay(journal: Reader) -> Iterator[Replayed]:
    """Yield what came of every stretch of a journal, each in one piece."""
    settled = settled_in(journal)
    state: AccountState | None = None
    for stretch in stretches(journal):
        strategy = Strategy.of_run(stretch.configuration)
        walk = _walk(stretch, strategy, state, settled)
        span = stretch.begin_ms, stretch.end_ms
        decisions, views, legs = {}, {}, {}
        for symbol in stretch.symbols:
            own = settled.get(symbol, Settled())
            decisions[symbol] = own.decided(*span)
            views[symbol] = _views_of(decisions[symbol], strategy)
            candles = own.candles_of(*span, strategy.interval_ms)
            at = np.array([row.candle_ms for row in decisions[symbol]], dtype=np.int64)
            rows = np.searchsorted(candles.close_time_ms, at)
            legs[symbol] = Leg(candles, views[symbol], rows)
        followed = walk.follow(legs, is_told=True)
        state = walk.state
        before = {symbol: own.before(stretch.begin_ms) for symbol, own in settled.items()}
        newest_ms = {symbol: rows[-1].candle_ms for symbol, rows in before.items() if rows}
        yield Replayed(stretch, strategy, newest_ms, decisions, views, followed, state)


def stretches(journal: Reader) -> Iterator[Stretch]:
    """Yield the stretches of a journal: a new one begins where settings or filters change."""
    digests = journal.digests_by_candle()
    markets = sorted(journal.all(MarketRow), key=lambda row: row.since_ms)
    changed = [
        at for n, (at, digest) in enumerate(digests) if n == 0 or digests[n - 1][1] != digest
    ]
    begins = sorted({*changed, *(row.since_ms for row in markets)})
    ends = [*begins[1:], digests[-1][0] + 1] if digests else []
    for begin_ms, end_ms in zip(begins, ends, strict=True):
        _, digest = digests[bisect_right(digests, begin_ms, key=lambda pair: pair[0]) - 1]
        configuration = RunConfiguration.model_validate_json(journal.configuration(digest))
        known = {row.symbol: row for row in markets if row.since_ms <= begin_ms}
        yield Stretch(begin_ms, end_ms, configuration, known)


def settled_in(journal: Reader) -> dict[str, Settled]:
    """Return what a journal has of each symbol, in time order."""
    found: dict[str, Settled] = {}
    for candle in journal.all(CandleRow):
        found.setdefault(candle.symbol, Settled()).candles.append(candle)
    for decision in journal.all(DecisionRow):
        if decision.prob_up is not None:
            found[decision.symbol].decisions.append(decision)
    return found


def predictions_of(decisions: list[DecisionRow]) -> Predictions:
    """Return what decisions were taken by."""
    columns = [[getattr(row, name) for row in decisions] for name in PREDICTED]
    return Predictions(*np.array(columns, dtype=np.float64))


def _views_of(decisions: list[DecisionRow], strategy: Strategy) -> Views:
    regimes = [row.regime or "" for row in decisions]
    share = np.array([row.share for row in decisions], dtype=np.float64)
    return views_told(predictions_of(decisions), regimes, share, strategy)


def _walk(
    stretch: Stretch,
    strategy: Strategy,
    state: AccountState | None,
    settled: Mapping[str, Settled],
) -> Walk:
    """Return the account before a stretch."""
    interval_ms = strategy.interval_ms
    markets = {s: market_of_row(stretch.markets[s], strategy.costs) for s in stretch.symbols}
    if state is None:
        return Walk(strategy, markets, stretch.begin_ms - interval_ms)
    closes = {s: part.newest(stretch.begin_ms, interval_ms) for s, part in settled.items()}
    return Walk.resumed(state, strategy, markets, closes)


def _span(rows: list[CandleRow] | list[DecisionRow], begin_ms: int, end_ms: int) -> tuple[int, int]:
    """Return where the rows whose candles close in [begin, end) ms begin and end."""

    def closes(row: CandleRow | DecisionRow) -> int:
        return row.candle_ms

    first = bisect_left(rows, begin_ms, key=closes)
    return first, bisect_left(rows, end_ms, first, key=closes)
