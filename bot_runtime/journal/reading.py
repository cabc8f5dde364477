"""What a journal is asked: by the next run, which needs little of it, and by people.

What a run asks is found by a key or from the newest row on, so that it takes as long after a year
as on the first day.
"""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Result, Select, exists, func, select

from bot_runtime.journal import tables
from bot_runtime.journal.entries import (
    AccountRow,
    CandleRow,
    DecisionRow,
    EquityRow,
    MarketRow,
    OutboxRow,
)
from bot_runtime.journal.interned_names import InternedNames
from bot_runtime.journal.order_entries import FillRow, OrderRow
from bot_runtime.journal.order_tables import fills, order_events, orders
from bot_runtime.journal.row_coding import EntryT, decode, query_of, sorted_query_of
from bot_runtime.journal.run_entries import Identity, Owner, RunRow
from bot_runtime.journal.tables import candles


class Reader:
    """A journal as it stands; it is read in one transaction, so that its rows belong together.

    Every method raises StoreUnavailableError where the volume does not give the journal.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = InternedNames(connection)

    @property
    def identity(self) -> Identity:
        """Return which journal it is, and how far it has come."""
        own = self._connection.execute(select(tables.journal)).mappings().one()
        return Identity(
            journal_id=own["journal_id"],
            sequence=self._connection.scalar(select(func.max(tables.runs.c.run_id))) or 0,
            schema=tables.SCHEMA,
            owner=Owner(*(own[field] for field in Owner._fields)),
            created_ms=own["created_ms"],
        )

    def last_settled(self, symbol: str) -> int | None:
        """Return the newest candle of a symbol that was settled; None before the first."""
        of_symbol = candles.c.symbol == self.number_of(symbol)
        newest = self._first(CandleRow, of_symbol, newest_first=candles.c.candle_ms)
        return newest.candle_ms if newest else None

    def last_state(self) -> AccountRow | None:
        """Return what the account knew after the newest candle; None before the first."""
        return self._first(AccountRow, newest_first=tables.accounts.c.candle_ms)

    def last_equity(self) -> EquityRow | None:
        """Return cash and equity after the newest candle; None before the first."""
        return self._first(EquityRow, newest_first=tables.equity.c.candle_ms)

    def candles(self, symbol: str, newest: int) -> list[CandleRow]:
        """Return the newest candles of a symbol, oldest first."""
        query = query_of(CandleRow).where(candles.c.symbol == self.number_of(symbol))
        found = self.read(CandleRow, query.order_by(candles.c.candle_ms.desc()).limit(newest))
        return list(found)[::-1]

    def closes(self, symbol: str, newest: int) -> list[tuple[int, float]]:
        """Return when the newest candles of a symbol closed and at which price, oldest first."""
        query = (
            select(candles.c.candle_ms, candles.c.close)
            .where(candles.c.symbol == self.number_of(symbol))
            .order_by(candles.c.candle_ms.desc())
            .limit(newest)
        )
        return [(row.candle_ms, row.close) for row in self.execute(query)][::-1]

    def market(self, symbol: str) -> MarketRow | None:
        """Return what a symbol's market takes, as it was last seen."""
        markets = tables.markets
        of_symbol = markets.c.symbol == self.number_of(symbol)
        return self._first(MarketRow, of_symbol, newest_first=markets.c.since_ms)

    def decided(self, symbol: str, candle_ms: int) -> DecisionRow | None:
        """Return what was decided at a candle; None where no run has come to it."""
        of_symbol = candles.c.symbol == self.number_of(symbol)
        return self._first(DecisionRow, of_symbol & (candles.c.candle_ms == candle_ms))

    def order(self, client_order_id: str) -> OrderRow | None:
        """Return an order; None where there is none of this id."""
        return self._first(OrderRow, orders.c.client_order_id == client_order_id)

    def fills_of(self, client_order_id: str) -> list[FillRow]:
        """Return what an order has filled, in time order."""
        query = sorted_query_of(FillRow).where(fills.c.client_order_id == client_order_id)
        return list(self.read(FillRow, query))

    def open_orders(self, since_ms: int, terminal: Collection[str]) -> list[OrderRow]:
        """Return the orders of the candles from a time on that no event of these states has ended.

        An order is not marked as ended, for rows never change: without `since_ms` all would be
        read.
        """
        states = [self.number_of(state) for state in terminal]
        ended = exists().where(
            order_events.c.client_order_id == orders.c.client_order_id,
            order_events.c.state.in_([state for state in states if state is not None]),
        )
        query = sorted_query_of(OrderRow).where(orders.c.candle_ms >= since_ms, ~ended)
        return list(self.read(OrderRow, query))

    def unsent(self, since_ms: int = 0) -> list[OutboxRow]:
        """Return the notifications since a time that were not sent yet, oldest first."""
        outbox = tables.outbox.c
        is_due = outbox.sent_ms.is_(None) & (outbox.created_ms >= since_ms)
        return list(self.read(OutboxRow, sorted_query_of(OutboxRow).where(is_due)))

    def known_news(self, keys: Collection[str]) -> set[str]:
        """Return which keys of notifications are taken."""
        outbox = tables.outbox.c
        return set(self._connection.scalars(select(outbox.key).where(outbox.key.in_(keys))))

    def run(self, run_id: int) -> RunRow | None:
        """Return a run."""
        return self._first(RunRow, tables.runs.c.run_id == run_id)

    def last_ended(self, verdicts: Collection[str]) -> RunRow | None:
        """Return the newest run that has ended with one of these verdicts; None where none has."""
        runs = tables.runs.c
        numbers = [self.number_of(verdict) for verdict in verdicts]
        of_verdict = runs.ended_verdict.in_([n for n in numbers if n is not None])
        return self._first(RunRow, of_verdict, newest_first=runs.run_id)

    def configuration(self, run_digest: str) -> str:
        """Return the run configuration of a run that is in the journal, JSON."""
        kept = tables.configurations.c
        query = select(kept.configuration).where(kept.run_digest == run_digest)
        return str(self._connection.scalar(query))

    def digests_by_candle(self) -> list[tuple[int, str]]:
        """Return by which run configuration each candle was settled, in time order."""
        own, kept = tables.runs, tables.configurations
        query = (
            select(candles.c.candle_ms, kept.c.run_digest)
            .distinct()
            .join_from(candles, own, candles.c.run_id == own.c.run_id)
            .join(kept, own.c.configuration_id == kept.c.id)
            .order_by(candles.c.candle_ms)
        )
        return [(int(row.candle_ms), str(row.run_digest)) for row in self.execute(query)]

    def all(self, kind: type[EntryT]) -> Iterator[EntryT]:
        """Yield all rows of a kind, as they happened."""
        return self.read(kind, sorted_query_of(kind))

    def read(self, kind: type[EntryT], query: Select[Any]) -> Iterator[EntryT]:
        """Yield the rows that a query of this room finds."""
        for row in self.execute(query):
            yield decode(kind, row, self._names)

    def execute(self, query: Select[Any]) -> Result[Any]:
        """Return what a query of this room finds, as it lies there."""
        return self._connection.execute(query)

    def number_of(self, word: str) -> int | None:
        """Return the number of a word in rows; None where no row has it."""
        return self._names.find(word)

    def _first(
        self,
        kind: type[EntryT],
        *conditions: ColumnElement[bool],
        newest_first: Column[int] | None = None,
    ) -> EntryT | None:
        query = query_of(kind).where(*conditions).limit(1)
        if newest_first is not None:
            query = query.order_by(newest_first.desc())
        return next(self.read(kind, query), None)
