"""Ids of orders: the same for the same order, another for any other, and none that is refused."""

import re

import pytest

from bot_runtime.trading.ids import order_id, owner_of, position_id
from bot_runtime.trading.orders import Order, Purpose

OWNER = owner_of("7f6d2c5e-journal")
ENTRY = Order(Purpose.ENTRY, 5, 1000, 0.25, 0)


def test_an_id_is_32_hexadecimal_digits_that_tell_whose_and_what_it_is() -> None:
    found = order_id(OWNER, "BTC/USDT", ENTRY, 1000)
    assert found == "b758f487e21a8a58010483dae13aca70"
    assert re.fullmatch("[0-9a-f]{32}", found)
    assert found.startswith(f"b7{OWNER}1")


def test_a_position_has_the_id_of_its_entry() -> None:
    assert position_id(OWNER, "BTC/USDT", 1000) == order_id(OWNER, "BTC/USDT", ENTRY, 1000)


@pytest.mark.parametrize(
    ("purpose", "kind"),
    [
        (Purpose.ENTRY, "1"),
        (Purpose.INCREASE, "1"),
        (Purpose.STOP, "2"),
        (Purpose.TARGET, "3"),
        (Purpose.SIGNAL, "4"),
        (Purpose.TIME, "4"),
        (Purpose.DECREASE, "4"),
        (Purpose.REMOVED, "4"),
    ],
)
def test_the_class_of_an_order_stands_in_its_id(purpose: Purpose, kind: str) -> None:
    assert order_id(OWNER, "BTC/USDT", ENTRY._replace(purpose=purpose), 1000)[10] == kind


def test_neither_size_nor_share_makes_another_order() -> None:
    other = ENTRY._replace(lots=7, share=0.5, regime=3, stop=0.1)
    assert order_id(OWNER, "A/B", other, 1000) == order_id(OWNER, "A/B", ENTRY, 1000)


def test_every_exit_of_a_position_is_the_same_order_whenever_it_is_placed() -> None:
    signal, time = (
        ENTRY._replace(purpose=purpose, placed_ms=at_ms)
        for purpose, at_ms in ((Purpose.SIGNAL, 3000), (Purpose.TIME, 9000))
    )
    assert order_id(OWNER, "A/B", signal, 1000) == order_id(OWNER, "A/B", time, 1000)
    assert order_id(OWNER, "A/B", signal, 1000) != order_id(OWNER, "A/B", signal, 2000)


def test_what_is_another_order_has_another_id() -> None:
    orders = [
        ENTRY._replace(purpose=purpose, placed_ms=placed_ms)
        for purpose in set(Purpose) - {Purpose.INCREASE, Purpose.TIME}
        for placed_ms in (1000, 2000)
    ]
    found = [
        order_id(owner, symbol, order, order.placed_ms)
        for order in orders
        for symbol in ("A/B", "A/C")
        for owner in (OWNER, owner_of("another journal"))
    ]
    assert len(set(found)) == len(found)
