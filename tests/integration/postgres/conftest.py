"""Journals of these tests lie in a real PostgreSQL: one server a session, one database a test."""

import os
from collections.abc import Callable, Iterator

import pytest

from bot_runtime.journal.database import Database
from bot_runtime.journal.postgres_schema import PostgresSchema
from bot_runtime.journal.postgres_url import load_url
from tests.cluster.errors import RequirementsMissing
from tests.postgres_server import PostgresServer, postgres_server
from tests.unit.bot_runtime.journals import OWNER


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Return a running server; where none can run the test is skipped, in CI it fails."""
    try:
        with postgres_server() as running:
            yield running
    except RequirementsMissing as e:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(e))


@pytest.fixture(scope="module")
def place(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], PostgresSchema]:
    """Gives the place of the tests' bot in what a url leads to."""
    file = tmp_path_factory.mktemp("secret") / "url"

    def made(url: str) -> PostgresSchema:
        file.write_text(url)
        return PostgresSchema(load_url(file), OWNER.namespace, OWNER.bot)

    return made


@pytest.fixture(scope="module")
def databases(
    server: PostgresServer, place: Callable[[str], PostgresSchema]
) -> Callable[[], Database]:
    """Gives a place for a journal at each call, in a database of its own."""
    return lambda: place(server.url(server.make_database()))


@pytest.fixture
def database(databases: Callable[[], Database]) -> Database:
    """A place for a journal, in a database of its own."""
    return databases()
