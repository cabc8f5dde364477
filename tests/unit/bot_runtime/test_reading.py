"""What a run asks of a journal."""

from decimal import Decimal

from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import CandleRow, MarketRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import OrderEventRow, OrderRow
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


def test_candles_are_those_of_a_symbol_oldest_first(database: Database) -> None:
    with open_journal(database, OWNER, BEGIN_MS) as journal:
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


def test_a_market_is_the_one_that_was_seen_last(database: Database) -> None:
    first = MARKET._replace(symbol=SYMBOLS[0])
    later = first._replace(since_ms=BEGIN_MS + MINUTE_MS, tick=Decimal("0.1"))
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        for market in (first, later):
            carry_out(journal, market.since_ms, Rows(markets=(market,)))
            assert journal.market(SYMBOLS[0]) == market
        assert journal.market(SYMBOLS[1]) is None
        assert list(journal.all(MarketRow)) == [first, later]


def test_orders_are_open_until_an_event_ends_them(database: Database) -> None:
    orders = [order(name, BEGIN_MS + n) for n, name in enumerate("abcd")]
    told = [
        OrderEventRow(name, BEGIN_MS, state, Decimal(0), Decimal(0), "Paper")
        for name, state in (("a", "Filled"), ("b", "Partial"), ("c", "Expired"))
    ]
    ending = ("Filled", "Expired", "Cancelled")
    with open_journal(database, OWNER, BEGIN_MS) as journal:
        carry_out(journal, BEGIN_MS, Rows(orders=tuple(orders), order_events=tuple(told)))
        assert [o.client_order_id for o in journal.open_orders(BEGIN_MS, ending)] == ["b", "d"]
        assert journal.open_orders(BEGIN_MS + 2, ending) == [orders[3]]
