"""Volatility that is known at a candle's close: the unit in which models see future returns."""

import numpy as np

from bot_runtime.arrays import Values

VOLATILITY_CANDLES = 60
"""Log returns that the current volatility spans."""
FLOOR = 1e-6
"""Least volatility of a candle, a hundredth of a basis point: a market that stands still."""
LEAST_VARIANCE_RATIO = 1e-4
"""Least share of the current variance that a horizon counts as: a gamma loss needs more than 0."""


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
