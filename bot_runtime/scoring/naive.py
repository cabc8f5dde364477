"""Naive forecasts: what anybody could say without a model, and what a model has to beat.

Formulas alone; what a forecast is fitted to stands in evaluation/references.py.

    Trend    the base rate of rises
    Return   the quantiles of past returns, as they are and scaled by the current volatility
    Risk     EWMA, and HAR: a regression on the variances of three spans
"""

from typing import Final

import numpy as np

from bot_runtime.arrays import Values

HAR_SPANS: Final = (5, 20, 60)
"""Candles of the short, the middle and the long variance."""
_LEAST_SHARE: Final = 1e-2
"""Of the current variance: a regression's forecast below is cut, since a variance is positive."""


def base_rate(share: float, rows: int) -> Values:
    """Return the share of rises, for each row: (rows,)."""
    return np.full(rows, share)


def constant_quantiles(quantiles: Values, rows: int) -> Values:
    """Return the quantiles (3,) of past returns, for each row: (rows, 3)."""
    return np.tile(quantiles, (rows, 1))


def scaled_quantiles(quantiles: Values, volatility: Values) -> Values:
    """Return quantiles (3,) in units of the volatility, scaled back by that of each row: (n, 3)."""
    return np.outer(volatility, quantiles)


def ewma_volatility(closes: Values, least: float, decay: float = 0.94) -> Values:
    """Return the exponentially weighted volatility at each row: (n,) to (n,), NaN at row 0.

    RiskMetrics (1996): variance[t] = decay * variance[t - 1] + (1 - decay) * log_return[t] ** 2,
    started at the first squared return. No volatility is below `least`.
    """
    result = np.full(len(closes), np.nan)
    variance = np.nan
    for t, square in enumerate(np.diff(np.log(closes)) ** 2, start=1):
        variance = square if t == 1 else decay * variance + (1 - decay) * square
        result[t] = max(np.sqrt(variance), least)
    return result


def har_design(variances: Values, constant: float) -> Values:
    """Return the regressors (n, 4) of HAR: a constant, and the variances (n, 3) of HAR_SPANS."""
    return np.column_stack([np.full(len(variances), constant), variances])


def har_variance(coefficients: Values, design: Values, current: Values) -> Values:
    """Return the heterogeneous autoregression's variance of one candle at each row: (n,).

    Corsi, A Simple Approximate Long-Memory Model of Realized Volatility (2009). `coefficients` (4,)
    belong to the columns of `har_design` (n, 4); the variance `current` (n,) is that of the close.
    """
    return np.maximum(design @ coefficients, _LEAST_SHARE * current)
