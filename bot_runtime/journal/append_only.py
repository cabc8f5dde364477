"""Triggers: a journal is only ever added to, whoever writes to it.

An end is written to a run once, and an outbox row learns whether it was sent. All else is refused
by the database itself. Triggers are made anew after every migration.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Table

from bot_runtime.journal.columns import metadata
from bot_runtime.journal.tables import outbox, runs

CHANGING: Final[dict[Table, tuple[str, ...]]] = {
    runs: ("ended_after_ms", "ended_verdict", "ended_reason"),
    outbox: ("sent_ms", "attempts"),
}
"""The columns that may change."""
_ONCE: Final = {runs: "ended_verdict"}
"""The column that ends all change of a row once it is set."""

_POSTGRESQL_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION journal_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END $$
"""


def append_only(connection: Connection) -> None:
    """Make the triggers of every table anew, in the transaction that is under way."""
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.exec_driver_sql(_POSTGRESQL_FUNCTION)
    for table in metadata.sorted_tables:
        for statement in statements(table, is_sqlite=is_sqlite):
            connection.exec_driver_sql(statement)


def statements(table: Table, *, is_sqlite: bool) -> Iterator[str]:
    """Yield what makes a table append-only in SQLite, or in PostgreSQL."""
    make = _sqlite if is_sqlite else _postgresql
    yield from make(table, "delete", "DELETE", "", "rows are never deleted")
    kept = [c.name for c in table.columns if c.name not in CHANGING.get(table, ())]
    columns = ", ".join(f'"{name}"' for name in kept)
    yield from make(table, "update", f"UPDATE OF {columns}", "", "rows never change")
    if table in _ONCE:
        condition = f"OLD.{_ONCE[table]} IS NOT NULL"
        yield from make(table, "end", "UPDATE", condition, "an end is written once")
    if not is_sqlite:
        name = f"{table.name}_no_truncate"
        yield f"DROP TRIGGER IF EXISTS {name} ON {table.name}"
        yield (
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table.name} "
            f"EXECUTE FUNCTION journal_refuses('{table.name}: rows are never deleted')"
        )


def _sqlite(table: Table, what: str, event: str, condition: str, told: str) -> Iterator[str]:
    name = f"{table.name}_no_{what}"
    when = f" WHEN {condition}" if condition else ""
    yield f"DROP TRIGGER IF EXISTS {name}"
    yield (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table.name}{when} "
        f"BEGIN SELECT RAISE(ABORT, '{table.name}: {told}'); END"
    )


def _postgresql(table: Table, what: str, event: str, condition: str, told: str) -> Iterator[str]:
    name = f"{table.name}_no_{what}"
    when = f" WHEN ({condition})" if condition else ""
    yield f"DROP TRIGGER IF EXISTS {name} ON {table.name}"
    yield (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table.name} FOR EACH ROW{when} "
        f"EXECUTE FUNCTION journal_refuses('{table.name}: {told}')"
    )
