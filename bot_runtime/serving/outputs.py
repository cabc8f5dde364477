"""From the raw outputs of the models to predictions in their units; numpy alone.

The same functions finish a served prediction and the trained model's own, so that a comparison of
the two is one of the graphs. Raw outputs, float32 or float64:

    Trend   (n, 1)  score, the logarithm of the odds of a rise before calibration
    Return  (n, 3)  p10, p50, p90 of the log return in units of the volatility over the horizon
    Risk    (n, 1)  logarithm of the horizon's variance relative to the current variance
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot_runtime.arrays import Values
from bot_runtime.store.bundle import ConformalBand, Platt, RiskScale

SCORE_LIMIT = 15.0
"""Scores beyond this are cut: no probability closer to 0 or 1 than 3e-7 is believed."""
LOG_RATIO_LIMIT = 10.0
"""Logarithms of a variance ratio beyond this are cut: exp(10) is 22,000 times."""

LEAST_SPREAD = 0.05
"""Relative spread of a training window's risks below which no row is riskier than another.

A pegged or dead market: its ranks would be those of a graph's rounding, float32's on the logarithm.
"""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """p10 <= p50 <= p90 of the simple return over the horizon, each (n,)."""

    p10: Values
    p50: Values
    p90: Values


def to_probability(raw: npt.ArrayLike, calibration: Platt) -> Values:
    """Return the probability of a rise, (n,)."""
    score = _column(raw)
    argument = calibration.slope * score + calibration.intercept
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(argument, -SCORE_LIMIT, SCORE_LIMIT))))


def to_quantiles(
    raw: npt.ArrayLike, band: ConformalBand, volatility: Values, horizon_steps: int
) -> Quantiles:
    """Return the quantiles as simple returns, in order whatever the model said.

    `volatility` (n,) is one candle's, at the decision; the horizon's is sqrt(steps) of it.
    """
    low, middle, high = np.sort(np.asarray(raw, dtype=np.float64), axis=1).T
    unit = volatility * np.sqrt(horizon_steps)
    return Quantiles(
        p10=np.expm1(np.minimum(low + band.lower, middle) * unit),
        p50=np.expm1(middle * unit),
        p90=np.expm1(np.maximum(high + band.upper, middle) * unit),
    )


def to_volatility(raw: npt.ArrayLike, volatility: Values) -> Values:
    """Return the predicted volatility of one candle over the horizon, (n,), positive."""
    log_ratio = np.clip(_column(raw), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
    return np.asarray(volatility * np.exp(0.5 * log_ratio))


def to_risk_score(predicted: Values, scale: RiskScale) -> Values:
    """Return the share of training-window rows with a lower predicted risk, (n,) in [0, 1].

    A half for every row of a market whose risk is the same throughout.
    """
    if scale.knots[-1] <= scale.knots[0] * (1.0 + LEAST_SPREAD):
        return np.full(len(predicted), 0.5)
    knots, first = np.unique(np.asarray(scale.knots), return_index=True)
    shares = np.linspace(0.0, 1.0, len(scale.knots))[first]
    return np.interp(predicted, knots, shares, right=1.0)


def _column(raw: npt.ArrayLike) -> Values:
    return np.asarray(raw, dtype=np.float64).reshape(-1)
