"""A paper account that its journal remembers: a run takes it on by the candles that have closed.

What the account knows is read from the journal, `Walk` follows the candles since, and all that came
of them goes back as rows, in one piece. A candle that no run has decided on is followed without a
view: what is open is settled, and nothing is bought.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import NamedTuple

import numpy as np

from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Signal
from bot_runtime.contract.tradingstatus import ActionStatus, LimitStatus, TotalsStatus
from bot_runtime.journal.entries import AccountRow, EquityRow, Rows
from bot_runtime.journal.reading import Reader
from bot_runtime.market.candles import Candles
from bot_runtime.trading.changed_settings import Adjustment
from bot_runtime.trading.exposure import RETURNS, Closes
from bot_runtime.trading.ids import owner_of
from bot_runtime.trading.precision import to_decimal
from bot_runtime.trading.session_candles import candle_rows, find_revision
from bot_runtime.trading.session_decisions import MISSED, decision_rows
from bot_runtime.trading.session_desk import Desk
from bot_runtime.trading.session_markets import market_of_row, market_row
from bot_runtime.trading.session_news import News
from bot_runtime.trading.session_rows import ledger_of, limits_of, trades_of
from bot_runtime.trading.session_state import SessionState
from bot_runtime.trading.session_status import action_of, limit_of
from bot_runtime.trading.signal_views import leg_of
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg
from bot_runtime.trading.walk import Followed, Walk


class Taken(NamedTuple):
    """What a run has come to: rows for the journal, and what it is to remember after them.

    Attributes:
        actions: one for each fill of the rows.
        tripped, reset: limits, as they happened.
    """

    rows: Rows
    state: SessionState
    actions: tuple[ActionStatus, ...] = ()
    tripped: tuple[LimitStatus, ...] = ()
    reset: tuple[LimitStatus, ...] = ()


class Session:
    """One run of one bot's paper account; the journal is read, and never written.

    Raises ConfigurationError where the journal's account is not one of this release.

    Attributes:
        before: what the runs until now have come to.
        settled_ms: close of the newest candle that is settled; None before the first.
    """

    def __init__(self, configuration: RunConfiguration, journal: Reader) -> None:
        self._configuration, self._journal = configuration, journal
        self._strategy = Strategy.of_run(configuration)
        self.before = SessionState.of(journal)
        account = self.before.account
        held = () if account is None else account.books
        self._symbols = tuple(dict.fromkeys((*configuration.symbols, *held)))
        settled = {symbol: journal.last_settled(symbol) for symbol in self._symbols}
        self._settled = {symbol: at for symbol, at in settled.items() if at is not None}
        self.settled_ms = max(self._settled.values(), default=None)
        self._known = {symbol: journal.market(symbol) for symbol in self._symbols}

    def take(self, news: News) -> Taken:
        """Return what comes of the news.

        Raises ConfigurationError where a market counts in steps that money does not have.
        """
        desk = self._desk(news)
        signals = {symbol: news.signal_of(symbol) for symbol in news.candles}
        walk, given = self._walk(desk, news)
        equity, parts = list[EquityRow](), list[Followed]()
        for legs in self._steps(news, signals):
            followed = walk.follow(legs, is_told=True)
            parts.append(followed)
            at_ms = int(followed.close_ms[-1])
            equity.append(EquityRow(at_ms, to_decimal(walk.cash), to_decimal(walk.equity)))
            desk.note(followed)
        rows = self._rows(desk, news, signals, parts)
        rows = rows._replace(ledger=tuple(ledger_of(desk, given, parts)), equity=tuple(equity))
        actions = [action_of(order, fill, rows.trades) for order, fill in desk.fills]
        state = self.before.after(walk.state, _counted(rows), actions)
        account = AccountRow(news.newest_ms, state.to_text())
        return Taken(
            rows._replace(accounts=(account,)),
            state,
            tuple(actions),
            tripped=tuple(limit_of(trip) for part in parts for trip in part.trips),
            reset=tuple(limit_of(trip) for part in parts for trip in part.resets),
        )

    def find_revisions(self, settled: Mapping[str, Candles]) -> Iterator[str]:
        """Yield which of the newest settled candles are not what they were settled on."""
        for symbol, now in settled.items():
            for known in self._journal.candles(symbol, 1):
                found = find_revision(known, now)
                if found is not None:
                    yield found

    def _desk(self, news: News) -> Desk:
        rows = {s: market_row(s, self._known[s], news) for s in self._symbols}
        market_rows = {symbol: row for symbol, row in rows.items() if row is not None}
        identity, costs = self._journal.identity, self._strategy.costs
        return Desk(
            owner=owner_of(identity.journal_id),
            quote=identity.owner.quote,
            interval_ms=self._strategy.interval_ms,
            source=self._configuration.execution.paper_fills,
            markets={symbol: market_of_row(row, costs) for symbol, row in market_rows.items()},
            market_rows=market_rows,
            before={s: market_of_row(row, costs) for s, row in self._known.items() if row},
            since_ms=news.oldest_ms,
            newest_ms=self._settled,
            journal=self._journal,
        )

    def _walk(self, desk: Desk, news: News) -> tuple[Walk, tuple[Adjustment, ...]]:
        """Return the account, and what it was given where it begins."""
        account = self.before.account
        traded = {s: market for s, market in desk.markets.items() if s in news.candles}
        if account is not None:
            closes = {symbol: self._closes(symbol) for symbol in desk.markets}
            return Walk.resumed(account, self._strategy, traded, closes), ()
        begin_ms = news.oldest_ms - self._strategy.interval_ms
        capital = Decimal(self._strategy.settings.capital)
        return Walk(self._strategy, traded, begin_ms), (Adjustment(begin_ms, "", capital),)

    def _closes(self, symbol: str) -> Closes:
        rows = self._journal.closes(symbol, RETURNS + 1)
        closed_ms = np.array([candle_ms for candle_ms, _ in rows], dtype=np.int64)
        prices = np.array([price for _, price in rows], dtype=np.float64)
        return Closes(closed_ms - self._strategy.interval_ms, prices)

    def _steps(self, news: News, signals: Mapping[str, Signal | None]) -> Iterator[dict[str, Leg]]:
        """Yield every candle by itself, of all symbols that have one, in time order."""
        opens, newest_ms = [part.open_time_ms for part in news.candles.values()], news.newest_ms
        for open_ms in reduce(np.union1d, opens).tolist():
            close_ms = open_ms + self._strategy.interval_ms
            legs = {}
            for symbol, candles in news.candles.items():
                signal = signals[symbol] if close_ms == newest_ms else None
                told = () if signal is None or news.leaves_out(signal.decision) else (signal,)
                legs[symbol] = leg_of(candles.between(open_ms, close_ms), told, self._strategy)
            yield legs

    def _rows(
        self,
        desk: Desk,
        news: News,
        signals: Mapping[str, Signal | None],
        parts: Sequence[Followed],
    ) -> Rows:
        plans = [plan for part in parts for plan in part.plans]
        trades = [trade for part in parts for trade in part.trades]
        return Rows(
            markets=tuple(row for s, row in desk.market_rows.items() if row is not self._known[s]),
            candles=tuple(r for s, part in news.candles.items() for r in candle_rows(s, part)),
            decisions=tuple(
                row
                for s in news.candles
                for row in decision_rows(news, s, desk.markets.get(s), signals[s], plans)
            ),
            orders=tuple(desk.orders.values()),
            order_events=tuple(desk.events),
            fills=tuple(fill for _, fill in desk.fills),
            trades=tuple(trades_of(desk, trades)),
            limits=tuple(row for part in parts for row in limits_of(part.trips, part.resets)),
        )


def _counted(rows: Rows) -> TotalsStatus:
    """Return what a run's rows add to what was counted before."""
    return TotalsStatus(
        orders=len(rows.orders),
        fills=len(rows.fills),
        trades=len(rows.trades),
        missed=sum(row.outcome == MISSED for row in rows.decisions),
    )
