"""Rows are added and never changed, whoever asks."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Executable, Table, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from bot_runtime.journal.append_only import CHANGING, statements
from bot_runtime.journal.columns import metadata
from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import LimitRow, OutboxRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.tables import outbox, runs
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, carry_out, start

TABLES = list(metadata.sorted_tables)
COLUMNS = [(table, column.name) for table in TABLES for column in table.columns]


@pytest.fixture(scope="module")
def connection(databases: Callable[[], Database]) -> Iterator[Connection]:
    """A connection to a journal in which every table has rows."""
    bot = Bot(databases(), 1)
    while bot.run() < BEGIN_MS + 900_000:
        pass
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        limit = LimitRow("DailyLoss", "Tripped", None, 0.031, 0.03, BEGIN_MS, None)
        news = OutboxRow("key", "Trade", "bought", BEGIN_MS)
        carry_out(journal, BEGIN_MS, Rows(limits=(limit,), outbox=(news,)))
        journal.begin_run(start(BEGIN_MS))
    with bot.database.hold() as held:
        yield held.connection


def refused(connection: Connection, statement: Executable, words: str) -> None:
    with pytest.raises(DBAPIError, match=words), connection.begin():
        connection.execute(statement)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_no_row_is_deleted(connection: Connection, table: Table) -> None:
    with connection.begin():
        assert connection.scalar(select(func.count()).select_from(table))
    refused(connection, delete(table), f"{table.name}: rows are never deleted")


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=str)
def test_no_column_changes_but_for_those_that_may(
    connection: Connection, table: Table, column: str
) -> None:
    statement = update(table).values({column: table.c[column]})
    if table is runs:
        statement = statement.where(runs.c.ended_verdict.is_(None))
    if column in CHANGING.get(table, ()):
        with connection.begin():
            assert connection.execute(statement).rowcount > 0
        return
    refused(connection, statement, f"{table.name}: rows never change")


def test_an_end_is_written_once(connection: Connection) -> None:
    other = update(runs).values(ended_reason="other").where(runs.c.run_id == 1)
    refused(connection, other, "runs: an end is written once")


def test_what_may_change_is_what_a_run_learns_later() -> None:
    assert {
        runs: ("ended_after_ms", "ended_verdict", "ended_reason"),
        outbox: ("sent_ms", "attempts"),
    } == CHANGING


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_postgresql_refuses_the_same(table: Table) -> None:
    made = " ".join(statements(table, is_sqlite=False))
    for event in ("DELETE", "UPDATE OF", "TRUNCATE"):
        assert f"BEFORE {event}" in made
    assert ("an end is written once" in made) is (table is runs)
