"""Scores of predictions: losses by row, so that two models can be compared row by row.

A loss is (n,) and lower is better; its mean is the score. Formulas: Brier (1950); log loss and
pinball loss as in Gneiting and Raftery, Strictly Proper Scoring Rules (2007); QLIKE as in Patton,
Volatility Forecast Comparison Using Imperfect Volatility Proxies (2011); the area under the ROC
curve as the Mann-Whitney statistic; Spearman's rank correlation.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)
PROBABILITY_FLOOR = 1e-7
BLOCK_HORIZONS = 4
"""A block of the paired comparison spans this many horizons, so that labels hardly overlap it."""


def log_loss(probability: Values, up: Values) -> Values:
    """Return the negative log likelihood of each outcome, (n,)."""
    p = np.clip(probability, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
    return -(up * np.log(p) + (1.0 - up) * np.log(1.0 - p))


def brier(probability: Values, up: Values) -> Values:
    """Return the squared error of each probability, (n,)."""
    return (probability - up) ** 2


def auc(score: Values, up: Values) -> float:
    """Return the chance that a rise scores above a fall, ties counting half; NaN with one class."""
    rises = int(np.sum(up > 0))
    falls = len(up) - rises
    if not rises or not falls:
        return float("nan")
    ranks = rank(score)
    return float((np.sum(ranks[up > 0]) - rises * (rises + 1) / 2) / (rises * falls))


def pinball(quantiles: Values, outcome: Values) -> Values:
    """Return the mean pinball loss over p10, p50, p90 of each row: (n, 3), (n,) to (n,)."""
    error = outcome[:, None] - quantiles
    levels = np.array(QUANTILES)
    return np.asarray(np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1))


def coverage(low: Values, high: Values, outcome: Values) -> float:
    """Return the share of outcomes within [low, high]."""
    return float(np.mean((outcome >= low) & (outcome <= high)))


def qlike(variance: Values, outcome: Values) -> Values:
    """Return outcome / forecast - log(outcome / forecast) - 1 of each variance, (n,)."""
    ratio = outcome / variance
    return ratio - np.log(ratio) - 1.0


def rank(values: Values) -> Values:
    """Return ranks from 1, ties sharing their mean, (n,)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


def rank_correlation(a: Values, b: Values) -> float:
    """Return Spearman's correlation; NaN where either is constant."""
    ranks = rank(a), rank(b)
    if min(np.ptp(ranks[0]), np.ptp(ranks[1])) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired comparison: how much lower one model's mean loss is, and how sure that is.

    Attributes:
        gain: mean loss of the reference minus mean loss of the model; positive is better.
        standard_error: of `gain`, from means of blocks.
        blocks: how many blocks it comes from.
    """

    gain: float
    standard_error: float
    blocks: int


def compare(
    loss: Values, reference: Values, bar: npt.NDArray[np.int64], horizon_steps: int
) -> Comparison:
    """Compare two models on the same rows; `bar` (n,) numbers each row's candle in time.

    Labels of neighbouring rows overlap and symbols move together, so rows are no independent
    draws. All rows of a stretch of BLOCK_HORIZONS horizons become one block; the blocks' means are
    nearly independent, and their spread gives the standard error (batch means).
    """
    difference = reference - loss
    block = (bar - bar.min()) // (BLOCK_HORIZONS * horizon_steps)
    _, inverse, sizes = np.unique(block, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=difference) / sizes
    gain = float(np.mean(difference))
    if len(sizes) < 2:
        return Comparison(gain, float("inf"), len(sizes))
    weights = sizes / sizes.sum()
    variance = np.sum(weights**2 * (means - gain) ** 2) * len(sizes) / (len(sizes) - 1)
    return Comparison(gain, float(np.sqrt(variance)), len(sizes))
