"""The fill model: what one candle makes of an order and of a position. Paper and backtest use it.

A decision at the close of candle t works from the open of candle t + 1:

- An order is filled at the open, plus slippage where it buys and minus it where it sells.
- All fills of a candle together take at most maxVolumeShare of its volume. A buy is cut to that and
  to the cash, and what is left expires. What a sale leaves works on at the next open.
- A stop is hit where the low reaches it: the sale brings the stop's price less slippage, and where
  the candle opens below it, the open less slippage. What is left is sold at the next opens.
- A target is hit where the high reaches it, and brings its price, never more. What is left waits.
- Within a candle the worse comes first: the stop before the target, also in the entry's own candle.
- A missing candle fills nothing. A buy expires with it; a stop is judged at the next open.
- What is left of a sale and is too small for an order is dust; a decrease ends there.
- Nothing is sold for less than its fee.
"""

from typing import Final, NamedTuple

from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import (
    NO_DUST,
    Dust,
    Fill,
    Position,
    Trade,
    changed,
    closed,
    opened,
    posting,
)
from bot_runtime.trading.precision import Market

MAX_VOLUME_SHARE: Final = 0.1
"""Share of a candle's volume that the fills of one bot may take: it is not the market."""


class Bar(NamedTuple):
    """A candle as orders see it: prices in ticks, and the lots that may be filled in it."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    room: int


class Book(NamedTuple):
    """What is held of one symbol, and the order that works at its market's next open."""

    position: Position | None = None
    order: Order | None = None
    dust: Dust = NO_DUST


class Settled(NamedTuple):
    """What a candle made of a book.

    Attributes:
        cash: the account's after it.
        sale: what was to be sold in it; None where nothing was.
    """

    book: Book
    fills: tuple[Fill, ...]
    trade: Trade | None
    cash: int
    sale: Order | None = None


def settle(bar: Bar, book: Book, market: Market, cash: int) -> Settled:
    """Return what a candle makes of a book whose account has so much cash: pure.

    The book's own order is worked first, at the open; then its stop, or else its target.
    """
    order, room = book.order, bar.room
    bought = sold = selling = None
    if order is not None and order.purpose.is_buy:
        bought = _buy(bar, order, market, cash)
        book = _after_buy(book, order, bought, market)
        room -= 0 if bought is None else bought.lots
    sale = _sale(bar, book, market)
    purpose = Purpose.ENTRY
    if sale is not None:
        selling, ticks = sale
        purpose = selling.purpose
        sold = _sell(bar, selling, ticks, market, room)
        book = _after_sale(bar, book, selling, sold, market)
    fills: tuple[Fill, ...] = ()
    if bought is not None:
        fills, cash = (bought,), cash + posting(bought, market)
    if sold is not None:
        fills, cash = (*fills, sold), cash + posting(sold, market)
    position = book.position
    if position is None or (bought is None and sale is None):
        return Settled(book, fills, None, cash, selling)
    if position.lots > 0 and market.takes(position.lots, bar.close):
        return Settled(book, fills, None, cash, selling)
    trade, dust = closed(position, bar.open_ms, purpose)
    is_trade = position.received > 0
    return Settled(Book(None, None, dust), fills, trade if is_trade else None, cash, selling)


def _buy(bar: Bar, order: Order, market: Market, cash: int) -> Fill | None:
    """Return what is bought at the open; None where nothing is."""
    if bar.open_ms != order.placed_ms:
        return None
    ticks = market.costs.bought_at(bar.open)
    wanted = min(order.lots, market.costs.most_lots(cash, market.notional(1, ticks)))
    lots = min(wanted, bar.room)
    if lots < 1 or not market.takes(wanted, ticks):
        return None
    return _filled(bar, order.purpose, lots, ticks, market)


def _after_buy(book: Book, order: Order, fill: Fill | None, market: Market) -> Book:
    """Return the book after its buy: whatever was not filled has expired."""
    position = book.position
    if fill is None:
        return Book(position, None, book.dust)
    if position is None:
        return Book(opened(order, fill, market, book.dust))
    share = order.share if fill.lots == order.lots else position.share
    return Book(changed(position, fill, market)._replace(share=share), None, book.dust)


def _sale(bar: Bar, book: Book, market: Market) -> tuple[Order, int] | None:
    """Return what is to be sold in the candle, at which price in ticks; None where nothing is."""
    position, order = book.position, book.order
    if position is None:
        return None
    if order is not None:
        return order, market.costs.sold_at(bar.open)
    if bar.low <= position.stop:
        purpose, ticks = Purpose.STOP, market.costs.sold_at(min(bar.open, position.stop))
    elif bar.high >= position.target:
        purpose, ticks = Purpose.TARGET, position.target
    else:
        return None
    return Order(purpose, position.lots, bar.open_ms, 0.0, position.regime), ticks


def _sell(bar: Bar, order: Order, ticks: int, market: Market, room: int) -> Fill | None:
    """Return what is sold; None where there is no room, or the exchange takes no such order."""
    lots = min(order.lots, room)
    if lots < 1 or not market.takes(order.lots, ticks):
        return None
    fill = _filled(bar, order.purpose, lots, ticks, market)
    return fill if posting(fill, market) > 0 else None


def _filled(bar: Bar, purpose: Purpose, lots: int, ticks: int, market: Market) -> Fill:
    fee = market.costs.fee_of(market.notional(lots, ticks))
    return Fill(bar.open_ms, purpose, lots, ticks, fee)


def _after_sale(bar: Bar, book: Book, order: Order, fill: Fill | None, market: Market) -> Book:
    """Return the book after a sale: what is left of it works on, but for a target, which waits."""
    assert book.position is not None, "only what is held is sold"
    position, left = book.position, order.lots
    if fill is not None:
        position, left = changed(position, fill, market), order.lots - fill.lots
    ends = order.purpose is Purpose.DECREASE and not market.takes(left, bar.close)
    if left == 0 or ends:
        if position.lots > 0:
            position = position._replace(share=order.share)
        return Book(position, None, book.dust)
    rest = None if order.purpose is Purpose.TARGET else order._replace(lots=left)
    return Book(position, rest, book.dust)
