"""A run's rows are there together or not at all, and cost little where nothing happens."""

from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import CandleRow, DecisionRow, OutboxRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import FillRow, OrderRow
from bot_runtime.journal.run_entries import RunEnd, RunRow
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    OWNER,
    Bot,
    assert_whole,
    carry_out,
    idle,
    start,
)


def test_a_run_is_written_and_read(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        begun = start(BEGIN_MS)
        run_id = journal.begin_run(begun)
        journal.finish(run_id, idle(BEGIN_MS), RunEnd(BEGIN_MS + 1234, "Failed", "no candles"))
        assert journal.run(run_id) == RunRow(
            1, begun.purpose, begun.pod_uid, begun.run_digest, begun.model_version,
            begun.git_commit, begun.started_ms, 1234, "Failed", "no candles",
        )  # fmt: skip
        assert journal.configuration(begun.run_digest) == begun.configuration
        assert journal.identity.sequence == 1


def test_an_end_is_written_once(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        run_id = carry_out(journal, BEGIN_MS, idle(BEGIN_MS))
        for ended in (run_id, 99):
            with pytest.raises(ValueError, match=f"run {ended}: has ended already, or never began"):
                journal.finish(ended, Rows(), RunEnd(BEGIN_MS, "Done"))


def test_a_decision_comes_with_its_candle(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        run_id = journal.begin_run(start(BEGIN_MS))
        with pytest.raises(ValueError, match=f"decision of BTC/USDT at {BEGIN_MS}: has no candle"):
            journal.finish(run_id, idle(BEGIN_MS)._replace(candles=()), RunEnd(BEGIN_MS, "Done"))
        journal.finish(run_id, idle(BEGIN_MS), RunEnd(BEGIN_MS, "Done"))


def test_the_same_candle_is_not_settled_twice_and_nothing_of_the_second_run_stays(
    database: Database,
) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        carry_out(journal, BEGIN_MS, idle(BEGIN_MS))
        run_id = journal.begin_run(start(BEGIN_MS))
        again = idle(BEGIN_MS, outcome="NewWord")
        news = OutboxRow("key", "Trade", "bought", BEGIN_MS)
        with pytest.raises(IntegrityError):
            journal.finish(run_id, again._replace(outbox=(news,)), RunEnd(BEGIN_MS, "Done"))
        assert journal.unsent() == []
        assert journal.number_of("NewWord") is None
        (decision,) = journal.all(DecisionRow)
        assert decision.outcome == "ProbBelowMin"
        journal.finish(run_id, Rows(outbox=(news,)), RunEnd(BEGIN_MS, "Done"))
        assert journal.unsent() == [news]


def test_a_fill_names_an_order_a_candle_and_a_market_that_are_there(database: Database) -> None:
    one = Decimal(1)
    fill = FillRow(
        "BTC/USDT",
        "1",
        "unknown",
        "Buy",
        one,
        one,
        one,
        one,
        "USDT",
        one,
        False,
        one,
        1,
        BEGIN_MS,
        1,
    )
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        run_id = journal.begin_run(start(BEGIN_MS))
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            journal.finish(run_id, idle(BEGIN_MS)._replace(fills=(fill,)), RunEnd(1, "Done"))
        assert list(journal.all(CandleRow)) == []


def test_an_amount_that_cannot_be_kept_writes_nothing(database: Database) -> None:
    order = OrderRow(
        "id", "id", "Entry", "BTC/USDT", Decimal("1E-19"), 0.1, "BULL_TREND", None, None, 0, 1
    )
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        run_id = journal.begin_run(start(BEGIN_MS))
        with pytest.raises(StatementError, match="18 decimals"):
            journal.finish(run_id, idle(BEGIN_MS)._replace(orders=(order,)), RunEnd(1, "Done"))
        assert list(journal.all(CandleRow)) == []


def test_notifications_are_sent_once(database: Database) -> None:
    news = tuple(OutboxRow(key, "Trade", "bought", 10 - n) for n, key in enumerate("abc"))
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        carry_out(journal, BEGIN_MS, Rows(outbox=news))
        assert [row.key for row in journal.unsent()] == ["c", "b", "a"]
        journal.note_attempt(["c"], None)
        journal.note_attempt(["c", "d"], 77)
        journal.note_attempt(["b"], None)
        assert [(row.key, row.attempts) for row in journal.unsent()] == [("b", 1), ("a", 0)]
        assert [row.key for row in journal.unsent(10)] == ["a"]
        assert journal.known_news(["a", "c", "d"]) == {"a", "c"}
        sent = {row.key: (row.sent_ms, row.attempts) for row in journal.all(OutboxRow)}
        assert sent == {"a": (None, 0), "b": (None, 1), "c": (77, 2)}


def test_a_scripted_bot_leaves_whole_rows(database: Database) -> None:
    bot = Bot(database, 7)
    for _ in range(40):
        bot.run()
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        assert len(list(journal.all(FillRow))) > 15
