"""The account that carries out decisions, candle by candle: gate, frontier and backtest use it.

What predictions ask for was computed for whole columns (decision.py). The walk jumps from one
wanted entry to the next, and looks at every candle only while something is held or ordered. It is a
fold: `Walk.follow` takes the candles in any parts, and the rows are the same as in one piece.

Within one candle, in this order: orders and positions of every symbol are settled, the equity is
marked at the close and judged by the limits, and what comes next is planned, symbol by symbol.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Rows, Times, Values
from bot_runtime.market.candles import Candles
from bot_runtime.trading.actions import AccountSeen, MarketSeen, plan_trade
from bot_runtime.trading.decision import Intent, Views
from bot_runtime.trading.exposure import RETURNS, Closes, correlations, room_for
from bot_runtime.trading.fills import MAX_VOLUME_SHARE, Bar, Book, settle
from bot_runtime.trading.limits import Limits, Trip
from bot_runtime.trading.positions import Fill, Trade
from bot_runtime.trading.precision import Market, to_float, to_money
from bot_runtime.trading.strategy import Strategy


class Leg(NamedTuple):
    """One symbol's part of the walk: candles, and views of which the last are at `rows` of them."""

    candles: Candles
    views: Views
    rows: Rows


class Followed(NamedTuple):
    """What came of a part, in the order in which it happened.

    Attributes:
        close_ms, equity, cash: at every candle of any symbol, (n,), in the quote asset.
        fills, trades: each beside its symbol.
    """

    close_ms: Times
    equity: Values
    cash: Values
    fills: list[tuple[str, Fill]]
    trades: list[tuple[str, Trade]]
    trips: list[Trip]


_EMPTY: Final = Book()


class _Bars(NamedTuple):
    """Columns of candles as lists, prices in ticks: reading an array's number takes longer."""

    open_ms: list[int]
    open: list[int]
    high: list[int]
    low: list[int]
    close: list[int]
    room: list[int]


class _Symbol:
    """One symbol while it is followed: its book, and the part's columns as the loop reads them."""

    def __init__(self, name: str, market: Market) -> None:
        self.name, self.market, self.book, self.close = name, market, _EMPTY, 0
        self._history = Closes(np.empty(0, np.int64), np.empty(0))

    def take(self, leg: Leg, times: Times) -> Rows:
        """Read a part; return where in `times` (n,), opening times, an entry is wanted."""
        candles, views, market = leg.candles, leg.views, self.market
        prices = (candles.open, candles.high, candles.low, candles.close)
        columns = [candles.open_time_ms, *(market.ticks(price) for price in prices)]
        columns.append(market.lots(candles.volume * MAX_VOLUME_SHARE))
        self.bars = _Bars(*(column.tolist() for column in columns))
        at, own = (
            np.searchsorted(times, candles.open_time_ms),
            slice(len(views) - len(leg.rows), None),
        )
        seen, length = at[leg.rows], len(times)
        self.row = _spread(np.arange(len(candles)), at, length, -1)
        self.side = _spread(views.side[own], seen, length, 0)
        self.share = _spread(views.share[own], seen, length, 0.0)
        self._views = views
        self._view = _spread(np.arange(len(views))[own], seen, length, -1)
        before = self._history
        self._history = Closes(
            np.concatenate([before.time_ms[-RETURNS - 1 :], candles.open_time_ms]),
            np.concatenate([before.close[-RETURNS - 1 :], candles.close]),
        )
        return seen[views.side[own] > 0]

    def intent(self, place: int, holding_ms: int) -> Intent:
        """Return what the view at a candle asks for; nothing where there is none."""
        view = self._view[place]
        return self._views.intent(view) if view >= 0 else Intent(0, 0.0, holding_ms=holding_ms)

    def regime(self, place: int) -> int:
        """Return the market's regime at a candle; -1 where there is no view."""
        view = self._view[place]
        return int(self._views.regimes[view]) if view >= 0 else -1

    def closes_until(self, open_ms: int) -> Closes:
        """Return the closes of the candles up to one."""
        time_ms, close = self._history
        end = int(np.searchsorted(time_ms, open_ms, side="right"))
        return Closes(time_ms[:end], close[:end])

    @property
    def value(self) -> int:
        """Return what is held at the last close, dust included, in money."""
        position, _, dust = self.book
        return (dust.lots if position is None else position.lots) * self.close * self.market.value

    def ordered(self, at_ms: int) -> int:
        """Return what an order to buy costs at the last close, in money; 0 where it has expired."""
        order = self.book.order
        if order is None or not order.purpose.is_buy or order.placed_ms != at_ms:
            return 0
        costs = self.market.costs
        notional = self.market.notional(order.lots, costs.bought_at(self.close))
        return notional + costs.fee_of(notional)


def _spread(values: Any, at: Rows, length: int, missing: float) -> list[Any]:
    """Return a list of `length` with values (n,) at some places, for the loop to read."""
    spread = np.full(length, missing, dtype=values.dtype)
    spread[at] = values
    found: list[Any] = spread.tolist()
    return found


class Walk:
    """An account that follows its decisions; everything it knows is in here."""

    def __init__(self, strategy: Strategy, markets: Mapping[str, Market], begin_ms: int) -> None:
        self._interval_ms, self._holding_ms = strategy.interval_ms, strategy.holding_ms
        self._is_managed, self._max_exposure = strategy.is_managed, strategy.risk.max_exposure
        self._symbols = [_Symbol(name, market) for name, market in markets.items()]
        self._cash = to_money(Decimal(strategy.settings.capital))
        self._limits = Limits(strategy.risk, strategy.interval_ms, self._cash, begin_ms)

    def follow(self, legs: Mapping[str, Leg]) -> Followed:
        """Go through the next candles of every symbol, and return what came of them."""
        times = np.unique(np.concatenate([leg.candles.open_time_ms for leg in legs.values()]))
        wanted = np.unique(np.concatenate([s.take(legs[s.name], times) for s in self._symbols]))
        n, closes = len(times), times + self._interval_ms
        found = Followed(closes, np.empty(n), np.empty(n), [], [], [])
        close_ms, place = closes.tolist(), 0
        while place < n:
            if all(symbol.book is _EMPTY for symbol in self._symbols):
                free = int(np.searchsorted(closes, self._limits.blocked_until_ms))
                after = int(np.searchsorted(wanted, max(place, free)))
                until = int(wanted[after]) if after < len(wanted) else n
                found.equity[place:until] = found.cash[place:until] = to_float(self._cash)
                place = until
            place = self._go_on(place, close_ms, found)
        found.trips.extend(self._limits.trips)
        self._limits.trips.clear()
        return found

    def _go_on(self, place: int, close_ms: list[int], found: Followed) -> int:
        """Go from candle to candle until nothing is held or ordered; return the place after."""
        busy = True
        while busy and place < len(close_ms):
            at_ms = close_ms[place]
            for symbol in self._symbols:
                if symbol.row[place] >= 0:
                    self._settle(symbol, symbol.row[place], at_ms, found)
            equity = self._cash
            for symbol in self._symbols:
                equity += symbol.value
            self._limits.mark(at_ms, equity)
            found.equity[place], found.cash[place] = to_float(equity), to_float(self._cash)
            busy = False
            for symbol in self._symbols:
                if symbol.row[place] >= 0 and symbol.book.order is None:
                    self._plan(symbol, place, at_ms)
                busy = busy or symbol.book is not _EMPTY
            place += 1
        return place

    def _settle(self, symbol: _Symbol, row: int, at_ms: int, found: Followed) -> None:
        """Carry out what a candle does to a symbol's order and position."""
        bars, book = symbol.bars, symbol.book
        symbol.close = bars.close[row]
        position = book.position
        if book.order is None and (
            position is None or (bars.low[row] > position.stop and bars.high[row] < position.target)
        ):
            return
        bar = Bar(*(column[row] for column in bars))
        book, fills, trade, self._cash = settle(bar, book, symbol.market, self._cash)
        symbol.book = _EMPTY if book == _EMPTY else book
        found.fills.extend((symbol.name, fill) for fill in fills)
        if trade is not None:
            found.trades.append((symbol.name, trade))
            self._limits.closed(symbol.name, at_ms, trade)

    def _plan(self, symbol: _Symbol, place: int, at_ms: int) -> None:
        """Order what the view at a candle's close asks for."""
        if not self._is_asked(symbol, place, at_ms):
            return
        intent = symbol.intent(place, self._holding_ms)
        account = self._account_for(symbol, at_ms)
        limits = self._limits.results(symbol.name, at_ms)
        seen = MarketSeen(symbol.market, at_ms, symbol.close, symbol.regime(place))
        order = plan_trade(intent, symbol.book.position, account, limits, seen).order
        if order is not None:
            symbol.book = symbol.book._replace(order=order)

    def _is_asked(self, symbol: _Symbol, place: int, at_ms: int) -> bool:
        """Tell whether a plan could ask for an order: most candles are passed over by this."""
        position, side = symbol.book.position, int(symbol.side[place])
        if position is None:
            return side > 0
        if side < 0 or at_ms >= position.until_ms:
            return True
        is_other: bool = symbol.share[place] != position.share
        return side > 0 and self._is_managed and is_other

    def _account_for(self, symbol: _Symbol, at_ms: int) -> AccountSeen:
        """Return the account as a plan for one symbol sees it, beside what the others hold."""
        equity = self._limits.equity
        others = [s for s in self._symbols if s is not symbol and s.book is not _EMPTY]
        ordered = [other.ordered(at_ms) for other in others]
        cash = self._cash - sum(ordered)
        if not others:
            return AccountSeen(equity, cash, min(1.0, self._max_exposure))
        open_ms = at_ms - self._interval_ms
        weights = [
            (other.value + money) / equity for other, money in zip(others, ordered, strict=True)
        ]
        closes = [other.closes_until(open_ms) for other in (*others, symbol)]
        room = room_for(weights, correlations(closes), self._max_exposure)
        return AccountSeen(equity, cash, room)
