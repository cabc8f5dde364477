"""A server that goes away at a commit, or lets nobody in, costs no row and tells no secret."""

import traceback
from collections.abc import Callable, Iterator

import psycopg
import pytest

from bot_runtime.journal import postgres_connection
from bot_runtime.journal.entries import Rows
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.postgres_schema import PostgresSchema
from bot_runtime.journal.run_entries import RunEnd
from bot_runtime.process.errors import BusyError, ConfigurationError, StoreUnavailableError
from tests.eventually import eventually
from tests.integration.postgres.faulty_proxy import FaultyProxy, When, faulty_proxy
from tests.postgres_server import PASSWORD, SMALL, USER, PostgresServer, has_small_volume
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    MINUTE_MS,
    OWNER,
    Bot,
    assert_whole,
    idle,
    start,
)

Place = Callable[[str], PostgresSchema]
COMMITS = ("the schema", "the migration", "the run's begin", "the run's end")
SCHEMA = "bot_bots_steady"


@pytest.fixture
def name(server: PostgresServer) -> str:
    """A database of the test's own."""
    return server.make_database()


@pytest.fixture
def bot(server: PostgresServer, place: Place, name: str) -> Bot:
    """A bot that has run twice."""
    bot = Bot(place(server.url(name)), 1)
    for _ in range(2):
        bot.run()
    return bot


@pytest.fixture
def proxy(server: PostgresServer, name: str) -> Iterator[tuple[FaultyProxy, str]]:
    """A proxy that cuts connections, and the url of the test's database behind it."""
    with faulty_proxy(server.port) as proxy:
        yield proxy, server.url_by(proxy.port, name, sslmode="disable")


def refused(bot: Bot, *hidden: str) -> str:
    """Return why a run is refused, which tells nothing of the url."""
    with pytest.raises(StoreUnavailableError) as found:
        bot.run()
    told = "".join(traceback.format_exception(found.value))
    assert not [part for part in (PASSWORD, "127.0.0.1", "localhost", *hidden) if part in told]
    assert int(found.value.exit_code) == 74
    return str(found.value)


def run_again(bot: Bot) -> int:
    """Run as soon as the server has seen that the one before is gone."""

    def run() -> int | None:
        try:
            return bot.run()
        except BusyError:
            return None

    found = eventually(run)
    assert found is not None
    return found


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", range(1, 5), ids=COMMITS)
def test_a_new_journal_outlives_a_lost_connection(
    place: Place, proxy: tuple[FaultyProxy, str], commit: int, when: When
) -> None:
    faulty, url = proxy
    bot = Bot(place(url), 1)
    faulty.cut(commit, when)
    told = refused(bot)
    assert faulty.commits == commit
    assert told.startswith("journal bot_bots_steady in PostgreSQL: the connection was lost (")
    is_settled = (commit, when) == (4, "after")
    assert run_again(bot) == BEGIN_MS + is_settled * MINUTE_MS
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        begun = commit == 4 or (commit, when) == (3, "after")
        assert journal.identity.sequence == 1 + begun


def test_a_server_that_ends_the_connection_is_told(server: PostgresServer, bot: Bot) -> None:
    of_bots = "FROM pg_stat_activity WHERE application_name = 'botcripto'"
    at_ms = BEGIN_MS + 2 * MINUTE_MS
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        run_id = journal.begin_run(start(at_ms))
        server.execute(USER, f"SELECT pg_terminate_backend(pid) {of_bots}")
        with pytest.raises(StoreUnavailableError, match="the connection was lost"):
            journal.finish(run_id, idle(at_ms), RunEnd(at_ms, "Done"))
        # Nobody goes on by another connection, which never had the lock.
        assert run_again(bot) == at_ms
        with pytest.raises(StoreUnavailableError, match="the connection was lost"):
            journal.finish(run_id, Rows(), RunEnd(at_ms, "Failed"))
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)


def test_a_server_that_lost_the_last_commit_has_an_older_sequence(
    server: PostgresServer, place: Place, bot: Bot, name: str
) -> None:
    """And its next run has the number of the one that was lost, however far a sequence has come."""
    copy = f"{name}_standby"
    server.execute(USER, f"CREATE DATABASE {copy} TEMPLATE {name}")
    bot.run()
    standby = Bot(place(server.url(copy)), 1)
    with read_journal(bot.database) as primary, read_journal(standby.database) as older:
        assert (primary.identity.sequence, older.identity.sequence) == (3, 2)
        assert primary.identity.journal_id == older.identity.journal_id
    standby.run()
    with read_journal(standby.database) as journal:
        assert journal.identity.sequence == 3
        assert_whole(journal)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"password": "Wr0ng"}, "the server refuses the user or the password; mend the url"),
        ({"user": "nobody7"}, "the server refuses the user or the password; mend the url"),
        ({"database": "nowhere7"}, "the server has no such database; create it, or mend the url"),
        ({"sslmode": "verify-full"}, "sslmode asks for a certificate that is not there"),
        ({"sslmode": "bogus"}, "the url's sslmode is none; write verify-full"),
    ],
    ids=str,
)
def test_who_is_not_let_in_is_told_why(
    server: PostgresServer, place: Place, name: str, options: dict[str, str], told: str
) -> None:
    url = server.url(**{"database": name, **options})
    assert told in refused(Bot(place(url), 1), name, *options.values())


def test_a_server_that_is_not_there_is_told(server: PostgresServer, place: Place) -> None:
    assert "nothing listens there" in refused(Bot(place(server.url_by(1, "journals")), 1))
    unknown = server.url("journals").replace("127.0.0.1", "nowhere.invalid")
    assert "DNS does not know the host" in refused(Bot(place(unknown), 1), "nowhere.invalid")


def test_an_option_that_nobody_knows_is_told(server: PostgresServer, place: Place) -> None:
    with pytest.raises(StoreUnavailableError, match="url: an option that PostgreSQL's client"):
        place(server.url("journals", bogus="s3cret"))


def test_the_servers_certificate_is_proved(
    server: PostgresServer, place: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(name, sslmode="verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(server.authority))  # as the operator sets it
    bot = Bot(place(url), 1)
    bot.run()
    with bot.database.read() as connection:
        used = connection.exec_driver_sql("SELECT ssl FROM pg_stat_ssl WHERE pid=pg_backend_pid()")
        assert used.scalar() is True
    monkeypatch.setenv("PGSSLROOTCERT", __file__)
    assert "certificate" in refused(Bot(place(url), 1), name)


def test_a_role_that_may_only_read_is_told(
    server: PostgresServer, place: Place, bot: Bot, name: str
) -> None:
    server.make_role("reader")
    server.execute(
        name,
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO reader",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO reader",
    )
    reader = Bot(place(server.url(name, user="reader")), 1)
    assert "the role may not do that (42501); give it the schema" in refused(reader, name, "reader")
    with read_journal(reader.database) as journal:
        assert_whole(journal)
    server.execute(USER, "ALTER ROLE reader SET default_transaction_read_only = on")
    assert "it is read-only (25006)" in refused(reader, name, "reader")
    stranger = Bot(place(server.url(server.make_database(), user="reader")), 1)
    server.execute(USER, "ALTER ROLE reader RESET default_transaction_read_only")
    assert "CREATE on the database" in refused(stranger, "reader")


def test_a_role_with_a_schema_of_its_own_needs_nothing_else(
    server: PostgresServer, place: Place, name: str
) -> None:
    """As an administrator makes it, who gives no right on the whole database."""
    server.make_role("trader")
    server.execute(USER, "ALTER ROLE trader SET synchronous_commit = off")
    server.execute(name, f"CREATE SCHEMA {SCHEMA} AUTHORIZATION trader")
    bot = Bot(place(server.url(name, user="trader")), 1)
    bot.run()
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        asked = journal._connection.exec_driver_sql("SHOW synchronous_commit")
        assert asked.scalar() == "on"


def test_a_schema_of_something_else_is_left_alone(
    server: PostgresServer, place: Place, name: str
) -> None:
    server.execute(name, f"CREATE SCHEMA {SCHEMA}", f"CREATE TABLE {SCHEMA}.songs (name text)")
    told = refused(Bot(place(server.url(name)), 1), name)
    assert "is no journal: it has the tables songs; rename that schema" in told


def test_bots_of_one_database_do_not_meet(
    server: PostgresServer, place: Place, name: str, bot: Bot
) -> None:
    first = bot.database
    assert isinstance(first, PostgresSchema)
    other = PostgresSchema(first.url, "bots", "bold")
    with (
        open_journal(first, OWNER, BEGIN_MS) as one,
        open_journal(other, OWNER._replace(bot="bold"), BEGIN_MS) as two,
    ):
        assert (one.identity.sequence, two.identity.sequence) == (2, 0)
    with pytest.raises(ConfigurationError, match="is not there; name the bot and the database"):
        read_journal(PostgresSchema(first.url, "bots", "gone")).__enter__()


def test_a_truncated_table_is_refused(server: PostgresServer, bot: Bot, name: str) -> None:
    with pytest.raises(Exception, match="runs: rows are never deleted"):
        server.execute(name, f"TRUNCATE {SCHEMA}.runs CASCADE")


def test_another_programs_lock_is_told(
    server: PostgresServer, bot: Bot, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_connection._SESSION, "lock_timeout", "200ms")
    with psycopg.connect(server.url(name)) as other:
        other.execute(f"LOCK TABLE {SCHEMA}.candles")
        assert "another program holds what a run needs (55P03)" in refused(bot, name)
    bot.run()


def test_a_full_disk_is_told_and_gone_on_from(server: PostgresServer, place: Place) -> None:
    if not has_small_volume():
        pytest.skip("a small volume for the server asks for root")
    name = server.make_database(SMALL)
    bot = Bot(place(server.url(name)), 1)
    bot.run()
    server.shell(f"dd if=/dev/zero of={server.small_volume}/ballast bs=64k || true")
    told = ""
    while not told:
        try:
            bot.run()
        except StoreUnavailableError as e:
            told = str(e)
    assert "the server has no room (53100); make room on its disk" in told
    server.shell(f"rm {server.small_volume}/ballast")
    before = bot.run()
    assert bot.run() > before
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
