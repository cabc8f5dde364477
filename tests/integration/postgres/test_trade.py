"""A paper account on a real test exchange, whose journal is in a real PostgreSQL."""

import json
from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.names import ENV_CONFIG, ENV_POSTGRES_URL, ENV_TERMINATION
from bot_runtime.journal.database import Database
from bot_runtime.journal.postgres_schema import PostgresSchema
from bot_runtime.journal.postgres_url import load_url
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.step import run_step
from bot_runtime.steps.trade import trade
from bot_runtime.store.layout import Store
from tests.exchanges import Exchange
from tests.integration.bot_runtime.test_trade import (
    Paper,
    test_a_long_signal_is_bought_at_the_next_open_and_sold_in_time,  # noqa: F401 - the same test
    test_a_run_of_the_same_candle_changes_nothing,  # noqa: F401 - the same test
    test_what_is_bought_is_told_after_the_last_commit_and_once,  # noqa: F401 - the same test
)
from tests.postgres_server import PASSWORD, PostgresServer


class InPostgres(Paper):
    """A bot whose journal is in the database that a mounted file leads to."""

    @property
    def database(self) -> Database:
        url = load_url(self.url_file)
        return PostgresSchema(url, self.configuration.namespace, self.configuration.owner)

    @property
    def url_file(self) -> Path:
        return self.store.root.parent / "url"


@pytest.fixture
def paper(
    server: PostgresServer, exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> InPostgres:
    bot = InPostgres(exchange, store, monkeypatch, journal={"postgresSecret": "journal"})
    bot.url_file.write_text(server.url(server.make_database()))
    monkeypatch.setenv(ENV_POSTGRES_URL, str(bot.url_file))
    return bot


def test_nothing_of_it_lies_on_the_volume(paper: InPostgres) -> None:
    paper.trade()
    assert not paper.store.journal.parent.exists()


def test_a_server_that_lets_nobody_in_leaves_a_message_without_its_url(
    server: PostgresServer, paper: InPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    message, root = paper.store.root.parent / "message", paper.store.root.parent
    (root / "run.json").write_text(json.dumps(paper.configuration.to_json()))
    paper.monkeypatch.setenv(ENV_CONFIG, str(root / "run.json"))
    paper.monkeypatch.setenv(ENV_TERMINATION, str(message))
    for url, told in (
        (server.url("journals7", password="Wr0ng9"), "refuses the user or the password"),
        (server.url("journals7"), "the server has no such database"),
        (server.url_by(1, "journals7"), "nothing listens there"),
        ("postgresql://bots:<password>@127.0.0.1/journals7", "url: a placeholder"),
    ):
        paper.url_file.write_text(url)
        assert run_step("Trade", paper.store) == 74
        said = message.read_text() + "".join(capsys.readouterr())
        assert told in message.read_text()
        for hidden in (PASSWORD, "Wr0ng9", "journals7", url):
            assert hidden not in said
    paper.url_file.unlink()
    assert run_step("Trade", paper.store) == 74
    assert "url: missing; put the real value into the secret" in message.read_text()


def test_what_a_run_logs_hides_the_url(paper: InPostgres) -> None:
    reporter = Reporter("Trade", stream=StringIO())
    trade(paper.configuration, paper.store, reporter)
    assert set(reporter.secrets) == {paper.url_file.read_text(), PASSWORD}
