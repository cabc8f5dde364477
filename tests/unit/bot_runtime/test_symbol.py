"""At which candle something may next be done with a symbol."""

from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import pytest

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.fills import Book
from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import NEVER, Position
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg, Symbol
from tests.unit.bot_runtime.strategies import GOOD, INTERVAL_MS, strategy_with

N = 12
MISSING = 5
"""A candle that other symbols have."""
HELD = Position(0, 10, 10, 1000, 0, 1, 90, 110, NEVER, 0.25, 0)


def symbol_with(
    low: int = -1, high: int = -1, short: int = -1, strategy: Strategy | None = None
) -> Symbol:
    """Return a symbol at 100 that wants an entry at candles 4 and 8, and misses one.

    One candle's low is 90, one's high 110, and one has a SHORT view.
    """
    strategy = strategy or strategy_with(DecisionSpec())
    times = np.arange(N, dtype=np.int64) * INTERVAL_MS
    is_kept = np.arange(N) != MISSING
    kept = np.flatnonzero(is_kept)
    prices = np.full((4, N), 100.0)
    prices[2, max(low, 0)] = 90.0 if low >= 0 else 100.0
    prices[1, max(high, 0)] = 110.0 if high >= 0 else 100.0
    open_, high_, low_, close = prices
    candles = Candles(INTERVAL_MS, times, open_, high_, low_, close, np.ones(N))[is_kept]
    told = Predictions(*(np.full(N, getattr(GOOD, field.name)) for field in fields(GOOD)))
    told.prob_up[:], told.p50[:] = 0.5, 0.0
    for at in (4, 8):
        told.prob_up[at], told.p50[at] = GOOD.prob_up, GOOD.p50
    if short >= 0:
        told.prob_up[short], told.p50[short] = 1.0 - GOOD.prob_up, -GOOD.p50
    views = views_of(told.at(kept), strategy, np.zeros(N - 1, dtype=np.intp), kept)
    symbol = Symbol("A/B", Market.of(Decimal(1), Decimal(1), strategy.costs), strategy)
    symbol.take(Leg(candles, views, np.arange(N - 1)), times, (times + INTERVAL_MS).tolist())
    return symbol


def visited(symbol: Symbol, free_ms: int = 0) -> list[int]:
    """Return the places at which something may be done while nothing is."""
    found, place = [], 0
    while place < N:
        symbol.look(place, free_ms)
        found.append(symbol.next)
        place = symbol.next + 1
    return found


def held(symbol: Symbol, **changes: int) -> Symbol:
    symbol.keep(Book(HELD._replace(**changes)))
    return symbol


def test_who_holds_nothing_acts_where_an_entry_is_wanted_that_no_limit_stops() -> None:
    assert visited(symbol_with()) == [4, 8, N]
    closes_ms = 5 * INTERVAL_MS
    assert visited(symbol_with(), closes_ms) == [4, 8, N]
    assert visited(symbol_with(), closes_ms + 1) == [8, N]
    assert visited(symbol_with(), NEVER) == [N]


@pytest.mark.parametrize("touched", ["low", "high", "short"])
def test_who_holds_acts_where_stop_or_target_is_just_reached_and_at_a_short_view(
    touched: str,
) -> None:
    low, high, short = (7 if name == touched else -1 for name in ("low", "high", "short"))
    assert visited(held(symbol_with(low, high, short))) == [7, N]
    symbol = held(symbol_with(low, high, short))
    symbol.look(0, 0)
    assert symbol.is_touched == (touched != "short")
    assert symbol.is_asked == (touched == "short")


@pytest.mark.parametrize(("until_ms", "first"), [(7, 6), (7.5, 7), (MISSING + 1, MISSING + 1)])
def test_who_holds_acts_at_every_candle_once_its_time_is_over(until_ms: float, first: int) -> None:
    symbol = held(symbol_with(), until_ms=int(until_ms * INTERVAL_MS))
    assert visited(symbol) == [*range(first, N)]


def test_an_order_works_at_the_next_candle_that_there_is() -> None:
    symbol = symbol_with()
    symbol.book = Book(order=Order(Purpose.ENTRY, 1, 0, 0.25, 0))
    symbol.look(MISSING, 0)
    assert (symbol.next, symbol.is_touched, symbol.is_asked) == (MISSING + 1, True, False)


def test_a_managed_share_is_asked_for_where_it_is_another() -> None:
    managed = strategy_with(DecisionSpec(policy="VolatilityManaged"))
    symbol = symbol_with(strategy=managed)
    share = float(symbol._views.share[0])
    symbol.keep(Book(HELD._replace(share=share)))
    assert visited(symbol) == [N]
    symbol = symbol_with(strategy=managed)
    symbol.keep(Book(HELD._replace(share=share / 2)))
    assert visited(symbol) == [place for place in range(N) if place != MISSING]


def test_a_part_goes_on_from_the_last_close_of_the_one_before() -> None:
    symbol = symbol_with()
    assert symbol.closes == [100] * N
    empty = symbol._views
    times = np.arange(N, N + 2, dtype=np.int64) * INTERVAL_MS
    none = Leg(
        Candles(INTERVAL_MS, *(np.empty(0, kind) for kind in (np.int64, *[np.float64] * 5))),
        replace(empty, side=empty.side[:0], share=empty.share[:0]),
        np.empty(0, np.intp),
    )
    symbol.take(none, times, (times + INTERVAL_MS).tolist())
    assert symbol.closes == [100, 100]
    symbol.look(0, 0)
    assert symbol.next == 2
