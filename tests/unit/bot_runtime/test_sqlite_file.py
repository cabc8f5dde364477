"""A journal in a file: what its volume refuses is told, and what is committed stays committed."""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from bot_runtime.journal.columns import metadata
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.run_entries import Owner
from bot_runtime.journal.sqlite_connection import connected
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.journal.tables import SCHEMA, accounts, candles, equity, outbox, runs
from bot_runtime.journal.writing import Journal
from bot_runtime.process.errors import StepError, StoreUnavailableError
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    MINUTE_MS,
    OWNER,
    SYMBOLS,
    Bot,
    assert_whole,
    carry_out,
    idle,
    on_its_own,
    start,
)
from tests.unit.bot_runtime.older_journals import OLDER, make_older
from tools.tree import ROOT

IDLE_BYTES = 200
"""What a candle may cost at which nothing happens (docs/trading.md)."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a bot that has run three times."""
    path = tmp_path / "journal" / "journal.db"
    for _ in range(3):
        run(path)
    return path


def run(path: Path) -> int:
    return Bot(SqliteFile(path), 1).run()


def refused(path: Path, kind: type[StepError], owner: Owner = OWNER) -> str:
    """Return why a journal is not opened; nothing but the lock may differ afterwards."""
    before = {file.name: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    with pytest.raises(kind) as found, open_journal(SqliteFile(path), owner, BEGIN_MS):
        pass
    after = {file.name: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    assert after | {"journal.lock": b""} == before | {"journal.lock": b""}
    return str(found.value)


def killed(path: Path) -> Path:
    """Leave a journal as a run that is killed after it began leaves it."""
    copy = path.parent.with_name("killed")
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        journal.begin_run(start(BEGIN_MS + 9 * MINUTE_MS))
        shutil.copytree(path.parent, copy)
    return copy / path.name


def test_what_is_committed_stays_committed(path: Path) -> None:
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        values = {
            name: journal._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


@pytest.mark.parametrize("where", [0, 4096 * 4])
def test_a_corrupt_file_is_left_alone(path: Path, where: int) -> None:
    with path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xff" * 100_000)
    told = refused(path, StoreUnavailableError)
    assert told.startswith("journal/journal.db: is corrupt (SQLITE_")
    assert told.endswith("restore the folder from a backup, or move it away to begin a new journal")
    assert int(StoreUnavailableError.exit_code) == 74


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE songs (name TEXT)")
    connection.close()
    assert "is no journal: it has the tables songs; move the folder away" in refused(
        path, StoreUnavailableError
    )


def test_a_write_ahead_file_that_was_taken_away_is_missed(path: Path) -> None:
    path = killed(path)
    (path.parent / "journal.db-wal").unlink()
    told = refused(path, StoreUnavailableError)
    assert told.startswith("killed/journal.db-wal: is missing, and the last run was killed")
    (path.parent / "journal.lock").unlink()  # as the message says
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        assert journal.identity.sequence == 3
        assert_whole(journal)


def test_a_journal_that_was_taken_away_is_not_begun_anew(path: Path) -> None:
    path = killed(path)
    path.unlink()
    assert "is missing beside its journal.db-wal" in refused(path, StoreUnavailableError)


def test_an_older_copy_is_an_older_sequence(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "yesterday.db"
    shutil.copy(path, copy)
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        before = journal.identity
    run(path)
    shutil.copy(copy, path)
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        assert journal.identity == before
    run(path)
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        assert_whole(journal)


def test_a_backup_that_nobody_may_write_to_is_read(path: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup" / "journal.db"
    backup.parent.mkdir()
    shutil.copy(path, backup)
    backup.chmod(0o444)
    with read_journal(SqliteFile(backup)) as reader:
        assert reader.identity.sequence == 3


def test_little_room_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(path)
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        for free, short in ((16 * 2**20, False), (16 * 2**20 - 1, True)):
            left = usage._replace(free=free)
            monkeypatch.setattr(shutil, "disk_usage", lambda _, left=left: left)
            assert journal.room_is_short is short


def run_until_refused(journal: Journal) -> None:
    for n in range(100, 1000):
        carry_out(journal, n, idle(n))


def test_one_that_fills_up_keeps_nothing_half_written(path: Path) -> None:
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        pages = journal._connection.exec_driver_sql("PRAGMA page_count").scalar()
        journal._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailableError, match="the volume is full"):
            run_until_refused(journal)
    run(path)


def test_a_full_volume_is_told_and_gone_on_from(tmp_path: Path) -> None:
    found = on_its_own("full", tmp_path)
    assert isinstance(found["told"], list)
    for told in found["told"]:
        assert "the volume is full (SQLITE_FULL)" in told or "(SQLITE_IOERR_WRITE)" in told
    assert isinstance(found["sequence"], int)
    assert found["sequence"] > 10


def test_a_read_only_one_is_told_and_gone_on_from() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to other users
        found = on_its_own("read-only", Path(folder))
    assert set(found) == {"folder", "file", "lock"}
    for told in found.values():
        assert "cannot be written" in str(told)
        assert "make it writable" in str(told)


def size_after(path: Path, begin: int, end: int) -> int:
    """Return the bytes of a file after more idle candles."""
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        journal._connection.rollback()
        driver = journal._connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA synchronous = OFF")
        for n in range(begin, end):
            at_ms = BEGIN_MS + n * MINUTE_MS
            carry_out(journal, at_ms, idle(at_ms))
    return path.stat().st_size


def test_an_idle_candle_costs_little(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first, last = 200, 2_700
    before = size_after(path, 0, first)
    each = (size_after(path, first, last) - before) / (last - first)
    assert 150 < each < IDLE_BYTES


@pytest.mark.parametrize(
    "ask",
    [
        lambda journal: journal.identity,
        lambda journal: journal.last_settled(SYMBOLS[0]),
        lambda journal: journal.last_state(),
        lambda journal: journal.last_equity(),
        lambda journal: journal.candles(SYMBOLS[0], 5),
        lambda journal: journal.market(SYMBOLS[0]),
        lambda journal: journal.decided(SYMBOLS[0], BEGIN_MS),
        lambda journal: journal.open_orders(BEGIN_MS, ("Filled",)),
        lambda journal: journal.unsent(),
        lambda journal: journal.run(1),
    ],
)
def test_no_question_of_a_run_reads_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: object
) -> None:
    """So that it takes as long after a year as on the first day."""
    assert callable(ask)
    plans: list[str] = []
    with open_journal(SqliteFile(tmp_path / "journal.db"), OWNER, BEGIN_MS) as journal:
        carry_out(journal, BEGIN_MS, idle(BEGIN_MS))
        execute = Reader.execute

        def explained(reader: Reader, query: object) -> object:
            compiled = query.compile(journal._connection, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined] # any query
            plan = journal._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
            plans.extend(str(row[-1]) for row in plan)
            return execute(reader, query)  # type: ignore[arg-type] # as above

        monkeypatch.setattr(Reader, "execute", explained)
        ask(journal)
    grow = {table.name for table in (candles, runs, equity, accounts, outbox)} | {"orders", "fills"}
    for plan in plans:
        scanned = plan.startswith("SCAN") and plan.split()[1] in grow
        # From the newest row on, along the table's own key.
        assert not scanned or plan in ("SCAN accounts", "SCAN equity"), plans


def tables_of(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    connection.close()
    return {name for (name,) in rows}


def test_migrations_make_the_statements_that_the_code_knows(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS), connected(path) as connection:
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


def test_an_older_journal_is_migrated_and_copied_before(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    bot = Bot(SqliteFile(path), 1)
    make_older(bot.database)
    bot.run()
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        assert journal.identity[:3] == ("older", 1, SCHEMA)
    copy = tmp_path / f"journal-of-schema-{OLDER}.db"
    assert "orders" in tables_of(path)
    assert "orders" not in tables_of(copy)
    assert sorted(p.name for p in tmp_path.iterdir()) == [copy.name, "journal.db", "journal.lock"]


def test_no_room_for_the_copy_leaves_the_older_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_older(SqliteFile(path))
    before = tables_of(path)
    (tmp_path / f".journal-of-schema-{OLDER}.db").mkdir()
    with (
        pytest.raises(
            StoreUnavailableError, match=r"journal.db: cannot be written: Is a directory"
        ),
        open_journal(SqliteFile(path), OWNER, BEGIN_MS),
    ):
        pass
    assert tables_of(path) == before


def test_whoever_is_killed_while_it_begins_a_journal_leaves_a_whole_one_or_none(
    tmp_path: Path,
) -> None:
    assert on_its_own("migration", tmp_path) == {"kills": 20}


def test_alembic_is_not_imported_where_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS):
        pass
    script = (
        "import json, sys; from pathlib import Path\n"
        "from bot_runtime.journal.opening import open_journal\n"
        "from bot_runtime.journal.run_entries import Owner\n"
        "from bot_runtime.journal.sqlite_file import SqliteFile\n"
        f"file = SqliteFile(Path({str(path)!r}))\n"
        f"with open_journal(file, Owner(*{tuple(OWNER)}), 1) as journal: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout))
    assert "sqlalchemy.dialects.sqlite.pysqlite" in modules
    assert not modules & {"alembic", "mako", "psycopg", "sqlalchemy.orm"}
    assert "sqlalchemy.dialects.postgresql" not in modules


def test_a_copy_is_no_migration_of_its_own(tmp_path: Path) -> None:
    with open_journal(SqliteFile(tmp_path / "journal.db"), OWNER, BEGIN_MS):
        pass
    with connected(tmp_path / "journal.db") as connection:
        assert "journal" in inspect(connection).get_table_names()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["journal.db", "journal.lock"]
