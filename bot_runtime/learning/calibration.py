"""Fit the numbers that turn raw outputs into honest predictions, on rows no model was fitted to."""

import math

import numpy as np
import numpy.typing as npt

from bot_runtime.arrays import Values
from bot_runtime.store.bundle import TAIL, ConformalBand, Platt, RiskCombination, RiskScale

KNOTS = 101
PRIOR_DEVIATIONS = (0.25, 0.1)
"""Of the slope, and of the logarithm of the odds at the mean score."""
_NEWTON_STEPS = 100


def fit_platt(score: Values, up: Values, horizon_steps: int) -> Platt:
    """Fit the probability of a rise to scores (n,), the logarithm of the odds by the model.

    Platt, Probabilistic Outputs for Support Vector Machines (1999). The horizons of neighbouring
    rows overlap, so each row counts as 1 / horizon_steps of an observation. What is expected
    beforehand, with the standard deviations PRIOR_DEVIATIONS: slope 1, for the model was fitted to
    a log loss already, and even odds at the mean score, for a market that rises and falls. On few
    rows the model is believed in what tells one bar from another, but not where it leans to one
    side on all of them; on many rows the rows are. A negative slope would turn the model round:
    then the share of rises is all that is known.
    """
    middle = float(np.mean(score))
    slope, at_middle = _fit_logistic(score - middle, up, 1.0 / horizon_steps)
    intercept = at_middle - slope * middle
    if slope <= 0:
        share = (np.sum(up) + 1) / (len(up) + 2)
        slope, intercept = 0.0, math.log(share / (1 - share))
    return Platt(slope=slope, intercept=intercept, rows=len(up))


def _fit_logistic(score: Values, up: Values, weight: float) -> tuple[float, float]:
    """Find the most probable slope and intercept by Newton's method; the problem is convex."""
    design = np.column_stack([score, np.ones_like(score)])
    expected, precision = np.array([1.0, 0.0]), np.diag(1 / np.square(PRIOR_DEVIATIONS))
    theta = expected.copy()
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ theta, -30, 30)))
        gradient = weight * (design.T @ (p - up)) + precision @ (theta - expected)
        hessian = weight * (design * (p * (1 - p))[:, None]).T @ design + precision
        step = np.linalg.solve(hessian, gradient)
        theta -= np.clip(step, -1.0, 1.0)
        if np.max(np.abs(step)) < 1e-9:
            break
    return float(theta[0]), float(theta[1])


def fit_band(raw: npt.ArrayLike, outcome: Values) -> ConformalBand:
    """Fit what p10 and p90 have to move so that each tail holds a tenth of the outcomes.

    `raw` (n, 3) and `outcome` (n,) in the model's own unit. Conformalised quantile regression
    (Romano, Patterson, Candes, 2019) with a score for each side: for exchangeable rows at least
    80 % of new outcomes lie in the band. A band that is too wide is narrowed likewise.
    """
    quantiles = np.sort(np.asarray(raw, dtype=np.float64), axis=1)
    below = quantiles[:, 0] - outcome
    above = outcome - quantiles[:, 2]
    return ConformalBand(
        lower=-_conformal_quantile(below),
        upper=_conformal_quantile(above),
        rows=len(outcome),
    )


def _conformal_quantile(scores: Values) -> float:
    n = len(scores)
    position = min(n, math.ceil((n + 1) * (1 - TAIL)))
    return float(np.partition(scores, position - 1)[position - 1])


def fit_risk_scale(predicted: Values, combination: RiskCombination) -> RiskScale:
    """Return the empirical quantiles of combined volatilities (n,), as KNOTS equal steps."""
    knots = tuple(map(float, np.quantile(predicted, np.linspace(0.0, 1.0, KNOTS))))
    return RiskScale(knots=knots, rows=len(predicted), combination=combination)
