"""The account that carries out decisions, candle by candle: gate, frontier and backtest use it.

What predictions ask for was computed for whole columns (decision.py). Every symbol knows the next
candle at which something may be done with it, and the walk jumps from one of these to the next;
between them the equity alone is marked. It is a fold: `Walk.follow` takes the candles in any parts,
and the rows are the same as in one piece. Between two parts all that it knows is its `state` and
the newest closes, of which `Walk.resumed` makes it again, under settings that may have changed.

Where something is done, in this order: orders and positions of every symbol are settled, the equity
is marked at the close and judged by the limits, and what comes next is planned, symbol by symbol.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from typing import NamedTuple

import numpy as np

from bot_runtime.arrays import Times, Values
from bot_runtime.trading.account_state import AccountState
from bot_runtime.trading.actions import AccountSeen, Action, MarketSeen, plan_trade
from bot_runtime.trading.changed_settings import Adjustment, carried_over
from bot_runtime.trading.equity import columns
from bot_runtime.trading.exposure import Closes, correlations, room_for
from bot_runtime.trading.fills import Book, settle
from bot_runtime.trading.limits import Limits
from bot_runtime.trading.positions import Fill, Trade
from bot_runtime.trading.precision import Market, to_money
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg, Symbol
from bot_runtime.trading.trips import Trip
from bot_runtime.trading.worked_orders import Worked, worked


class Plan(NamedTuple):
    """What was asked for at a candle's close, and what was done.

    Attributes:
        opened_ms: when the position was opened that it is about, or will be.
    """

    symbol: str
    close_ms: int
    opened_ms: int
    action: Action


class Followed(NamedTuple):
    """What came of a part, in the order in which it happened.

    Attributes:
        close_ms, equity, cash: at every candle of any symbol, (n,), in the quote asset.
        fills, trades: each beside its symbol; what was sold by a change of settings comes first.
        trips, resets: limits that tripped, and those that reset, each as it had tripped.
        adjusted: what a change of settings has moved without a fill.
        plans, orders: every plan, and what became of orders, where the run wants to be told.
    """

    close_ms: Times
    equity: Values
    cash: Values
    fills: list[tuple[str, Fill]]
    trades: list[tuple[str, Trade]]
    trips: list[Trip]
    resets: list[Trip]
    adjusted: list[Adjustment]
    plans: list[Plan]
    orders: list[Worked]


@dataclass(slots=True)
class _Part:
    """What is noted while a part is walked; `close_ms` are the closes of its candles.

    Attributes:
        held: place, cash, and the worth of each symbol, from every candle on that changes them.
    """

    close_ms: list[int] = field(default_factory=list)
    is_told: bool = False
    held: list[tuple[int, ...]] = field(default_factory=list)
    fills: list[tuple[str, Fill]] = field(default_factory=list)
    trades: list[tuple[str, Trade]] = field(default_factory=list)
    adjusted: list[Adjustment] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    orders: list[Worked] = field(default_factory=list)


class Walk:
    """An account that follows its decisions; everything it knows is in here."""

    def __init__(self, strategy: Strategy, markets: Mapping[str, Market], begin_ms: int) -> None:
        self._interval_ms, self._max_exposure = strategy.interval_ms, strategy.risk.max_exposure
        self._symbols = [Symbol(name, market, strategy) for name, market in markets.items()]
        self._capital = self._cash = to_money(Decimal(strategy.settings.capital))
        self._limits = Limits(strategy.risk, strategy.interval_ms, self._cash, begin_ms)
        self._part = _Part()

    @classmethod
    def resumed(
        cls,
        state: AccountState,
        strategy: Strategy,
        markets: Mapping[str, Market],
        closes: Mapping[str, Closes],
    ) -> "Walk":
        """Return the walk that goes on from a state, by settings that may have changed.

        `closes` are the newest of every symbol, also of one that is held and not traded any more:
        exposure.RETURNS + 1 of them, or all where there are fewer. What a change does is told with
        the next part (changed_settings.py).
        """
        walk = cls(strategy, markets, state.limits.now_ms)
        now = carried_over(state, strategy, markets, closes)
        walk._cash = now.state.cash
        walk._limits = Limits.resumed(strategy.risk, strategy.interval_ms, now.state.limits)
        for symbol in walk._symbols:
            held = now.state.books.get(symbol.name)
            symbol.resume(Book() if held is None else held.book, closes.get(symbol.name))
        if walk.equity != walk._limits.equity:
            walk._limits.mark(state.limits.now_ms, walk.equity)
        part = walk._part
        part.fills, part.trades, part.orders = now.fills, now.trades, now.orders
        part.adjusted = now.adjusted
        return walk

    @property
    def state(self) -> AccountState:
        """Return all that is known after the parts so far, but for the closes."""
        books = {symbol.name: symbol.state for symbol in self._symbols}
        return AccountState(
            capital=self._capital,
            cash=self._cash,
            limits=self._limits.state,
            books={name: book for name, book in books.items() if book is not None},
        )

    @property
    def cash(self) -> int:
        """Return what is not in positions, in money."""
        return self._cash

    @property
    def equity(self) -> int:
        """Return cash and what is held at the last closes, in money."""
        return self._cash + sum(symbol.equity for symbol in self._symbols)

    def follow(self, legs: Mapping[str, Leg], *, is_told: bool = False) -> Followed:
        """Go through the next candles of every symbol, and return what came of them.

        Where the run wants to be told, every entry that is wanted is planned, also where a limit
        stops it, and asked of every limit; the rows are the same.
        """
        times = reduce(np.union1d, [leg.candles.open_time_ms for leg in legs.values()])
        closes, place, n = times + self._interval_ms, 0, len(times)
        part, self._part = self._part, _Part()
        part.close_ms, part.is_told = closes.tolist(), is_told
        self._note(0, part)
        for symbol in self._symbols:
            symbol.take(legs[symbol.name], times, part.close_ms)
            symbol.look(0, 0 if is_told else self._limits.stopped_until_ms(symbol.name))
        while place < n:
            until = min([symbol.next for symbol in self._symbols])
            if place < until:
                self._stay(place, until, part)
            if until < n:
                self._act(until, part)
            place = until + 1
        equity, cash = columns(part.held, [symbol.ticks for symbol in self._symbols])
        return Followed(
            close_ms=closes,
            equity=equity,
            cash=cash,
            fills=part.fills,
            trades=part.trades,
            trips=self._limits.take_trips(),
            resets=self._limits.take_resets(part.close_ms[-1]) if n else [],
            adjusted=part.adjusted,
            plans=part.plans,
            orders=part.orders,
        )

    def _note(self, place: int, part: _Part) -> None:
        """Note what is held from a candle on."""
        part.held.append((place, self._cash, *[symbol.worth for symbol in self._symbols]))

    def _stay(self, place: int, until: int, part: _Part) -> None:
        """Go over candles at which nothing is done: what is held changes in value."""
        busy = [symbol for symbol in self._symbols if not symbol.is_idle]
        if not busy:
            return
        if len(busy) == 1:
            # With one price to look at, the equity of every candle need not be known.
            worth, closes = busy[0].worth, busy[0].closes[place:until]
            seen = [self._cash + worth * close for close in (min(closes), max(closes), closes[-1])]
        else:
            equity = [self._equity(each) for each in range(place, until)]
            seen = [min(equity), max(equity), equity[-1]]
        if not self._limits.mark_span(part.close_ms[until - 1], *seen):
            for each in range(place, until):
                self._limits.mark(part.close_ms[each], self._equity(each))

    def _equity(self, place: int) -> int:
        """Return the equity at a candle's close."""
        equity = self._cash
        for symbol in self._symbols:
            equity += symbol.worth * symbol.closes[place]
        return equity

    def _act(self, place: int, part: _Part) -> None:
        """Do what is to be done at a candle."""
        for symbol in self._symbols:
            if symbol.next == place and symbol.is_touched:
                self._settle(symbol, place, part)
        at_ms = part.close_ms[place]
        self._limits.mark(at_ms, self._equity(place))
        for symbol in self._symbols:
            if symbol.next == place:
                free_ms = self._limits.stopped_until_ms(symbol.name)
                if symbol.is_asked:
                    self._plan(symbol, place, part, free_ms)
                symbol.look(place + 1, 0 if part.is_told else free_ms)

    def _settle(self, symbol: Symbol, place: int, part: _Part) -> None:
        """Carry out what a candle does to a symbol's order and position."""
        before = symbol.book
        settled = settle(symbol.bar, before, symbol.market, self._cash)
        book, fills, trade, self._cash, _ = settled
        symbol.keep(book)
        if part.is_told:
            open_ms = part.close_ms[place] - self._interval_ms
            part.orders += worked(symbol.name, open_ms, before, settled)
        for fill in fills:
            part.fills.append((symbol.name, fill))
            self._note(place, part)
        if trade is not None:
            part.trades.append((symbol.name, trade))
            self._limits.closed(symbol.name, part.close_ms[place], trade)

    def _plan(self, symbol: Symbol, place: int, part: _Part, free_ms: int) -> None:
        """Order what the view at a candle's close asks for; limits stop entries until `free_ms`."""
        at_ms = part.close_ms[place]
        position, _, dust = symbol.book
        is_asked = part.is_told or at_ms < free_ms
        limits = self._limits.results(symbol.name, at_ms) if is_asked else ()
        account = self._account_for(symbol, place, at_ms)
        seen = MarketSeen(symbol.market, at_ms, symbol.closes[place], symbol.regime)
        action = plan_trade(symbol.intent, position, account, limits, seen)
        if action.order is not None:
            symbol.book = Book(position, action.order, dust)
        if part.is_told:
            opened_ms = at_ms if position is None else position.opened_ms
            part.plans.append(Plan(symbol.name, at_ms, opened_ms, action))

    def _account_for(self, symbol: Symbol, place: int, at_ms: int) -> AccountSeen:
        """Return the account as a plan for one symbol sees it, beside what the others hold."""
        equity = self._limits.equity
        others = [other for other in self._symbols if not (other is symbol or other.is_idle)]
        if not others:
            return AccountSeen(equity, self._cash, self._max_exposure)
        ordered = [other.ordered(place, at_ms) for other in others]
        free = self._cash - sum(ordered)
        if equity <= 0:
            return AccountSeen(equity, free, 0.0)
        open_ms = at_ms - self._interval_ms
        weights = [
            (other.worth * other.closes[place] + money) / equity
            for other, money in zip(others, ordered, strict=True)
        ]
        closes = [other.closes_until(open_ms) for other in (*others, symbol)]
        room = room_for(weights, correlations(closes), self._max_exposure)
        return AccountSeen(equity, free, room)
