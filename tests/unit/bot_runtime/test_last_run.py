"""What the newest run of a journal has written."""

from decimal import Decimal

from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import CandleRow, DecisionRow, EquityRow, Rows
from bot_runtime.journal.last_run import LastRun, last_run
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.run_entries import Owner, RunEnd, RunStart

OWNER = Owner("default", "bot", "binance", "Paper", "USDT")
START = RunStart("Candle", "0" * 32, "d", "{}", "v-1", "c0ffee", 0)


def write(database: Database, *closes: int) -> None:
    """Settle candles in one run, each with its decision."""
    rows = Rows(
        candles=tuple(CandleRow("BTC/USDT", at, 1.0, 1.0, 1.0, 1.0, 1.0) for at in closes),
        decisions=tuple(DecisionRow("BTC/USDT", at, "Missed") for at in closes),
        equity=tuple(EquityRow(at, Decimal(1), Decimal(1)) for at in closes),
    )
    with open_journal(database, OWNER, 0) as journal:
        journal.finish(journal.begin_run(START), rows, RunEnd(0, "Settled"))


def test_it_has_the_rows_of_the_newest_run_alone(database: Database) -> None:
    write(database, 60_000, 120_000)
    write(database, 180_000, 240_000)
    with read_journal(database) as reader:
        found = last_run(reader)
    assert [row.candle_ms for row in found.decisions] == [180_000, 240_000]


def test_a_run_that_found_nothing_to_do_has_none(database: Database) -> None:
    write(database, 60_000)
    write(database)
    with read_journal(database) as reader:
        assert last_run(reader) == LastRun()
