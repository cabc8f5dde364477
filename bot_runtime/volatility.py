"""Volatility that is known at a candle's close: the unit in which models see future returns."""

import numpy as np

from bot_runtime.arrays import Values

VOLATILITY_CANDLES = 60
"""Log returns that the current volatility spans."""
FLOOR = 1e-6
"""Least volatility of a candle, a hundredth of a basis point: a market that stands still."""


def realised_volatility(closes: Values, span: int) -> Values:
    """Return the root mean square of the last `span` log returns at each row.

    Shapes (n,) to (n,); NaN for the first `span` rows. Not annualised: one candle's volatility.
    A flat window, so that a row needs `span + 1` closes and no memory before them.
    """
    result = np.full(len(closes), np.nan)
    if len(closes) > span:
        squares = np.diff(np.log(closes)) ** 2
        means = np.lib.stride_tricks.sliding_window_view(squares, span).mean(axis=1)
        result[span:] = np.maximum(np.sqrt(means), FLOOR)
    return result


def ewma_volatility(closes: Values, decay: float = 0.94) -> Values:
    """Return the exponentially weighted volatility at each row: (n,) to (n,), NaN at row 0.

    RiskMetrics (1996): variance[t] = decay * variance[t - 1] + (1 - decay) * log_return[t] ** 2,
    started at the first squared return. The naive reference of the Risk objective.
    """
    result = np.full(len(closes), np.nan)
    variance = np.nan
    for t, square in enumerate(np.diff(np.log(closes)) ** 2, start=1):
        variance = square if t == 1 else decay * variance + (1 - decay) * square
        result[t] = max(np.sqrt(variance), FLOOR)
    return result
