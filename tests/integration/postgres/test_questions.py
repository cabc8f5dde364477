"""`journal export` and `journal why` read a PostgreSQL as they read a store."""

from pathlib import Path

import pytest

from bot_runtime.command_line import main
from bot_runtime.journal.postgres_schema import PostgresSchema
from bot_runtime.journal.postgres_url import load_url
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.store.layout import Store
from tests.postgres_server import PASSWORD, PostgresServer
from tests.unit.bot_runtime.journals import OWNER, Bot

BOT = f"{OWNER.namespace}/{OWNER.bot}"
RUNS = 6


@pytest.fixture
def url_file(server: PostgresServer, tmp_path: Path) -> Path:
    """A file with the url of a database in which a bot has traded."""
    file = tmp_path / "url"
    file.write_text(server.url(server.make_database()) + "\n")
    bot = Bot(PostgresSchema(load_url(file), OWNER.namespace, OWNER.bot), 3)
    for _ in range(RUNS):
        bot.run()
    return file


def exported(folder: Path, *place: str) -> dict[str, str]:
    """Return every exported table as text, but for the one row that has a random name."""
    assert main(["journal", "export", "--format", "csv", "--to", str(folder), *place]) == 0
    return {file.name: file.read_text() for file in folder.iterdir() if file.name != "journal.csv"}


def test_both_databases_export_the_same_rows(url_file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for _ in range(RUNS):
        Bot(SqliteFile(store.journal), 3).run()
    in_file = exported(tmp_path / "file", "--store", str(store.root))
    place = ("--postgres-url-file", str(url_file), "--bot", BOT)
    in_server = exported(tmp_path / "server", *place)
    assert in_server.keys() == in_file.keys()
    for name, rows in in_file.items():
        assert in_server[name] == rows, name
    assert in_file["fills.csv"].count("\n") > 2


def test_a_decision_is_explained(url_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--postgres-url-file", str(url_file), "--bot", BOT]
    assert main(["journal", "why", "BTC/USDT", "2025-10-09T08:54:00Z", *place]) == 0
    assert capsys.readouterr().out.startswith("BTC/USDT, candle that closed at 2025-10-09T08:5")


@pytest.mark.parametrize(
    ("place", "code", "told"),
    [
        (["--bot", "bots/gone"], 78, "journal bot_bots_gone in PostgreSQL: is not there; name"),
        ([], 78, "--bot: found nothing; name the bot of the journal as NAMESPACE/NAME"),
        (["--bot", "steady"], 78, "--bot: found steady; name the bot of the journal as"),
    ],
)
def test_what_is_not_there_is_told(
    url_file: Path, capsys: pytest.CaptureFixture[str], place: list[str], code: int, told: str
) -> None:
    asked = ["journal", "export", "--to", "x", "--postgres-url-file", str(url_file), *place]
    assert main(asked) == code
    assert told in capsys.readouterr().err


def test_a_url_that_is_none_is_told_without_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "url"
    asked = ["journal", "export", "--to", "x", "--bot", BOT, "--postgres-url-file", str(file)]
    assert main(asked) == 78
    assert f"--postgres-url-file: {file} is not there" in capsys.readouterr().err
    file.write_text(f"postgresql://bots:{PASSWORD}/x@db/journals")
    assert main(asked) == 74
    told = capsys.readouterr().err
    assert "url: a character that a url has encoded; in user and password write %40" in told
    assert PASSWORD not in told
