"""What repeats is stored once; what is read is as if it had not been left out."""

from decimal import Decimal

from sqlalchemy import func, select

from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import AccountRow, DecisionRow, EquityRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import OrderRow
from bot_runtime.journal.run_entries import RunEnd
from bot_runtime.journal.tables import configurations, names
from bot_runtime.journal.writing import Journal
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    CAPITAL,
    MINUTE_MS,
    OWNER,
    SYMBOLS,
    carry_out,
    idle,
    start,
)

TIMES = [BEGIN_MS + n * MINUTE_MS for n in range(6)]
CALM, REFUSED = "ProbBelowMin", "RiskAboveMax"


def explained(journal: Journal, symbol: str = SYMBOLS[0]) -> list[int]:
    decisions = journal.all(DecisionRow)
    return [d.candle_ms for d in decisions if d.symbol == symbol and d.rules is not None]


def test_a_decision_is_explained_where_its_outcome_changes(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        for at_ms, outcome in zip(TIMES, (CALM, CALM, REFUSED, REFUSED, CALM, CALM), strict=True):
            carry_out(journal, at_ms, idle(at_ms, outcome=outcome))
        assert explained(journal) == [TIMES[0], TIMES[2], TIMES[4]]
        decision, again = (
            journal.decided(SYMBOLS[0], TIMES[2]),
            journal.decided(SYMBOLS[0], TIMES[3]),
        )
        assert decision is not None
        assert again is not None
        assert decision == idle(TIMES[2], outcome=REFUSED).decisions[0]
        assert (again.outcome, again.reason, again.rules) == (REFUSED, None, None)


def test_candles_of_one_run_are_compared_with_each_other(database: Database) -> None:
    outcomes = ("Missed", "Missed", CALM, CALM, CALM, "Missed")
    each = [idle(at_ms, outcome=outcome) for at_ms, outcome in zip(TIMES, outcomes, strict=True)]
    rows = Rows(
        candles=tuple(r.candles[0] for r in each), decisions=tuple(r.decisions[0] for r in each)
    )
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        carry_out(journal, TIMES[-1], rows)
        assert explained(journal) == [TIMES[0], TIMES[2], TIMES[5]]


def test_symbols_do_not_explain_each_other(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        for symbol in SYMBOLS:
            carry_out(journal, TIMES[0], idle(TIMES[0], symbol)._replace(equity=(), accounts=()))
            assert explained(journal, symbol) == [TIMES[0]]


def test_an_order_is_always_explained(database: Database) -> None:
    at_ms = TIMES[1]
    order = OrderRow(
        "id", "id", "Entry", SYMBOLS[0], Decimal(1), 0.1, "BULL_TREND", 0.02, None, 0, at_ms
    )
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        carry_out(journal, TIMES[0], idle(TIMES[0]))
        carry_out(journal, at_ms, idle(at_ms)._replace(orders=(order,)))
        assert explained(journal) == TIMES[:2]


def test_another_configuration_is_explained_anew_and_kept_once(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        for at_ms, digest in zip(TIMES, "aabbba", strict=True):
            run_id = journal.begin_run(start(at_ms, digest * 64))
            journal.finish(run_id, idle(at_ms), RunEnd(at_ms, "Done"))
        assert explained(journal) == [TIMES[0], TIMES[2], TIMES[5]]
        assert journal.execute(select(func.count()).select_from(configurations)).scalar() == 2


def test_equity_and_account_are_stored_where_they_change(database: Database) -> None:
    less = CAPITAL - Decimal("0.01")
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        for at_ms, cash, state in zip(
            TIMES, (CAPITAL, CAPITAL, less, less, CAPITAL, less), "aabbcc", strict=True
        ):
            marked = (EquityRow(at_ms, cash, CAPITAL),)
            rows = idle(at_ms)._replace(equity=marked, accounts=(AccountRow(at_ms, state),))
            carry_out(journal, at_ms, rows)
        kept = [row.candle_ms for row in journal.all(EquityRow)]
        assert kept == [TIMES[0], TIMES[2], TIMES[4], TIMES[5]]
        assert [row.candle_ms for row in journal.all(AccountRow)] == TIMES[::2]
        assert journal.last_equity() == EquityRow(TIMES[5], less, CAPITAL)
        assert journal.last_state() == AccountRow(TIMES[4], "c")


def test_words_are_kept_once(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        carry_out(journal, TIMES[0], idle(TIMES[0]))
        number = journal.execute(select(func.count()).select_from(names)).scalar()
        carry_out(journal, TIMES[1], idle(TIMES[1]))
        assert journal.execute(select(func.count()).select_from(names)).scalar() == number
