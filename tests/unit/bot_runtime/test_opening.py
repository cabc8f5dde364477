"""A journal that cannot be used says what was found and what to do, and is left as it was."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import Rows
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.run_entries import Owner, RunEnd
from bot_runtime.process.errors import BusyError, ConfigurationError
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    MINUTE_MS,
    OWNER,
    Bot,
    assert_whole,
    start,
)


@pytest.fixture
def bot(database: Database) -> Bot:
    """A bot that has run three times."""
    bot = Bot(database, 1)
    for _ in range(3):
        bot.run()
    return bot


def refused(bot: Bot, owner: Owner = OWNER) -> str:
    """Return why a journal is not opened."""
    with (
        pytest.raises(ConfigurationError) as found,
        open_journal(bot.database, owner, BEGIN_MS),
    ):
        pass
    return str(found.value)


def test_a_new_journal_knows_whose_it_is(databases: Callable[[], Database]) -> None:
    database = databases()
    with open_journal(database, OWNER, 17) as journal:
        identity = journal.identity
        assert (identity.owner, identity.sequence, identity.created_ms) == (OWNER, 0, 17)
        assert journal.last_settled("BTC/USDT") is None
        assert journal.last_state() is None
        assert journal.last_equity() is None
        assert journal.market("BTC/USDT") is None
        assert journal.candles("BTC/USDT", 5) == []
        assert journal.run(1) is None
    with open_journal(database, OWNER, 18) as journal:
        assert journal.identity == identity
    with open_journal(databases(), OWNER, 17) as journal:
        assert journal.identity.journal_id != identity.journal_id


def test_another_bots_journal_is_named(bot: Bot) -> None:
    told = refused(bot, OWNER._replace(bot="bold"))
    place = bot.database
    assert told == (
        f"{place.shown}: is the journal of the bot bots/steady; give bots/bold {place.own_place}, "
        f"or {place.begin_anew}"
    )


@pytest.mark.parametrize(("field", "now"), [("exchange", "kraken"), ("quote", "EUR")])
def test_money_of_another_kind_is_refused(bot: Bot, field: str, now: str) -> None:
    told = refused(bot, OWNER._replace(**{field: now}))
    assert f"was begun with {field} {getattr(OWNER, field)}, and the bot has {now}" in told


def test_a_newer_schema_is_left_alone(bot: Bot) -> None:
    with bot.database.hold() as held:
        held.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        held.connection.commit()
    assert "has the schema 9999, and this image knows" in refused(bot)
    assert int(ConfigurationError.exit_code) == 78
    with pytest.raises(ConfigurationError, match="9999"), read_journal(bot.database):
        pass


def test_a_run_without_an_end_was_killed(bot: Bot) -> None:
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        journal.begin_run(start(BEGIN_MS + 9 * MINUTE_MS))
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        run = journal.run(4)
        assert run is not None
        assert run.ended_verdict is None
        assert_whole(journal)


def test_one_run_at_a_time(bot: Bot) -> None:
    with open_journal(bot.database, OWNER, BEGIN_MS):
        with pytest.raises(BusyError) as found, open_journal(bot.database, OWNER, BEGIN_MS):
            pass
        with read_journal(bot.database) as reader:
            assert reader.identity.sequence == 3
    assert "another run of the bot is writing its journal" in str(found.value)
    assert int(BusyError.exit_code) == 0
    bot.run()


def test_a_run_that_fails_is_not_taken_for_a_killed_one(bot: Bot) -> None:
    with (
        pytest.raises(ValueError, match="never began"),
        open_journal(bot.database, OWNER, 1) as journal,
    ):
        journal.finish(journal.begin_run(start(BEGIN_MS)) + 1, Rows(), RunEnd(BEGIN_MS, "Done"))
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)


def test_a_reader_sees_one_moment(bot: Bot) -> None:
    with read_journal(bot.database) as reader:
        assert reader.identity.sequence == 3
        bot.run()
        assert reader.identity.sequence == 3
    with read_journal(bot.database) as reader:
        assert reader.identity.sequence == 4


def test_nothing_to_read_is_said(database: Database) -> None:
    with pytest.raises(ConfigurationError, match="is not there; name the "), read_journal(database):
        pass
