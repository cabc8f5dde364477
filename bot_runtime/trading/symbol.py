"""One symbol while it is walked: what is held of it, and at which candle something may be done.

The candles of all symbols together are counted in places, those of one symbol in rows.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Counts, Rows, Times, Values
from bot_runtime.market.candles import Candles
from bot_runtime.trading.account_state import BookState
from bot_runtime.trading.decision import Intent, Views
from bot_runtime.trading.exposure import RETURNS, Closes
from bot_runtime.trading.fills import MAX_VOLUME_SHARE, Bar, Book
from bot_runtime.trading.positions import Position
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy


class Leg(NamedTuple):
    """One symbol's part of the walk: candles, and views of which the last are at `rows` of them."""

    candles: Candles
    views: Views
    rows: Rows


class _Ahead:
    """Rising rows, asked for the first from a row on; the rows that are asked for rise as well."""

    def __init__(self, rows: Rows, end: int) -> None:
        self._rows: list[int] = [*rows.tolist(), end]
        self._at = 0

    def first(self, row: int) -> int:
        """Return the first of the rows from one on; the end where there is none."""
        while self._rows[self._at] < row:
            self._at += 1
        return self._rows[self._at]


class Symbol:
    """One symbol's book, and the columns of the part that is walked: prices in ticks.

    Columns of which many numbers are read are lists: reading an array's takes longer.

    Attributes:
        next: first place that is still to come at which something may be done; `row` is its row.
        worth: money of what is held, dust included, at a price of one tick.
        ticks, closes: last close at every place, as array and list.
    """

    ticks: Counts
    closes: list[int]
    _places: Sequence[int]
    _rows: Sequence[int]
    _low: list[int]
    _high: list[int]
    _side: list[int]
    _share: Values
    next = row = worth = _close = 0

    def __init__(self, name: str, market: Market, strategy: Strategy) -> None:
        self.name, self.market, self.book = name, market, IDLE
        self._interval_ms, self._holding_ms = strategy.interval_ms, strategy.holding_ms
        self._history = Closes(np.empty(0, np.int64), np.empty(0))

    def resume(self, book: Book, closes: Closes | None) -> None:
        """Go on with a book after the newest closes; there are none of a symbol that is new."""
        if closes is not None and len(closes.close):
            self._history = closes
            self._close = int(self.market.ticks(closes.close[-1:])[0])
        self.keep(book)

    @property
    def state(self) -> BookState | None:
        """Return what is held and ordered; None where nothing is."""
        market = self.market
        return (
            None
            if self.is_idle
            else BookState(tick=market.tick, lot=market.lot, **self.book._asdict())
        )

    @property
    def equity(self) -> int:
        """Return what is held at the last close of the parts so far, in money."""
        return int(self.worth * self._close)

    def take(self, leg: Leg, times: Times, close_ms: list[int]) -> None:
        """Read a part, in which candles of any symbol open at `times` (n,)."""
        candles, views, n = leg.candles, leg.views, len(times)
        self._close_ms = close_ms
        to_ticks = self.market.ticks
        self._open, self._room = to_ticks(candles.open), self._most_lots(candles)
        self._high, self._low = to_ticks(candles.high).tolist(), to_ticks(candles.low).tolist()
        known = np.concatenate([[self._close], to_ticks(candles.close)])
        if len(candles) == n:
            self._places = self._rows = range(n + 1)
            self.ticks = known[1:]
        else:
            places = np.searchsorted(times, candles.open_time_ms)
            self._places = [*places.tolist(), n]
            self._rows = np.searchsorted(places, np.arange(n + 1)).tolist()
            self.ticks = known[np.searchsorted(places, np.arange(n), side="right")]
        self.closes, self._close = self.ticks.tolist(), int(known[-1])
        self._take_views(views, leg.rows, len(candles))
        before = self._history
        self._history = Closes(
            np.concatenate([before.time_ms[-RETURNS - 1 :], candles.open_time_ms]),
            np.concatenate([before.close[-RETURNS - 1 :], candles.close]),
        )

    def _most_lots(self, candles: Candles) -> Counts:
        return self.market.lots(candles.volume * MAX_VOLUME_SHARE)

    def _take_views(self, views: Views, rows: Rows, length: int) -> None:
        own = slice(len(views) - len(rows), None)
        self._views = views
        self._view = _spread(np.arange(len(views))[own], rows, length, -1)
        self._side = _spread(views.side[own], rows, length, 0).tolist()
        self._share = _spread(views.share[own], rows, length, 0.0)
        self._wanted = _Ahead(rows[views.side[own] > 0], length)
        self._refused = _Ahead(rows[views.side[own] < 0], length)

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is held or ordered, not even dust."""
        return self.book is IDLE

    def keep(self, book: Book) -> None:
        """Take the book that a candle has left."""
        position, _, dust = book
        self.worth = (dust.lots if position is None else position.lots) * self.market.value
        self.book = IDLE if book == IDLE else book

    def look(self, place: int, free_ms: int) -> None:
        """Find the next place, from one on, at which something may be done.

        That is the next candle where an order works, else where a position is touched, or where an
        entry is wanted by then that no limit stops. The part ends where there is none.
        """
        row = self._rows[place]
        position, order, _ = self.book
        if order is None and position is not None:
            row = self._touched(position, row, place)
        elif order is None:
            row = self._wanted.first(self._rows[self._place_at(free_ms, place)])
        self.row, self.next = row, self._places[row]

    def _touched(self, position: Position, row: int, place: int) -> int:
        """Return the first row from one on that reaches stop or target, or where is_asked."""
        end = self._refused.first(row)
        if self._holding_ms:
            end = min(end, self._rows[self._place_at(position.until_ms, place)])
        else:
            end = next((r for r in range(row, end) if self._is_other(r, position)), end)
        low, high, stop, target = self._low, self._high, position.stop, position.target
        for touched in range(row, end):
            if low[touched] <= stop or high[touched] >= target:
                return touched
        return max(row, end)

    def _place_at(self, close_ms: int, place: int) -> int:
        """Return the first place from one on that closes at a time or later."""
        closes = self._close_ms
        if place == len(closes) or close_ms <= closes[place]:
            return place
        most = place + (close_ms - closes[place]) // self._interval_ms + 1
        return bisect_left(closes, close_ms, place, min(most, len(closes)))

    @property
    def is_touched(self) -> bool:
        """Tell whether an order works in the next candle, or it reaches stop or target."""
        position, order, _ = self.book
        if order is not None or position is None:
            return order is not None
        return self._low[self.row] <= position.stop or self._high[self.row] >= position.target

    @property
    def is_asked(self) -> bool:
        """Tell whether a plan could ask for an order at the close of the next candle."""
        row, (position, order, _) = self.row, self.book
        if order is not None:
            return False
        if position is None:
            return self._side[row] > 0
        is_over = self._close_ms[self.next] >= position.until_ms
        return is_over or self._side[row] < 0 or self._is_other(row, position)

    def _is_other(self, row: int, position: Position) -> bool:
        """Tell whether a share is wanted that is not the position's."""
        if self._holding_ms or self._side[row] <= 0:
            return False
        return self._share.item(row) != position.share

    @property
    def bar(self) -> Bar:
        """Return the next candle."""
        row, place = self.row, self.next
        return Bar(
            self._close_ms[place] - self._interval_ms,
            self._open.item(row),
            self._high[row],
            self._low[row],
            self.closes[place],
            self._room.item(row),
        )

    @property
    def intent(self) -> Intent:
        """Return what the view at the next candle asks for; nothing where there is none."""
        view = self._view.item(self.row)
        return (
            self._views.intent(view) if view >= 0 else Intent(0, 0.0, holding_ms=self._holding_ms)
        )

    @property
    def regime(self) -> int:
        """Return the market's regime at the next candle; -1 where there is no view."""
        view = self._view.item(self.row)
        return self._views.regimes.item(view) if view >= 0 else -1

    def closes_until(self, open_ms: int) -> Closes:
        """Return the closes of the candles up to one."""
        time_ms, close = self._history
        end = int(np.searchsorted(time_ms, open_ms, side="right"))
        return Closes(time_ms[:end], close[:end])

    def ordered(self, place: int, at_ms: int) -> int:
        """Return what an order to buy costs at the last close, in money; 0 where it has expired."""
        order = self.book.order
        if order is None or not order.purpose.is_buy or order.placed_ms != at_ms:
            return 0
        costs = self.market.costs
        notional = self.market.notional(order.lots, costs.bought_at(self.closes[place]))
        return notional + costs.fee_of(notional)


IDLE: Final = Book()


def _spread(values: Any, rows: Rows, length: int, missing: float) -> Any:
    """Return (length,) with values (n,) at some rows."""
    spread = np.full(length, missing, dtype=values.dtype)
    spread[rows] = values
    return spread
