"""The market of candles whose exchange was not asked: its tick is read off the prices."""

import math
from decimal import Decimal
from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.market.candles import PRICE_COLUMNS, Candles
from bot_runtime.trading.precision import Costs, Market

FINEST: Final = 10
"""Most decimals of a tick: with lots of 8 decimals, a price of them is still money."""
DIGITS: Final = 7
"""Decimals that a price of one digit is given at most: prices that were computed have no tick."""
LOT: Final = Decimal("1e-8")


def market_of(candles: Candles, costs: Costs) -> Market:
    """Return the market of candles: the coarsest decimal tick that all prices are multiples of.

    No order is too small for it. Prices that lie on no grid get a tick of a millionth of a percent.
    """
    prices = np.concatenate([getattr(candles, name) for name in PRICE_COLUMNS])
    magnitude = math.floor(math.log10(float(np.median(prices)))) if len(prices) else 0
    most = max(0, min(FINEST, DIGITS - magnitude))
    decimals = next((d for d in range(most) if _is_on_grid(prices, d)), most)
    return Market.of(Decimal(1).scaleb(-decimals), LOT, costs)


def _is_on_grid(prices: Values, decimals: int) -> bool:
    steps = prices * 10.0**decimals
    return bool(np.all(np.abs(steps - np.rint(steps)) <= 1e-9 * np.maximum(1.0, np.abs(steps))))
