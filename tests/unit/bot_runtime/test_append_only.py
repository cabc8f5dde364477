"""Rows are added and never changed, whoever asks."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import Table

from bot_runtime.journal.append_only import CHANGING, statements
from bot_runtime.journal.columns import metadata
from bot_runtime.journal.entries import LimitRow, OutboxRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.tables import outbox, runs
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, carry_out, start

TABLES = list(metadata.sorted_tables)
COLUMNS = [(table, column.name) for table in TABLES for column in table.columns]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A connection of SQLite's own to a journal in which every table has rows."""
    bot = Bot(tmp_path_factory.mktemp("journal") / "journal.db", 1)
    while bot.run() < BEGIN_MS + 900_000:
        pass
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        limit = LimitRow("DailyLoss", "Tripped", None, 0.031, 0.03, BEGIN_MS, None)
        news = OutboxRow("key", "Trade", "bought", BEGIN_MS)
        carry_out(journal, BEGIN_MS, Rows(limits=(limit,), outbox=(news,)))
        journal.begin_run(start(BEGIN_MS))
    connection = sqlite3.connect(bot.path, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_no_row_is_deleted(connection: sqlite3.Connection, table: Table) -> None:
    (number,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
    assert number > 0
    with pytest.raises(sqlite3.IntegrityError, match=f"{table.name}: rows are never deleted"):
        connection.execute(f"DELETE FROM {table.name}")


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=str)
def test_no_column_changes_but_for_those_that_may(
    connection: sqlite3.Connection, table: Table, column: str
) -> None:
    statement = f'UPDATE {table.name} SET "{column}" = "{column}"'
    if table is runs:
        statement += " WHERE ended_verdict IS NULL"
    if column in CHANGING.get(table, ()):
        assert connection.execute(statement).rowcount > 0
        return
    with pytest.raises(sqlite3.IntegrityError, match=f"{table.name}: rows never change"):
        connection.execute(statement)


def test_an_end_is_written_once(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="runs: an end is written once"):
        connection.execute("UPDATE runs SET ended_reason = 'other' WHERE run_id = 1")


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
