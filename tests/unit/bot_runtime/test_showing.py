"""What people see of a journal: words in place of numbers, exact amounts, what decided."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import text

from bot_runtime.journal.columns import metadata
from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.named_views import views
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.order_entries import FillRow
from bot_runtime.journal.showing import show
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, start


@pytest.fixture(scope="module")
def traded(databases: Callable[[], Database]) -> Database:
    """The journal of a bot that has run a while, and was killed once."""
    bot = Bot(databases(), 3)
    while bot.run() < BEGIN_MS + 900_000:
        pass
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        journal.begin_run(start(BEGIN_MS))
    return bot.database


def test_every_table_is_shown(traded: Database) -> None:
    shown = {view.name.removeprefix("named_") for view in views()}
    assert shown == {*metadata.tables, "decisions"} - {"names", "explanations"}


def test_a_view_shows_what_is_shown_in_python(traded: Database) -> None:
    with read_journal(traded) as reader:
        for table in show(reader):
            rows = list(table.rows)
            found = reader.execute(text(f"SELECT * FROM named_{table.name}"))  # type: ignore[arg-type] # as a person asks
            assert list(found.keys()) == list(table.columns), table.name
            assert len(found.all()) == len(rows)
            for row in rows:
                for kind, value in zip(table.columns.values(), row, strict=True):
                    assert value is None or type(value) is kind, (table.name, row)


def test_rows_name_what_decided(traded: Database) -> None:
    with read_journal(traded) as reader:
        fill, decision = next(reader.all(FillRow)), next(reader.all(DecisionRow))
        tables = {}
        for table in show(reader):
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            tables[table.name] = rows
    shown = tables["fills"][0]
    assert {field: shown[field] for field in FillRow._fields} == fill._asdict()
    assert (shown["model_version"], shown["git_commit"]) == ("steady-0a1b2c3d", "c0ffee")
    assert isinstance(shown["price"], Decimal)
    assert tables["runs"][-1]["ended_verdict"] is None
    assert tables["runs"][-1]["run_digest"] == "d" * 64
    told = tables["decisions"][0]
    fields = DecisionRow._fields[:-1]  # the rules are shown as JSON
    assert [told[field] for field in fields] == list(decision[:-1])


def test_every_decision_is_shown_with_the_reason_that_was_last_told(traded: Database) -> None:
    with read_journal(traded) as reader:
        decisions = list(reader.all(DecisionRow))
        (shown,) = (list(t.rows) for t in show(reader) if t.name == "decisions")
        (columns,) = (list(t.columns) for t in show(reader) if t.name == "decisions")
    reason = columns.index("reason")
    last: dict[str, str] = {}
    assert any(decision.reason is None for decision in decisions)
    for decision, row in zip(decisions, shown, strict=True):
        last[decision.symbol] = decision.reason or last[decision.symbol]
        assert row[reason] == last[decision.symbol]
