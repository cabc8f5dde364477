"""A journal that cannot be used says what was found and what to do, and is left as it was."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest

from bot_runtime.journal.entries import Rows
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.run_entries import Owner, RunEnd
from bot_runtime.journal.writing import Journal
from bot_runtime.process.errors import (
    BusyError,
    ConfigurationError,
    StepError,
    StoreUnavailableError,
)
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    MINUTE_MS,
    OWNER,
    Bot,
    assert_whole,
    carry_out,
    idle,
    on_its_own,
    start,
)


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    """A bot that has run three times."""
    bot = Bot(tmp_path / "journal" / "journal.db", 1)
    for _ in range(3):
        bot.run()
    return bot


def refused(path: Path, kind: type[StepError], owner: Owner = OWNER) -> str:
    """Return why a journal is not opened; nothing but the lock may differ afterwards."""
    before = {file.name: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    with pytest.raises(kind) as found, open_journal(path, owner, BEGIN_MS):
        pass
    after = {file.name: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    assert after | {"journal.lock": b""} == before | {"journal.lock": b""}
    return str(found.value)


def killed(bot: Bot) -> Path:
    """Leave a journal as a run that is killed after it began leaves it."""
    copy = bot.path.parent.with_name("killed")
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        journal.begin_run(start(BEGIN_MS + 9 * MINUTE_MS))
        shutil.copytree(bot.path.parent, copy)
    return copy / bot.path.name


def test_a_new_journal_knows_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal" / "journal.db"
    with open_journal(path, OWNER, 17) as journal:
        identity = journal.identity
        assert (identity.owner, identity.sequence, identity.created_ms) == (OWNER, 0, 17)
        assert journal.last_settled("BTC/USDT") is None
        assert journal.last_state() is None
        assert journal.last_equity() is None
        assert journal.market("BTC/USDT") is None
        assert journal.candles("BTC/USDT", 5) == []
        assert journal.run(1) is None
    with open_journal(path, OWNER, 18) as journal:
        assert journal.identity == identity
    with open_journal(tmp_path / "other" / "journal.db", OWNER, 17) as journal:
        assert journal.identity.journal_id != identity.journal_id


def test_what_is_committed_stays_committed(bot: Bot) -> None:
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
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


def test_another_bots_journal_is_named(bot: Bot) -> None:
    told = refused(bot.path, ConfigurationError, OWNER._replace(bot="bold"))
    assert told == (
        "journal/journal.db: is the journal of the bot bots/steady; give bots/bold a volume of its "
        "own, or move the folder away to begin a new journal"
    )


@pytest.mark.parametrize(("field", "now"), [("exchange", "kraken"), ("quote", "EUR")])
def test_money_of_another_kind_is_refused(bot: Bot, field: str, now: str) -> None:
    told = refused(bot.path, ConfigurationError, OWNER._replace(**{field: now}))
    assert f"was begun with {field} {getattr(OWNER, field)}, and the bot has {now}" in told


def test_a_newer_schema_is_left_alone(bot: Bot) -> None:
    connection = sqlite3.connect(bot.path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    told = refused(bot.path, ConfigurationError)
    assert "has the schema 9999, and this image knows" in told
    assert int(ConfigurationError.exit_code) == 78
    with pytest.raises(ConfigurationError, match="9999"), read_journal(bot.path):
        pass


@pytest.mark.parametrize("where", [0, 4096 * 4])
def test_a_corrupt_file_is_left_alone(bot: Bot, where: int) -> None:
    with bot.path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xff" * 100_000)
    told = refused(bot.path, StoreUnavailableError)
    assert told.startswith("journal/journal.db: is corrupt (SQLITE_")
    assert told.endswith("restore the folder from a backup, or move it away to begin a new journal")
    assert int(StoreUnavailableError.exit_code) == 74


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE songs (name TEXT)")
    connection.close()
    assert "is no journal: it has the tables songs; move it away" in refused(
        path, StoreUnavailableError
    )


def test_a_write_ahead_file_that_was_taken_away_is_missed(bot: Bot) -> None:
    path = killed(bot)
    (path.parent / "journal.db-wal").unlink()
    told = refused(path, StoreUnavailableError)
    assert told.startswith("killed/journal.db-wal: is missing, and the last run was killed")
    (path.parent / "journal.lock").unlink()  # as the message says
    with open_journal(path, OWNER, BEGIN_MS) as journal:
        assert journal.identity.sequence == 3
        assert_whole(journal)


def test_a_journal_that_was_taken_away_is_not_begun_anew(bot: Bot) -> None:
    path = killed(bot)
    path.unlink()
    assert "is missing beside its journal.db-wal" in refused(path, StoreUnavailableError)


def test_a_killed_run_is_known_by_its_missing_end(bot: Bot) -> None:
    path = killed(bot)
    with open_journal(path, OWNER, BEGIN_MS) as journal:
        run = journal.run(4)
        assert run is not None
        assert run.ended_verdict is None
        assert_whole(journal)


def test_an_older_copy_is_an_older_sequence(bot: Bot, tmp_path: Path) -> None:
    copy = tmp_path / "yesterday.db"
    shutil.copy(bot.path, copy)
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        before = journal.identity
    bot.run()
    shutil.copy(copy, bot.path)
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        assert journal.identity == before
    bot.run()
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)


def test_one_run_at_a_time(bot: Bot) -> None:
    with open_journal(bot.path, OWNER, BEGIN_MS):
        with pytest.raises(BusyError) as found, open_journal(bot.path, OWNER, BEGIN_MS):
            pass
        with read_journal(bot.path) as reader:
            assert reader.identity.sequence == 3
    assert "another run of the bot is writing its journal" in str(found.value)
    assert int(BusyError.exit_code) == 0
    bot.run()


def test_a_run_that_fails_is_not_taken_for_a_killed_one(bot: Bot) -> None:
    with (
        pytest.raises(ValueError, match="never began"),
        open_journal(bot.path, OWNER, 1) as journal,
    ):
        journal.finish(journal.begin_run(start(BEGIN_MS)) + 1, Rows(), RunEnd(BEGIN_MS, "Done"))
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)


def test_a_reader_sees_one_moment(bot: Bot) -> None:
    with read_journal(bot.path) as reader:
        assert reader.identity.sequence == 3
        bot.run()
        assert reader.identity.sequence == 3
    with read_journal(bot.path) as reader:
        assert reader.identity.sequence == 4


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"journal.db: is not there; name the store"),
        read_journal(tmp_path / "journal.db"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_nobody_may_write_to_is_read(bot: Bot, tmp_path: Path) -> None:
    backup = tmp_path / "backup" / "journal.db"
    backup.parent.mkdir()
    shutil.copy(bot.path, backup)
    backup.chmod(0o444)
    with read_journal(backup) as reader:
        assert reader.identity.sequence == 3


def test_little_room_is_told(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(bot.path)
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        for free, short in ((16 * 2**20, False), (16 * 2**20 - 1, True)):
            left = usage._replace(free=free)
            monkeypatch.setattr(shutil, "disk_usage", lambda _, left=left: left)
            assert journal.room_is_short is short


def run_until_refused(journal: Journal) -> None:
    for n in range(100, 1000):
        carry_out(journal, n, idle(n))


def test_one_that_fills_up_keeps_nothing_half_written(bot: Bot) -> None:
    with open_journal(bot.path, OWNER, BEGIN_MS) as journal:
        pages = journal._connection.exec_driver_sql("PRAGMA page_count").scalar()
        journal._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailableError, match="the volume is full"):
            run_until_refused(journal)
    bot.run()


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
