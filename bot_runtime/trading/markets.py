"""The market of candles: what the exchange says it takes, or what can be read off the prices."""

import math
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

    Its tick is the exchange's, or the coarsest decimal one that all prices are multiples of where
    that is finer: an exchange changes its tick now and then. Prices that lie on no grid get one of
    a millionth of a percent. Without filters no order is too small.
    """
    prices = np.concatenate([getattr(candles, name) for name in PRICE_COLUMNS])
    magnitude = math.floor(math.log10(float(np.median(prices)))) if len(prices) else 0
    most = max(0, min(FINEST, DIGITS - magnitude))
    decimals = next((d for d in range(most) if _is_on_grid(prices, d)), most)
    tick = Decimal(1).scaleb(-decimals)
    if filters is None:
        return Market.of(tick, LOT.scaleb(max(0, -magnitude)), costs)
    lot, least = filters.lot, filters.min_quantity
    return Market.of(min(tick, filters.tick), lot, costs, least, filters.min_notional)


def _is_on_grid(prices: Values, decimals: int) -> bool:
    steps = prices * 10.0**decimals
    return bool(np.all(np.abs(steps - np.rint(steps)) <= 1e-9 * steps))
