"""The equity and the cash of every candle, from what was held and when that changed."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bot_runtime.arrays import Counts, Values
from bot_runtime.trading.precision import MONEY_DIGITS

EXACT: Final = 2**53
"""Whole numbers below are exact as floats."""
_UNIT: Final = 10**MONEY_DIGITS


def columns(held: Sequence[tuple[int, ...]], ticks: Sequence[Counts]) -> tuple[Values, Values]:
    """Return equity and cash (n,) in the quote asset, each the float nearest to the exact sum.

    `held` has the place from which on it holds, the cash, and for each symbol what its lots are
    worth at a price of one tick, all in money; `ticks` (n,) are each symbol's closes.
    """
    places, *money = (list(column) for column in zip(*held, strict=True))
    lengths = np.diff([*places, len(ticks[0])])
    # Counted in their largest common coin, most sums fit into a float; Python's integers take all.
    coin = math.gcd(_UNIT, *(math.gcd(*column) for column in money))
    cash, *worths = ([amount // coin for amount in column] for column in money)
    most = max(map(abs, cash)) + sum(
        max(worth) * int(prices.max(initial=0)) for worth, prices in zip(worths, ticks, strict=True)
    )
    kind: Any = np.float64 if most < EXACT else object
    equity = np.repeat(np.array(cash, dtype=kind), lengths)
    for worth, prices in zip(worths, ticks, strict=True):
        equity += np.repeat(np.array(worth, dtype=kind), lengths) * prices
    coins = _UNIT // coin
    held_cash = np.repeat([amount / coins for amount in cash], lengths)
    return np.asarray(equity / coins, dtype=np.float64), held_cash
