"""Orders: what is asked of a market, and which states an order goes through.

    INTENDED -+-> REJECTED                   proven not accepted, or it never left
              +-> UNKNOWN -+-> ABSENT        waited out; a later fill is still ours
              |            +-> OPEN, FILLED ...
              +-> OPEN -> PARTIAL -> FILLED | CANCELLED | EXPIRED

The state is the fold of events, which are only ever added. Fills come by their own way and may be
told before, after or without an event of their order. What was executed never falls, and an order
that was executed in part cannot be REJECTED or ABSENT: an event that says so is kept and changes
nothing.
"""

import math
from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple


class Purpose(IntEnum):
    """Why an order was placed."""

    ENTRY = 0
    SIGNAL = 1
    TIME = 2
    STOP = 3
    TARGET = 4
    INCREASE = 5
    DECREASE = 6
    REMOVED = 7
    """Its symbol is not traded any more."""

    @property
    def is_buy(self) -> bool:
        """Tell whether the base asset is bought."""
        return self in _BUYS


_BUYS: Final = (Purpose.ENTRY, Purpose.INCREASE)


class Order(NamedTuple):
    """A market order that works at the next open: what is bought does so once (IOC).

    Attributes:
        lots: quantity that is left.
        placed_ms: close of the candle it was decided on.
        share: of the equity that the position is to have once it is filled.
        regime: of the market when it was placed, a position in REGIMES.
        stop, target: distances from the entry's price, shares of it; inf where there is none.
        holding_ms: for how long the position is held; 0 where it follows a share.
    """

    purpose: Purpose
    lots: int
    placed_ms: int
    share: float
    regime: int
    stop: float = math.inf
    target: float = math.inf
    holding_ms: int = 0


class OrderState(StrEnum):
    """Where an order stands."""

    INTENDED = "Intended"
    UNKNOWN = "Unknown"
    OPEN = "Open"
    PARTIAL = "Partial"
    REJECTED = "Rejected"
    ABSENT = "Absent"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"


TERMINAL: Final = frozenset(
    {
        OrderState.REJECTED,
        OrderState.ABSENT,
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
    }
)
"""States that only a fill that was not known of can still change."""
_RANK: Final = {
    OrderState.INTENDED: 0,
    OrderState.UNKNOWN: 1,
    OrderState.OPEN: 2,
    OrderState.PARTIAL: 3,
}


class OrderEvent(NamedTuple):
    """What was told of an order at one time: its state, and how many lots were executed by then."""

    state: OrderState
    executed: int = 0


class OrderSeen(NamedTuple):
    """An order as its events tell it; `late` where it was filled after it had been given up."""

    state: OrderState
    executed: int
    late: bool = False


def fold(lots: int, events: Iterable[OrderEvent]) -> OrderSeen:
    """Return where an order of `lots` stands after events in the order in which they were told."""
    seen = OrderSeen(OrderState.INTENDED, 0)
    for event in events:
        seen = _after(lots, seen, event)
    return seen


def _after(lots: int, seen: OrderSeen, event: OrderEvent) -> OrderSeen:
    executed = max(seen.executed, event.executed)
    is_over = seen.state in TERMINAL
    late = seen.late or (
        is_over and seen.state is not OrderState.FILLED and executed > seen.executed
    )
    if executed >= lots:
        return OrderSeen(OrderState.FILLED, executed, late)
    if is_over:
        return OrderSeen(seen.state, executed, late)
    if event.state in (OrderState.REJECTED, OrderState.ABSENT) and executed > 0:
        return OrderSeen(OrderState.PARTIAL, executed)
    if event.state in TERMINAL:
        return OrderSeen(event.state, executed)
    if executed > 0:
        return OrderSeen(OrderState.PARTIAL, executed)
    return OrderSeen(max(seen.state, event.state, key=_RANK.__getitem__), 0)
