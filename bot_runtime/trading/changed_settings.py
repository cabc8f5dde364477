"""What a change of settings between two runs does to what an account holds and has ordered. Pure.

capital      cash moves by the difference; limits measure from equities that move by the same share
             (limits.py). Under VolatilityManaged positions follow their share of the new equity.
             Cash below nothing buys nothing until sales have paid for it.
policy       to VolatilityManaged: the position loses stop, target and holding time, and follows its
             share. Back: its holding time begins now; it has no stop, for it was not bought by one.
risk         what is held and ordered stays as it is; entries and limits follow the new caps.
resumeAfter  see limits.py.
symbols      what is held of one that is removed is sold at the last price known, with slippage and
             fee, and its order is cancelled. It counts for no limit but by the equity. One that is
             added begins with nothing.
tick, lot    lots are cut to the new step, and prices rounded against the account. What is cut off
             is lost and told; money stays exact. What is left with no lot has ended.
timeframe    what stands until a time does so; a buy that its candle no longer follows expires.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from bot_runtime.trading.account_state import AccountState, BookState, LimitsState
from bot_runtime.trading.exposure import Closes
from bot_runtime.trading.fills import Book
from bot_runtime.trading.orders import Order, OrderState, Purpose
from bot_runtime.trading.positions import (
    NEVER,
    Fill,
    Position,
    Trade,
    changed,
    closed,
    posting,
)
from bot_runtime.trading.precision import Costs, Market, to_decimal, to_money
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.worked_orders import Worked


class Adjustment(NamedTuple):
    """What changed in an account without a fill.

    Attributes:
        symbol: whose holding it is; empty where the capital changed.
        amount: of its base asset; of the quote asset where the capital changed.
    """

    at_ms: int
    symbol: str
    amount: Decimal


class Refitted(NamedTuple):
    """A book in a market's new steps: what was cut off, of the base asset, and what that ended."""

    book: Book
    lost: Decimal
    trade: Trade | None


@dataclass(frozen=True, slots=True)
class Carried:
    """An account under the settings of now, and what has led there; each beside its symbol."""

    state: AccountState
    fills: list[tuple[str, Fill]] = field(default_factory=list)
    trades: list[tuple[str, Trade]] = field(default_factory=list)
    orders: list[Worked] = field(default_factory=list)
    adjusted: list[Adjustment] = field(default_factory=list)


def carried_over(
    state: AccountState,
    strategy: Strategy,
    markets: Mapping[str, Market],
    closes: Mapping[str, Closes],
) -> Carried:
    """Return an account under the settings of now; one of which none has changed stays as it is."""
    at_ms, cash = state.limits.now_ms, state.cash
    capital = to_money(Decimal(strategy.settings.capital))
    given = capital - state.capital
    books = dict[str, BookState]()
    found = Carried(state)
    if given:
        found.adjusted.append(Adjustment(at_ms, "", to_decimal(given)))
    for name, held in state.books.items():
        market = markets.get(name)
        if market is None:
            cash += _remove(name, held, float(closes[name].close[-1]), strategy.costs, found)
            continue
        book, lost, trade = refitted(held, market, at_ms)
        if held.order is not None and book.order is None:
            found.orders.append(_cancelled(name, held.book, held.order, at_ms))
        if lost:
            found.adjusted.append(Adjustment(at_ms, name, -lost))
        if trade is not None:
            found.orders.append(_unsold(name, held.book, at_ms))
            found.trades.append((name, trade))
        if given and strategy.is_managed:
            book = unset_share(book)
        book = under_policy(book, strategy, at_ms)
        books[name] = BookState(tick=market.tick, lot=market.lot, **book._asdict())
    limits = moved(state.limits, given) if given else state.limits
    now = AccountState(capital=capital, cash=cash + given, limits=limits, books=books)
    return replace(found, state=now)


def moved(limits: LimitsState, given: int) -> LimitsState:
    """Return limits that go on after a deposit, or after a withdrawal where it is negative.

    Every equity that a fall is measured from moves by the same share, as the value of a fund's
    units does: a deposit is no profit, a withdrawal no loss, and neither trips anything.
    """
    before, after = limits.equity, limits.equity + given
    starts = {name: getattr(limits, name) for name in ("day", "week", "peak")}
    is_share = before > 0 and after > 0
    changed = {n: start * after // before if is_share else after for n, start in starts.items()}
    return limits.model_copy(update={"equity": after, **changed})


def _remove(name: str, held: BookState, close: float, costs: Costs, found: Carried) -> int:
    """Sell what is held of a symbol that is removed, and return what that brings.

    The market is not asked whether it takes so little: the symbol has left it.
    """
    at_ms, book = found.state.limits.now_ms, held.book
    market = Market.of(held.tick, held.lot, costs)
    position = as_position(book, at_ms)
    if book.order is not None:
        found.orders.append(_cancelled(name, book, book.order, at_ms))
    if position.lots == 0:
        return 0
    ticks = costs.sold_at(int(market.ticks(np.array([close]))[0]))
    fee = costs.fee_of(market.notional(position.lots, ticks))
    fill = Fill(at_ms, Purpose.REMOVED, position.lots, ticks, fee)
    if posting(fill, market) <= 0:
        found.orders.append(_unsold(name, book, at_ms))
        found.trades.append((name, ended(book, at_ms)))
        found.adjusted.append(Adjustment(at_ms, name, -market.quantity(position.lots)))
        return 0
    order = Order(Purpose.REMOVED, position.lots, at_ms, 0.0, position.regime)
    filled = Worked(name, at_ms, position.opened_ms, order, fill, 0, OrderState.FILLED)
    trade, _ = closed(changed(position, fill, market), at_ms, Purpose.REMOVED)
    found.fills.append((name, fill))
    found.orders.append(filled)
    found.trades.append((name, trade))
    return posting(fill, market)


def _cancelled(name: str, book: Book, order: Order, at_ms: int) -> Worked:
    """Return that a book's order works no more."""
    begun_ms = order.placed_ms if book.position is None else book.position.opened_ms
    return Worked(name, at_ms, begun_ms, order, None, order.lots, OrderState.CANCELLED)


def _unsold(name: str, book: Book, at_ms: int) -> Worked:
    """Return the sale that would end a book, which no market takes."""
    position = as_position(book, at_ms)
    sale = Order(Purpose.REMOVED, position.lots, at_ms, 0.0, position.regime)
    return Worked(name, at_ms, position.opened_ms, sale, None, sale.lots, OrderState.REJECTED)


def refitted(held: BookState, market: Market, at_ms: int) -> Refitted:
    """Return a book in the ticks and lots that its market counts in now."""
    if (held.tick, held.lot) == (market.tick, market.lot):
        return Refitted(held.book, Decimal(0), None)
    position, order, dust = held.book
    lot = Fraction(held.lot) / Fraction(market.lot)
    before = lots_of(held.book)
    lots = math.floor(before * lot)
    lost = before * held.lot - lots * market.lot
    if order is not None:
        order = order._replace(lots=math.floor(order.lots * lot))
        order = order if order.lots > 0 else None
    if before > 0 and lots == 0:
        is_buy = order is not None and order.purpose.is_buy
        return Refitted(Book(None, order if is_buy else None), lost, ended(held.book, at_ms))
    if position is None:
        return Refitted(Book(None, order, dust._replace(lots=lots)), lost, None)
    tick = Fraction(held.tick) / Fraction(market.tick)
    stop, target = position.stop, position.target
    position = position._replace(
        lots=lots,
        bought=math.floor(position.bought * lot),
        stop=max(1, math.floor(stop * tick)) if stop else 0,
        target=target if target == NEVER else math.ceil(target * tick),
    )
    return Refitted(Book(position, order, dust), lost, None)


def under_policy(book: Book, strategy: Strategy, at_ms: int) -> Book:
    """Return a book as the strategy's policy holds and orders."""
    position, order, dust = book
    buys = order is not None and order.purpose.is_buy
    if strategy.is_managed:
        if position is not None:
            position = position._replace(stop=0, target=NEVER, until_ms=NEVER)
        if order is not None and buys:
            order = order._replace(stop=math.inf, target=math.inf, holding_ms=0)
    else:
        if position is not None and position.until_ms == NEVER:
            position = position._replace(until_ms=at_ms + strategy.holding_ms)
        if order is not None and buys and order.holding_ms == 0:
            order = order._replace(holding_ms=strategy.holding_ms)
    return Book(position, order, dust)


def unset_share(book: Book) -> Book:
    """Return a book whose share is set anew: it was one of another equity."""
    position, order, dust = book
    return Book(
        None if position is None else position._replace(share=0.0),
        None if order is None else order._replace(share=0.0),
        dust,
    )


def ended(book: Book, at_ms: int) -> Trade:
    """Return the trade of what is held and can bring nothing any more."""
    position = as_position(book, at_ms)
    return closed(position._replace(lots=0), at_ms, Purpose.REMOVED)[0]


def lots_of(book: Book) -> int:
    """Return how many lots are held, dust included."""
    return book.dust.lots if book.position is None else book.position.lots


def as_position(book: Book, at_ms: int) -> Position:
    """Return what is held as a position; dust becomes one that is opened now, at its own cost."""
    if book.position is not None:
        return book.position
    lots, cost = book.dust
    return Position(at_ms, lots, lots, cost, 0, 0, 0, NEVER, NEVER, 0.0, -1)
