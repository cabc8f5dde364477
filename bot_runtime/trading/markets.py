"""The market of candles: what the exchange says it takes, or what can be read off the prices."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.market.candles import PRICE_COLUMNS, Candles
from bot_runtime.market.filters import Filters
from bot_runtime.trading.precision import Costs, Market

FINEST: Final = 10
"""Most decimals of a tick: with lots of 8 decimals, a price of them is still money."""
DIGITS: Final = 7
"""Decimals that a price of one digit is given at most: prices that were computed have no tick."""
LOT: Final = Decimal("1e-8")
"""At a price of one digit; of what costs less, a lot is as much more."""


def market_of(candles: Candles, costs: Costs, filters: Filters | None = None) -> Market:
    """Return the market of candles.

    Its tick is the exchange's where all prices are multiples of it, else the coarsest decimal one
    of which they are: an exchange changes its tick now and then. Prices that lie on no grid get one
    of a millionth of a percent. Without filters no order is too small.
    """
    prices = np.concatenate([getattr(candles, name) for name in PRICE_COLUMNS])
    magnitude = math.floor(math.log10(float(np.median(prices)))) if len(prices) else 0
    most = max(0, min(FINEST, DIGITS - magnitude))
    steps = [Decimal(1).scaleb(-decimals) for decimals in range(most + 1)]
    if filters is not None:
        steps.insert(0, filters.tick)
    tick = next((step for step in steps if _is_on_grid(prices, step)), steps[-1])
    if filters is None:
        return Market.of(tick, LOT.scaleb(max(0, -magnitude)), costs)
    return Market.of(tick, filters.lot, costs, filters.min_quantity, filters.min_notional)


def markets_of(
    candles: Mapping[str, Candles], costs: Costs, filters: Mapping[str, Filters]
) -> dict[str, Market]:
    """Return the market of every symbol, by its filters where they are known."""
    return {s: market_of(part, costs, filters.get(s)) for s, part in candles.items()}


def _is_on_grid(prices: Values, step: Decimal) -> bool:
    steps = prices / float(step)
    return bool(np.all(np.abs(steps - np.rint(steps)) <= 1e-9 * steps))


def finest_filters(candles: Candles) -> Filters:
    """Return the filters of a market of which the exchange tells none: steps that lose nothing."""
    price = float(np.median(candles.close)) if len(candles) else 1.0
    magnitude = math.floor(math.log10(price))
    tick = Decimal(1).scaleb(-max(0, min(FINEST, DIGITS - magnitude)))
    return Filters(tick=tick, lot=LOT.scaleb(max(0, -magnitude)))
