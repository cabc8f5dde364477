"""The market of candles: the tick that their prices lie on."""

from decimal import Decimal

import numpy as np
import pytest

from bot_runtime.market.candles import Candles
from bot_runtime.market.filters import Filters
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.precision import Costs
from tests.unit.bot_runtime.markets import random_candles

COSTS = Costs.of(10, 5)


def candles(*prices: float) -> Candles:
    values = np.array(prices)
    times = np.arange(len(values)) * 60_000
    return Candles(60_000, times, values, values, values, values, values)


@pytest.mark.parametrize(
    ("prices", "tick", "lot"),
    [
        ((43_210.5, 43_211.0), "0.1", "1e-8"),
        ((43_210.01, 43_211.0), "0.01", "1e-8"),
        ((100_000.0, 99_999.0), "1", "1e-8"),
        ((0.1234, 0.5), "0.0001", "1e-7"),
        ((0.00001234, 0.00001235), "1e-8", "1e-3"),
        ((1e-8, 3e-8), "1e-8", "1"),
        ((1e-9, 2e-9), "1e-9", "10"),
        ((1.23456789012, 1.1), "1e-7", "1e-8"),  # on no grid: a millionth of a percent of 10
        ((43_210.123456,), "0.001", "1e-8"),
        ((), "1", "1e-8"),
    ],
)
def test_tick_and_lot_follow_the_prices(prices: tuple[float, ...], tick: str, lot: str) -> None:
    found = market_of(candles(*prices), COSTS)
    assert (found.tick, found.lot) == (Decimal(tick), Decimal(lot))
    assert found.min_lots == 1
    assert found.min_notional == 0


@pytest.mark.parametrize("scale", [1e-10, 1e-6, 1.0, 1e3, 1e6])
def test_prices_that_were_computed_keep_seven_digits(scale: float) -> None:
    made = random_candles(200)
    open_, high, low, close = (e * scale for e in (made.open, made.high, made.low, made.close))
    scaled = Candles(made.interval_ms, made.open_time_ms, open_, high, low, close, made.volume)
    found = market_of(scaled, COSTS)
    again = found.ticks(scaled.close) * float(found.tick)
    assert np.max(np.abs(again / scaled.close - 1.0)) <= max(1e-6, 0.6e-10 / (scale * 50))


@pytest.mark.parametrize(
    ("prices", "tick"),
    [
        ((43_210.5, 43_211.0), "0.5"),
        ((43_000.0, 43_211.0), "0.5"),  # that all of them are whole is chance
        ((43_210.1, 43_211.0), "0.1"),  # it was finer once
        ((), "0.5"),
    ],
)
def test_the_exchanges_tick_holds_where_all_prices_lie_on_it(
    prices: tuple[float, ...], tick: str
) -> None:
    filters = Filters(
        tick=Decimal("0.5"),
        lot=Decimal("0.001"),
        min_quantity=Decimal("0.01"),
        min_notional=Decimal(5),
    )
    found = market_of(candles(*prices), COSTS, filters)
    assert (found.tick, found.lot, found.min_lots) == (Decimal(tick), filters.lot, 10)
    assert found.min_notional == 5 * 10**18
