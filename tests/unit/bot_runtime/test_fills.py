"""Fills: each sentence of fills.py, by numbers that are worked out beside it.

The market has ticks and lots of 1, a fee of 1 % and a slippage of 2 %: at 100, a purchase costs 102
and a sale brings 98; ten lots at 102 are 1020, and their fee is 10.20.
"""

from decimal import Decimal
from typing import Any

import pytest

from bot_runtime.trading.fills import Bar, Book, Settled, settle
from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import NEVER, Dust, Fill, Position
from bot_runtime.trading.precision import Costs, Market, to_decimal, to_money
from tests.unit.bot_runtime.strategies import INTERVAL_MS

COSTS = Costs.of(100, 200)
MARKET = Market.of(Decimal(1), Decimal(1), COSTS)
LARGE_ORDERS = Market.of(Decimal(1), Decimal(1), COSTS, min_notional=Decimal(300))
CASH = to_money(Decimal(10_000))


def bar(
    open_: int = 100, high: int = 100, low: int = 100, close: int = 100, *, room: int = 1000
) -> Bar:
    return Bar(0, open_, high, low, close, room)


def buys(lots: int = 10, **changes: Any) -> Book:
    return Book(None, Order(Purpose.ENTRY, lots, 0, 0.5, 0, **changes))


def holds(lots: int = 10, order: Order | None = None, **changes: Any) -> Book:
    """Return a book with lots that were bought at 102 for 103.02 each, fee included."""
    paid = lots * to_money(Decimal("103.02"))
    position = Position(-1, lots, lots, paid, 0, 0, 0, NEVER, NEVER, 0.5, 0)
    return Book(position._replace(**changes), order)


def sells(lots: int = 10, purpose: Purpose = Purpose.SIGNAL, share: float = 0.0) -> Order:
    return Order(purpose, lots, 0, share, 0)


def settled(candle: Bar, book: Book, market: Market = MARKET, cash: int = CASH) -> Settled:
    return settle(candle, book, market, cash)


def what(found: Settled) -> list[tuple[str, int, int]]:
    """Return what was filled: purpose, lots, price."""
    return [(fill.purpose.name, fill.lots, fill.ticks) for fill in found.fills]


def test_a_purchase_costs_the_open_plus_slippage_and_its_fee() -> None:
    found = settled(bar(), buys())
    assert found.fills == (Fill(0, Purpose.ENTRY, 10, 102, to_money(Decimal("10.2"))),)
    assert to_decimal(found.cash) == Decimal("8969.8")  # 10000 - 1020 - 10.20
    assert found.book.position is not None
    assert found.book.position.paid == to_money(Decimal("1030.2"))
    assert (found.book.order, found.trade) == (None, None)


def test_a_sale_brings_the_open_less_slippage_and_its_fee() -> None:
    found = settled(bar(), holds(order=sells()))
    assert found.fills == (Fill(0, Purpose.SIGNAL, 10, 98, to_money(Decimal("9.8"))),)
    assert to_decimal(found.cash) == Decimal("10970.2")  # 10000 + 980 - 9.80
    assert found.book == Book()
    assert found.trade is not None
    assert to_decimal(found.trade.profit) == Decimal(-60)  # 970.20 - 1030.20


def test_prices_between_two_ticks_are_rounded_against_the_account() -> None:
    assert what(settled(bar(101), buys())) == [("ENTRY", 10, 104)]  # 103.02
    assert what(settled(bar(101), holds(order=sells()))) == [("SIGNAL", 10, 98)]  # 98.98


def test_a_purchase_is_cut_to_the_volume_and_what_is_left_expires() -> None:
    found = settled(bar(room=4), buys())
    assert what(found) == [("ENTRY", 4, 102)]
    assert found.book.order is None
    assert found.book.position is not None
    assert found.book.position.share == 0.0, "it did not become what was wanted"
    whole = settled(bar(room=10), buys()).book.position
    assert whole is not None
    assert whole.share == 0.5


def test_a_purchase_is_cut_to_the_cash() -> None:
    # A lot costs 102 + 1.02; five are 515.10, six 618.12.
    for cash, lots in (("515.2", 5), ("618.1", 5), ("618.2", 6)):
        found = settled(bar(), buys(), cash=to_money(Decimal(cash)))
        assert what(found) == [("ENTRY", lots, 102)]
        assert found.cash >= 0
    assert settled(bar(), buys(), cash=to_money(Decimal(103))).fills == ()


def test_a_missing_candle_fills_nothing() -> None:
    late = bar()._replace(open_ms=INTERVAL_MS)
    assert settled(late, buys()) == Settled(Book(), (), None, CASH)
    assert what(settled(late, holds(order=sells()))) == [("SIGNAL", 10, 98)]
    increase = Order(Purpose.INCREASE, 5, 0, 0.9, 0)
    book = holds()
    assert settled(late, Book(book.position, increase)).book == book, "the position is kept"


def test_after_a_missing_candle_the_stop_is_judged_at_the_open() -> None:
    late = bar(80, 85, 70, 75)._replace(open_ms=50 * INTERVAL_MS)
    assert what(settled(late, holds(stop=95))) == [("STOP", 10, 78)]  # 78.4


@pytest.mark.parametrize(
    ("candle", "fills"),
    [
        (bar(100, 104, 96, 100), []),
        (bar(100, 104, 95, 100), [("STOP", 10, 93)]),  # 95 less 2 % is 93.1
        (bar(100, 110, 96, 100), [("TARGET", 10, 110)]),
        (bar(100, 115, 90, 100), [("STOP", 10, 93)]),  # the worse comes first
        (bar(90, 115, 90, 100), [("STOP", 10, 88)]),  # opened below: 90 less 2 % is 88.2
        (bar(115, 120, 112, 118), [("TARGET", 10, 110)]),  # never more than its price
    ],
    ids=["neither", "stop", "target", "both", "gap through the stop", "gap over the target"],
)
def test_stop_and_target(candle: Bar, fills: list[tuple[str, int, int]]) -> None:
    assert what(settled(candle, holds(stop=95, target=110))) == fills


def test_stop_and_target_are_judged_in_the_entrys_own_candle() -> None:
    book = buys(stop=0.25, target=0.25)  # 102 less a quarter is 76.5, more is 127.5
    low, high = bar(100, 130, 76, 90), bar(100, 128, 77, 90)
    assert what(settled(low, book)) == [("ENTRY", 10, 102), ("STOP", 10, 74)]  # 74.48
    assert what(settled(high, book)) == [("ENTRY", 10, 102), ("TARGET", 10, 128)]
    between = settled(bar(100, 127, 77, 90), book).book.position
    assert between is not None
    assert (between.stop, between.target) == (76, 128)


def test_fills_of_one_candle_share_its_volume() -> None:
    found = settled(bar(100, 100, 50, 60, room=15), buys(stop=0.25))
    assert what(found) == [("ENTRY", 10, 102), ("STOP", 5, 74)]
    assert found.book.order == Order(Purpose.STOP, 5, 0, 0.0, 0)


def test_what_an_exit_leaves_is_sold_at_the_next_opens() -> None:
    first = settled(bar(room=4), holds(order=sells(), stop=95, target=110))
    assert what(first) == [("SIGNAL", 4, 98)]
    assert first.trade is None
    second = settled(bar(90, 200, 10, 90), first.book, cash=first.cash)
    assert what(second) == [("SIGNAL", 6, 88)], "not the stop, not the target: the open"
    assert second.trade is not None
    assert second.trade.lots == 10
    # 4 * 98 less 3.92, 6 * 88 less 5.28, for 1030.20
    assert to_decimal(second.trade.profit) == Decimal("-119.4")


def test_what_a_target_leaves_waits_for_it() -> None:
    found = settled(bar(100, 110, 100, 105, room=4), holds(stop=95, target=110))
    assert what(found) == [("TARGET", 4, 110)]
    assert found.book.order is None
    assert settled(bar(100, 109, 96, 100), found.book).fills == ()
    assert what(settled(bar(100, 110, 96, 100), found.book)) == [("TARGET", 6, 110)]


def test_without_volume_nothing_is_filled_and_a_stop_goes_on() -> None:
    assert settled(bar(room=0), buys()) == Settled(Book(), (), None, CASH)
    found = settled(bar(100, 100, 90, 92, room=0), holds(stop=95))
    assert found.fills == ()
    assert what(settled(bar(), found.book)) == [("STOP", 10, 98)]


def test_what_is_left_and_too_small_for_an_order_is_dust() -> None:
    found = settled(bar(room=8), holds(order=sells()), LARGE_ORDERS)
    assert found.trade is not None
    # Eight of ten lots: 8 * 98 less 7.84, for 8 * 103.02; two go on at 103.02 each.
    assert to_decimal(found.trade.profit) == Decimal("776.16") - Decimal("824.16")
    assert found.book == Book(dust=Dust(2, to_money(Decimal("206.04"))))
    joined = settled(bar(), buys()._replace(dust=found.book.dust), LARGE_ORDERS).book
    assert joined.dust == Dust()
    assert joined.position is not None
    assert (joined.position.lots, joined.position.bought) == (12, 12)
    assert to_decimal(joined.position.paid) == Decimal("1236.24")  # 1030.20 + 206.04


def test_three_lots_are_an_order_and_two_are_dust() -> None:
    found = settled(bar(room=7), holds(order=sells()), LARGE_ORDERS)
    assert found.trade is None
    assert found.book.order is not None
    assert found.book.order.lots == 3


def test_an_entry_that_is_dust_is_no_trade() -> None:
    found = settled(bar(room=2), buys(), LARGE_ORDERS)
    assert found.trade is None
    assert found.book == Book(dust=Dust(2, to_money(Decimal("206.04"))))


def test_an_order_that_the_exchange_does_not_take_is_not_filled() -> None:
    assert settled(bar(), buys(2), LARGE_ORDERS).fills == ()  # 204 < 300
    cut_by_cash = settled(bar(), buys(), LARGE_ORDERS, to_money(Decimal(210)))
    assert cut_by_cash.fills == ()
    three = settled(bar(), holds(3, sells(3)), LARGE_ORDERS)  # 3 * 98 < 300, but at 100 it is not
    assert three.fills == ()
    assert what(settled(bar(103), three.book, LARGE_ORDERS)) == [("SIGNAL", 3, 100)]


def test_a_decrease_ends_where_what_is_left_is_too_small_for_an_order() -> None:
    for room in (8, 0):
        order = sells(10 if room else 2, Purpose.DECREASE, 0.25)
        found = settled(bar(room=room), holds(30, order), LARGE_ORDERS)
        assert found.book.order is None, "it would bar every exit"
        assert found.book.position is not None
        assert found.book.position.share == 0.25
    goes_on = settled(bar(room=7), holds(30, sells(10, Purpose.DECREASE, 0.25)), LARGE_ORDERS)
    assert goes_on.book.order == sells(3, Purpose.DECREASE, 0.25)


def test_nothing_is_sold_for_less_than_its_fee() -> None:
    tiny = Market.of(Decimal("1e-8"), Decimal(1), COSTS)  # a lot at one tick is the least fee
    for price, lots in ((1, 0), (3, 1)):
        found = settled(bar(price, price, price, price), holds(1, sells(1)), tiny, 0)
        assert sum(fill.lots for fill in found.fills) == lots
        assert found.cash >= 0
