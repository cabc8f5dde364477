"""What a client may see of the market now: candles by interval, the last price, the book."""

from dataclasses import dataclass, replace

import numpy as np

from bot_exchange.market.candles import DAY_MS, Candles, Market, aggregate, interval_start, join
from bot_exchange.market.symbols import SymbolRules
from bot_exchange.venue.clock import Clock
from bot_exchange.venue.faults import Faults

BOOK_LEVELS = 200
_PIECE = 50_000  # base candles
_HALF_SPREAD = 0.00005  # of the price
_LEVEL_STEP = 0.0001


class NothingTradedError(LookupError):
    """The market has no candle yet (or any more) that could give a price."""


@dataclass(frozen=True, slots=True)
class Span:
    """The candles that a klines request asks for; times in ms, both ends included."""

    interval_ms: int
    limit: int
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """Prices and amounts (base asset) on both sides, best first."""

    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    update_id: int


@dataclass(frozen=True, slots=True)
class Feed:
    """A market seen through the exchange's clock and its faults."""

    market: Market
    clock: Clock
    faults: Faults

    def candles(self, symbol: str, span: Span) -> Candles:
        """Return at most `span.limit` candles, the one that is still open included.

        With a start: the first ones from there. Without: the last ones up to the end.
        """
        length = span.interval_ms
        seen = self.faults.visible_until(self.clock.now_ms())
        listed = interval_start(self.market.listed_ms, length)
        stop = interval_start(seen if span.end_ms is None else min(seen, span.end_ms), length)
        stop += length
        forward = span.start_ms is not None
        first = listed if span.start_ms is None else max(listed, span.start_ms + length - 1)
        first = interval_start(first, length)
        limit = span.limit
        if self.faults.memory_candles:
            newest = interval_start(seen, length)
            first = max(first, newest - (self.faults.memory_candles - 1) * length)
        if self.faults.page_candles:
            limit = min(limit, self.faults.page_candles)
            stop = min(stop, first + limit * length) if forward else stop
        width = limit * length
        while True:  # where candles are missing, a page reaches further
            low, high = (
                (first, min(stop, first + width))
                if forward
                else (
                    max(first, stop - width),
                    stop,
                )
            )
            found = self._aggregated(symbol, (low, high), length, seen)
            if len(found) >= limit or (low <= first and high >= stop):
                return found.where(slice(limit) if forward else slice(-limit, None))
            width *= 2

    def _aggregated(
        self, symbol: str, span_ms: tuple[int, int], length: int, seen_ms: int
    ) -> Candles:
        """Return the candles of the span, made piece by piece: weeks of minutes are many."""
        start, end = span_ms
        piece = max(1, _PIECE * self.market.timeframe_ms // length) * length
        return join(
            [
                aggregate(self.base_candles(symbol, at, min(at + piece, end), seen_ms), length)
                for at in range(start, end, piece)
            ]
        )

    def base_candles(self, symbol: str, start_ms: int, end_ms: int, seen_ms: int) -> Candles:
        """Return the base candles that open in [start_ms, end_ms), the open one as of `seen_ms`."""
        opened = interval_start(seen_ms, self.market.timeframe_ms)
        parts = [self.market.candles(symbol, start_ms, min(end_ms, opened))]
        if start_ms <= opened < end_ms:
            parts.append(self.market.open_candle(symbol, seen_ms))
        return self.faults.without_gaps(join(parts))

    def day(self, symbol: str) -> tuple[Candles, Candles]:
        """Return the last 24 hours as one candle, and the base candles that it is made of.

        Raises NothingTradedError where there is none.
        """
        seen = self.faults.visible_until(self.clock.now_ms())
        start = interval_start(seen, self.market.timeframe_ms) + self.market.timeframe_ms - DAY_MS
        base = self.base_candles(symbol, start, seen + 1, seen)
        if len(base) == 0:
            raise NothingTradedError(symbol)
        one = replace(base, open_ms=np.zeros(len(base), np.int64))
        return aggregate(one, DAY_MS), base

    def last_price(self, symbol: str) -> float:
        """Return the newest price. Raises NothingTradedError where there is none."""
        newest = self.candles(symbol, Span(self.market.timeframe_ms, 1))
        if len(newest) == 0:
            raise NothingTradedError(symbol)
        return float(newest.close[-1])

    def book(self, rules: SymbolRules, levels: int) -> Book:
        """Return an order book around the last price; it changes when the price does."""
        price = self.last_price(rules.symbol)
        tick = 10.0**-rules.price_decimals
        update_id = self.faults.visible_until(self.clock.now_ms()) // 1000
        depth = np.arange(min(levels, BOOK_LEVELS))
        away = np.maximum(price * (_HALF_SPREAD + depth * _LEVEL_STEP), (depth + 1) * tick)
        wave = 1.2 + np.sin(depth * 1.7 + round(price / tick) % 1000)
        amounts = np.round(rules.typical_volume / 50 * wave * (1 + depth / 20), rules.lot_decimals)
        amounts = np.maximum(amounts, 10.0**-rules.lot_decimals)
        bids = np.maximum(np.floor((price - away) / tick), 1) * tick
        asks = np.ceil((price + away) / tick) * tick
        return Book(
            list(zip(bids.tolist(), amounts.tolist(), strict=True)),
            list(zip(asks.tolist(), amounts.tolist(), strict=True)),
            update_id,
        )
