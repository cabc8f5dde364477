"""Every journal is made by migrations, and a migration happens whole or not at all."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from bot_runtime.journal import migrating, order_tables
from bot_runtime.journal.columns import metadata
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.sqlite_file import connected
from bot_runtime.journal.tables import SCHEMA
from bot_runtime.process.errors import StoreUnavailableError
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, assert_whole, on_its_own
from tools.tree import ROOT

OLDER = "0001"


def tables_of(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    connection.close()
    return {name for (name,) in rows}


def make_older(path: Path) -> None:
    """Make a journal of the schema before the newest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with connected(path) as connection, connection.begin():
        command.upgrade(migrating.settings(connection), OLDER)
        values = ("older", *OWNER, BEGIN_MS)
        connection.exec_driver_sql("INSERT INTO journal VALUES (1, ?, ?, ?, ?, ?, ?, ?)", values)


def test_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(path, OWNER, BEGIN_MS), connected(path) as connection:
        assert order_tables.fills.metadata is metadata
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        made = {
            name: _ddl(connection.exec_driver_sql(_DDL, (name,)).scalar())
            for name in metadata.tables
        }
    plain = create_engine("sqlite://")
    metadata.create_all(plain)
    with plain.connect() as connection:
        known = {
            name: _ddl(connection.exec_driver_sql(_DDL, (name,)).scalar())
            for name in metadata.tables
        }
    assert made == known


_DDL = "SELECT sql FROM sqlite_schema WHERE name = ?"


def _ddl(text: str | None) -> list[str]:
    """Return the lines of a table's statement, in any order."""
    return sorted(line.strip(" ,\t") for line in (text or "").splitlines())


def test_the_newest_schema_is_the_newest_migration(tmp_path: Path) -> None:
    with connected(tmp_path / "journal.db") as connection:
        script = ScriptDirectory.from_config(migrating.settings(connection))
    assert script.get_heads() == [SCHEMA]
    names = [path.stem for path in (migrating.MIGRATIONS / "versions").glob("schema_*.py")]
    assert sorted(names) == [f"schema_{n:04}" for n in range(1, len(names) + 1)]
    assert int(SCHEMA) == len(names)


def test_an_older_journal_is_migrated_and_copied_before(tmp_path: Path) -> None:
    bot = Bot(tmp_path / "journal.db", 1)
    make_older(bot.path)
    bot.run()
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        assert journal.identity[:3] == ("older", 1, SCHEMA)
    copy = tmp_path / f"journal-of-schema-{OLDER}.db"
    assert "orders" in tables_of(bot.path)
    assert "orders" not in tables_of(copy)
    assert sorted(p.name for p in tmp_path.iterdir()) == [copy.name, "journal.db", "journal.lock"]


def test_a_migration_that_breaks_off_leaves_the_older_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    make_older(path)
    before = tables_of(path)
    monkeypatch.setattr(migrating, "name_all", lambda _: os.strerror("late"))  # type: ignore[arg-type] # a TypeError, after all tables were made
    with pytest.raises(TypeError), open_journal(path, OWNER, BEGIN_MS):
        pass
    assert tables_of(path) == before
    monkeypatch.undo()
    with open_journal(path, OWNER, BEGIN_MS) as journal:
        assert journal.identity.journal_id == "older"


def test_no_room_for_the_copy_leaves_the_older_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_older(path)
    before = tables_of(path)
    (tmp_path / f".journal-of-schema-{OLDER}.db").mkdir()
    with (
        pytest.raises(
            StoreUnavailableError, match=r"journal.db: cannot be written: Is a directory"
        ),
        open_journal(path, OWNER, BEGIN_MS),
    ):
        pass
    assert tables_of(path) == before


def test_whoever_is_killed_while_it_begins_a_journal_leaves_a_whole_one_or_none(
    tmp_path: Path,
) -> None:
    assert on_its_own("migration", tmp_path) == {"kills": 20}


def test_alembic_is_not_imported_where_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(path, OWNER, BEGIN_MS):
        pass
    script = (
        "import json, sys; from pathlib import Path\n"
        "from bot_runtime.journal.opening import open_journal\n"
        "from bot_runtime.journal.run_entries import Owner\n"
        f"with open_journal(Path({str(path)!r}), Owner(*{tuple(OWNER)}), 1) as journal: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout))
    assert "sqlalchemy.dialects.sqlite.pysqlite" in modules
    assert not modules & {"alembic", "mako", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql"}


def test_a_copy_is_no_migration_of_its_own(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal.db", OWNER, BEGIN_MS):
        pass
    with connected(tmp_path / "journal.db") as connection:
        assert "journal" in inspect(connection).get_table_names()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["journal.db", "journal.lock"]
