"""What a run asks of a journal."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot_runtime.journal.entries import CandleRow, MarketRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import OrderEventRow, OrderRow
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.tables import accounts, candles, equity, outbox, runs
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    MARKET,
    MINUTE_MS,
    OWNER,
    SYMBOLS,
    carry_out,
    idle,
)


def order(name: str, candle_ms: int) -> OrderRow:
    return OrderRow(
        name, name, "Entry", SYMBOLS[0], Decimal(1), 0.1, "BULL_TREND", 0.02, None, 0, candle_ms
    )


def test_candles_are_those_of_a_symbol_oldest_first(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal.db", OWNER, BEGIN_MS) as journal:
        for n in range(5):
            at_ms = BEGIN_MS + n * MINUTE_MS
            rows = [idle(at_ms, symbol) for symbol in SYMBOLS[: 1 + (n < 3)]]
            carry_out(journal, at_ms, Rows(candles=tuple(r.candles[0] for r in rows)))
        assert journal.last_settled(SYMBOLS[0]) == BEGIN_MS + 4 * MINUTE_MS
        assert journal.last_settled(SYMBOLS[1]) == BEGIN_MS + 2 * MINUTE_MS
        newest = journal.candles(SYMBOLS[1], newest=2)
        assert newest == [idle(BEGIN_MS + n * MINUTE_MS, SYMBOLS[1]).candles[0] for n in (1, 2)]
        assert len(journal.candles(SYMBOLS[0], newest=99)) == 5
        assert journal.decided(SYMBOLS[0], BEGIN_MS) is None
        assert len(list(journal.all(CandleRow))) == 8


def test_a_market_is_the_one_that_was_seen_last(tmp_path: Path) -> None:
    first = MARKET._replace(symbol=SYMBOLS[0])
    later = first._replace(since_ms=BEGIN_MS + MINUTE_MS, tick=Decimal("0.1"))
    with open_journal(tmp_path / "journal.db", OWNER, BEGIN_MS) as journal:
        for market in (first, later):
            carry_out(journal, market.since_ms, Rows(markets=(market,)))
            assert journal.market(SYMBOLS[0]) == market
        assert journal.market(SYMBOLS[1]) is None
        assert list(journal.all(MarketRow)) == [first, later]


def test_orders_are_open_until_an_event_ends_them(tmp_path: Path) -> None:
    orders = [order(name, BEGIN_MS + n) for n, name in enumerate("abcd")]
    told = [
        OrderEventRow(name, BEGIN_MS, state, Decimal(0), Decimal(0), "Paper")
        for name, state in (("a", "Filled"), ("b", "Partial"), ("c", "Expired"))
    ]
    ending = ("Filled", "Expired", "Cancelled")
    with open_journal(tmp_path / "journal.db", OWNER, BEGIN_MS) as journal:
        carry_out(journal, BEGIN_MS, Rows(orders=tuple(orders), order_events=tuple(told)))
        assert [o.client_order_id for o in journal.open_orders(BEGIN_MS, ending)] == ["b", "d"]
        assert journal.open_orders(BEGIN_MS + 2, ending) == [orders[3]]


@pytest.mark.parametrize(
    "ask",
    [
        lambda journal: journal.identity,
        lambda journal: journal.last_settled(SYMBOLS[0]),
        lambda journal: journal.last_state(),
        lambda journal: journal.last_equity(),
        lambda journal: journal.candles(SYMBOLS[0], 5),
        lambda journal: journal.market(SYMBOLS[0]),
        lambda journal: journal.decided(SYMBOLS[0], BEGIN_MS),
        lambda journal: journal.open_orders(BEGIN_MS, ("Filled",)),
        lambda journal: journal.unsent(),
        lambda journal: journal.run(1),
    ],
)
def test_no_question_of_a_run_reads_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: object
) -> None:
    """So that it takes as long after a year as on the first day."""
    assert callable(ask)
    plans: list[str] = []
    with open_journal(tmp_path / "journal.db", OWNER, BEGIN_MS) as journal:
        carry_out(journal, BEGIN_MS, idle(BEGIN_MS))
        execute = Reader.execute

        def explained(reader: Reader, query: object) -> object:
            compiled = query.compile(journal._connection, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined] # any query
            plan = journal._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
            plans.extend(str(row[-1]) for row in plan)
            return execute(reader, query)  # type: ignore[arg-type] # as above

        monkeypatch.setattr(Reader, "execute", explained)
        ask(journal)
    grow = {table.name for table in (candles, runs, equity, accounts, outbox)} | {"orders", "fills"}
    for plan in plans:
        scanned = plan.startswith("SCAN") and plan.split()[1] in grow
        # From the newest row on, along the table's own key.
        assert not scanned or plan in ("SCAN accounts", "SCAN equity"), plans
