"""What tests of the data step share, and where the journals of tests lie."""

from collections.abc import Callable
from itertools import count

import pytest

from bot_runtime.journal.database import Database
from bot_runtime.journal.sqlite_file import SqliteFile
from tests.unit.bot_runtime.fetching import HASTY, Asked


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner than a pod does; the code that runs is the same."""
    monkeypatch.setattr("bot_runtime.steps.fetch.FETCH", HASTY)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The spans of candles that steps ask for from now on."""
    monkeypatch.setattr("bot_runtime.steps.fetch.ExchangeClient", Asked)
    Asked.spans.clear()
    return Asked.spans


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Database]:
    """Gives a place for a journal at each call; `tests/integration/postgres` has its own."""
    numbers, folder = count(1), tmp_path_factory.mktemp("journals")
    return lambda: SqliteFile(folder / str(next(numbers)) / "journal.db")


@pytest.fixture
def database(databases: Callable[[], Database]) -> Database:
    """A place for a journal."""
    return databases()
