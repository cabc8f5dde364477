"""Ids of orders and positions: a pure function of what they are, so that nothing is placed twice.

    b7 | owner: 8 digits of sha256(journal id) | class: 1 | 21 digits of sha256(what it is)

32 hexadecimal digits, which every exchange takes. What an order is: symbol, anchor, class and
attempt. An entry, an increase and a decrease are anchored at the close of the candle that they were
decided on: one of a symbol and candle. A stop, a target and an exit are anchored at the entry's id,
so that whoever sells a position, for whatever reason, names the same order. An attempt follows only
where the one before is known to have ended: the sale of a symbol that is removed is the second.

A position has the id of its entry, which is known by the time when it was opened: an entry is
filled at the open that it was decided just before, or not at all.
"""

import hashlib
from enum import IntEnum
from typing import Final

from bot_runtime.trading.orders import Order, Purpose

MARK: Final = "b7"
"""Begins every id of ours."""


class OrderClass(IntEnum):
    """What an order does to a position."""

    ENTRY = 1
    STOP = 2
    TARGET = 3
    EXIT = 4


_CLASSES: Final = {
    Purpose.ENTRY: OrderClass.ENTRY,
    Purpose.INCREASE: OrderClass.ENTRY,
    Purpose.STOP: OrderClass.STOP,
    Purpose.TARGET: OrderClass.TARGET,
}
_AT_A_CANDLE: Final = (Purpose.ENTRY, Purpose.INCREASE, Purpose.DECREASE)


def owner_of(journal_id: str) -> str:
    """Return the digits that tell whose an order is."""
    return _digits(journal_id, 8)


def order_id(owner: str, symbol: str, order: Order, opened_ms: int) -> str:
    """Return an order's client id; `opened_ms` is when its position was opened."""
    kind = _CLASSES.get(order.purpose, OrderClass.EXIT)
    if order.purpose in _AT_A_CANDLE:
        return _id(owner, symbol, str(order.placed_ms), kind)
    attempt = 1 if order.purpose is Purpose.REMOVED else 0
    return _id(owner, symbol, position_id(owner, symbol, opened_ms), kind, attempt)


def position_id(owner: str, symbol: str, opened_ms: int) -> str:
    """Return the id of a position, which is its entry's."""
    return _id(owner, symbol, str(opened_ms), OrderClass.ENTRY)


def _id(owner: str, symbol: str, anchor: str, kind: OrderClass, attempt: int = 0) -> str:
    what = f"{symbol}|{anchor}|{kind:d}|{attempt}"
    return f"{MARK}{owner}{kind:d}{_digits(what, 21)}"


def _digits(text: str, count: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:count]
