"""Every journal is made by migrations, and a migration happens whole or not at all."""

import os

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from bot_runtime.journal import migrating, order_tables
from bot_runtime.journal.columns import metadata
from bot_runtime.journal.database import Database
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.tables import SCHEMA
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, assert_whole
from tests.unit.bot_runtime.older_journals import make_older


def tables_of(database: Database) -> set[str]:
    with database.read() as connection:
        return set(inspect(connection).get_table_names())


def test_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        assert order_tables.fills.metadata is metadata
        assert compare_metadata(MigrationContext.configure(journal._connection), metadata) == []


def test_the_newest_schema_is_the_newest_migration(database: Database) -> None:
    with database.hold() as held:
        script = ScriptDirectory.from_config(migrating.settings(held.connection))
    assert script.get_heads() == [SCHEMA]
    names = [path.stem for path in (migrating.MIGRATIONS / "versions").glob("schema_*.py")]
    assert sorted(names) == [f"schema_{n:04}" for n in range(1, len(names) + 1)]
    assert int(SCHEMA) == len(names)


def test_an_older_journal_is_migrated(database: Database) -> None:
    bot = Bot(database, 1)
    make_older(database)
    assert "orders" not in tables_of(database)
    bot.run()
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        assert journal.identity[:3] == ("older", 1, SCHEMA)
    assert "orders" in tables_of(database)


def test_a_migration_that_breaks_off_leaves_the_older_journal(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(database)
    before = tables_of(database)
    monkeypatch.setattr(migrating, "name_all", lambda _: os.strerror("late"))  # type: ignore[arg-type] # a TypeError, after all tables were made
    with pytest.raises(TypeError), open_journal(database, OWNER, BEGIN_MS):
        pass
    assert tables_of(database) == before
    monkeypatch.undo()
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        assert journal.identity.journal_id == "older"
