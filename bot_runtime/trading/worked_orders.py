"""What a candle made of orders, so that their events can be written down. Pure."""

from typing import NamedTuple

from bot_runtime.trading.fills import Book, Settled
from bot_runtime.trading.orders import Order, OrderState, Purpose
from bot_runtime.trading.positions import Fill


class Worked(NamedTuple):
    """One order of one symbol, and what became of it at one candle.

    Attributes:
        at_ms: opening time of the candle.
        opened_ms: when the position was opened that the order belongs to, or was to be opened.
        order: `lots` are those that were left of it before the candle. A stop or a target is placed
            in the candle that reaches it, a target again in the next one that does.
        left: lots that were not filled; they work on unless `state` is terminal or the order is a
            target, which waits.
    """

    symbol: str
    at_ms: int
    opened_ms: int
    order: Order
    fill: Fill | None
    left: int
    state: OrderState


def worked(symbol: str, at_ms: int, before: Book, settled: Settled) -> list[Worked]:
    """Return what became of a book's order, and of its stop or target, in a candle."""
    position, order, _ = before
    fills = {fill.purpose.is_buy: fill for fill in settled.fills}
    opened_ms = at_ms if position is None else position.opened_ms
    found = []
    if order is not None and order.purpose.is_buy:
        begun_ms = order.placed_ms if position is None else opened_ms
        fill = fills.get(True)
        left = order.lots - (0 if fill is None else fill.lots)
        state = OrderState.EXPIRED if left else OrderState.FILLED
        found.append(Worked(symbol, at_ms, begun_ms, order, fill, left, state))
    order = settled.sale
    if order is not None:
        fill = fills.get(False)
        left = order.lots - (0 if fill is None else fill.lots)
        state = _state_of(order, left, settled)
        found.append(Worked(symbol, at_ms, opened_ms, order, fill, left, state))
    return found


def _state_of(sale: Order, left: int, settled: Settled) -> OrderState:
    position, order, _ = settled.book
    waits = sale.purpose is Purpose.TARGET and position is not None
    if left == 0:
        return OrderState.FILLED
    if order is None and not waits:
        return OrderState.EXPIRED
    return OrderState.PARTIAL if left < sale.lots else OrderState.OPEN
