"""How much of a choice among variants is luck.

Bailey and Lopez de Prado, The Deflated Sharpe Ratio (2014); Bailey, Borwein, Lopez de Prado and
Zhu, The Probability of Backtest Overfitting (2017).
"""

import itertools
import math
from statistics import NormalDist

import numpy as np

from bot_runtime.arrays import Values

_EULER = 0.5772156649015329
_NORMAL = NormalDist()
BLOCKS = 10
"""Stretches that are combined; C(10, 5) = 252 ways to halve them."""


def sharpe_ratio(returns: Values) -> float:
    """Return mean over standard deviation of returns (n,), not annualised; 0 where none moved."""
    deviation = float(np.std(returns))
    return float(np.mean(returns)) / deviation if deviation > 0 else 0.0


def expected_best_sharpe(trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of `trials` variants without skill is expected to have.

    `variance` is that of the variants' Sharpe ratios.
    """
    if trials < 2:
        return 0.0
    high = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    higher = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * high + _EULER * higher)


def deflated_sharpe(returns: Values, trials: int, variance: float | None = None) -> float:
    """Return the probability that the true Sharpe ratio is above what luck gives the best trial.

    `returns` (n,) are those of the chosen variant out of `trials`; `variance` is that of the
    trials' Sharpe ratios, unset the one of variants without skill, 1 / n. NaN where nothing moved.
    """
    n, deviation = len(returns), float(np.std(returns))
    if n < 3 or deviation == 0:
        return float("nan")
    found = sharpe_ratio(returns)
    standard = (returns - returns.mean()) / deviation
    skewness, kurtosis = float(np.mean(standard**3)), float(np.mean(standard**4))
    luck = expected_best_sharpe(trials, 1.0 / n if variance is None else variance)
    spread = 1.0 - skewness * found + (kurtosis - 1.0) / 4.0 * found**2
    return _NORMAL.cdf((found - luck) * math.sqrt(n - 1) / math.sqrt(max(spread, 1e-12)))


def probability_of_overfitting(performance: Values, blocks: int = BLOCKS) -> float:
    """Return how often the variant that is best in one half of time is below the median elsewhere.

    `performance` (n, variants), higher is better, rows in time order: returns, or losses with their
    sign turned. Combinatorially symmetric cross-validation by the mean. Half is what pure luck
    gives; NaN with one variant or fewer rows than blocks.
    """
    n, variants = performance.shape
    if variants < 2 or n < blocks:
        return float("nan")
    means = np.stack([part.mean(axis=0) for part in np.array_split(performance, blocks)])
    below = 0.0
    halves = list(itertools.combinations(range(blocks), blocks // 2))
    for inside in halves:
        outside = np.setdiff1d(np.arange(blocks), inside)
        best = int(np.argmax(means[list(inside)].mean(axis=0)))
        elsewhere = means[outside].mean(axis=0)
        others = np.delete(elsewhere, best)
        # Relative rank: the share of the others that it beats, ties counting half.
        rank = np.mean((others < elsewhere[best]) + 0.5 * (others == elsewhere[best]))
        below += 1.0 if rank < 0.5 else 0.5 if rank == 0.5 else 0.0
    return below / len(halves)
