"""A run's rows: its own when it begins; all others, and its end, in one transaction."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from sqlalchemy import Table, func, insert, select, update

from bot_runtime.journal.database import Held
from bot_runtime.journal.entries import DecisionRow, Rows
from bot_runtime.journal.on_change import changes, explained
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.row_coding import TABLES, encode
from bot_runtime.journal.run_entries import RunEnd, RunStart
from bot_runtime.journal.tables import candles, configurations, explanations, outbox, runs

_UNDECIDED: Final = dict.fromkeys(f for f in DecisionRow._fields if f in candles.c)


class Journal(Reader):
    """A journal that this process alone writes to.

    Every method raises StoreUnavailableError where the database refuses, and then has written
    nothing.
    """

    def __init__(self, held: Held) -> None:
        super().__init__(held.connection)
        self._held = held

    @property
    def room_is_short(self) -> bool:
        """Tell whether there is too little room to begin something new."""
        return self._held.room_is_short

    def begin_run(self, start: RunStart) -> int:
        """Commit a run's own row, and return the run's number."""
        with self._committing():
            newest = select(func.coalesce(func.max(runs.c.run_id), 0)).scalar_subquery()
            values = encode(start, self._names) | {
                "run_id": newest + 1,  # a sequence of PostgreSQL leaves gaps, and forgets none
                "configuration_id": self._kept(start),
            }
            statement = insert(runs).values(values).returning(runs.c.run_id)
            (run_id,) = self._connection.execute(statement).one()
        self._held.begin_writing()
        return int(run_id)

    def finish(self, run_id: int, rows: Rows, end: RunEnd) -> None:
        """Commit all that a run has to say, and its end, as one.

        Raises ValueError where the run has ended already, or where a decision comes without its
        candle.
        """
        with self._committing():
            for table, values in self._values(run_id, rows):
                if values:
                    self._connection.execute(insert(table), values)
            ended = {
                "ended_after_ms": end.ended_ms - runs.c.started_ms,
                "ended_verdict": self._names.add(end.verdict),
                "ended_reason": end.reason,
            }
            unfinished = (runs.c.run_id == run_id) & runs.c.ended_verdict.is_(None)
            done = self._connection.execute(update(runs).where(unfinished).values(ended))
            if done.rowcount != 1:
                raise ValueError(f"run {run_id}: has ended already, or never began")

    def note_attempt(self, keys: Collection[str], sent_ms: int | None) -> None:
        """Count an attempt to send notifications at once; `sent_ms` is None where it failed."""
        tried = {"attempts": outbox.c.attempts + 1, "sent_ms": sent_ms}
        with self._committing():
            self._connection.execute(update(outbox).where(outbox.c.key.in_(keys)).values(tried))

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Commit what the block writes, or nothing of it."""
        self._connection.rollback()  # what was read until now is of an older transaction
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._names.forget()
            self._connection.rollback()
            raise

    def _kept(self, start: RunStart) -> int:
        """Return the number of a run's configuration, which is kept where it is new."""
        kept = configurations.c
        query = select(kept.id).where(kept.run_digest == start.run_digest)
        found = self._connection.scalar(query)
        if found is None:
            values = {"run_digest": start.run_digest, "configuration": start.configuration}
            statement = insert(configurations).values(values).returning(kept.id)
            (found,) = self._connection.execute(statement).one()
        return int(found)

    def _values(self, run_id: int, rows: Rows) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
        """Yield the rows of each table, so that whatever is referred to comes first."""

        def encoded(entries: tuple[NamedTuple, ...]) -> list[dict[str, Any]]:
            return [encode(entry, self._names) | {"run_id": run_id} for entry in entries]

        told = tuple(explained(rows, run_id, self._connection, self._names))
        kept = rows._replace(
            equity=tuple(changes(rows.equity, self.last_equity())),
            accounts=tuple(changes(rows.accounts, self.last_state())),
        )
        yield candles, self._decided(encoded(rows.candles), encoded(rows.decisions))
        yield (
            explanations,
            [
                {
                    "symbol": self._names.add(decision.symbol),
                    "candle_ms": decision.candle_ms,
                    "run_id": run_id,
                    "reason": decision.reason,
                    "rules": decision.rules,
                }
                for decision in told
            ],
        )
        for entries in kept._replace(candles=(), decisions=()):
            if entries:
                yield TABLES[type(entries[0])], encoded(entries)

    def _decided(
        self, settled: list[dict[str, Any]], decided: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the rows of candles, each with its decision."""
        found = {(row["symbol"], row["candle_ms"]): _UNDECIDED | row for row in settled}
        for row in decided:
            candle = found.get((row["symbol"], row["candle_ms"]))
            if candle is None:
                symbol = self._names.word(row["symbol"])
                raise ValueError(f"decision of {symbol} at {row['candle_ms']}: has no candle")
            candle.update(row)
        return list(found.values())
