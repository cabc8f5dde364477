"""What an account's returns are worth: ratios and falls, numpy alone.

Returns are those of each candle, shares of the equity before it. A year has 365.25 days: these
markets never close.
"""

import math
from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.scoring.overfitting import sharpe_ratio

YEAR_MS: Final = 365.25 * 86_400_000.0


def returns_of(capital: float, equity: Values) -> Values:
    """Return what each step of an equity (n,) earned, a share of the equity before it, (n,)."""
    before = np.concatenate([[capital], equity[:-1]])
    return np.asarray(equity / before - 1.0)


def annual_sharpe(net: Values, interval_ms: int) -> float:
    """Return mean by standard deviation of returns (n,), a year's; 0 where none moved."""
    return sharpe_ratio(net) * math.sqrt(YEAR_MS / interval_ms)


def annual_sortino(net: Values, interval_ms: int) -> float:
    """Return mean by downside deviation of returns (n,), a year's; 0 where none fell.

    Sortino and Price (1994); the downside deviation is the root mean square of the losses over all
    returns.
    """
    downside = math.sqrt(float(np.mean(np.minimum(net, 0.0) ** 2)))
    return float(np.mean(net)) / downside * math.sqrt(YEAR_MS / interval_ms) if downside else 0.0


def drawdowns(capital: float, equity: Values) -> Values:
    """Return how far the equity (n,) stands below its highest so far, capital included, (n,)."""
    highest = np.maximum(np.maximum.accumulate(equity), capital)
    return np.asarray(1.0 - equity / highest)


def annual_return(capital: float, equity: Values, interval_ms: int) -> float:
    """Return the compound return of a year; -1 where nothing is left, inf beyond all numbers."""
    years = len(equity) * interval_ms / YEAR_MS
    grown = float(equity[-1]) / capital
    if grown <= 0.0:
        return -1.0
    with np.errstate(over="ignore"):
        return float(np.expm1(math.log(grown) / years))


def calmar(capital: float, equity: Values, interval_ms: int) -> float:
    """Return a year's compound return by the deepest fall (Young, 1991); 0 where nothing fell."""
    deepest = float(drawdowns(capital, equity).max())
    return annual_return(capital, equity, interval_ms) / deepest if deepest > 0.0 else 0.0
