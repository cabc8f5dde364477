"""Scores of predictions: losses by row, so that two models can be compared row by row.

A loss is (n,) and lower is better; its mean is the score. Formulas: Brier (1950); log loss and
pinball loss as in Gneiting and Raftery, Strictly Proper Scoring Rules (2007); QLIKE as in Patton,
Volatility Forecast Comparison Using Imperfect Volatility Proxies (2011); the area under the ROC
curve as the Mann-Whitney statistic; Spearman's rank correlation; the parts of the Brier score as in
Murphy, A New Vector Partition of the Probability Score (1973); CRPS from quantiles as in Gneiting
and Ranjan, Comparing Density Forecasts Using Threshold- and Quantile-Weighted Scoring Rules (2011).
"""

from dataclasses import dataclass

import numpy as np

from bot_runtime.arrays import Counts, Values

QUANTILES = (0.1, 0.5, 0.9)
CRPS_WEIGHTS = (0.3, 0.4, 0.3)
"""Share of all levels that lies nearest to each of QUANTILES."""
BINS = 10
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


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """What was said and what came, in bins of equal counts, each (bins,).

    Attributes:
        predicted: mean probability of the bin's rows.
        observed: share of rises among them.
        rows: how many there are.
    """

    predicted: Values
    observed: Values
    rows: Counts


def reliability_curve(probability: Values, up: Values, bins: int = BINS) -> ReliabilityCurve:
    """Return the reliability curve of probabilities (n,); equal ones share a bin, none is empty."""
    edges = np.unique(np.quantile(probability, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    _, place = np.unique(np.searchsorted(edges, probability, side="left"), return_inverse=True)
    rows = np.bincount(place)
    return ReliabilityCurve(
        np.bincount(place, probability) / rows, np.bincount(place, up) / rows, rows
    )


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Brier score = reliability - resolution + uncertainty + within.

    Attributes:
        reliability: mean squared distance of the reliability curve from the diagonal; 0 is best.
        resolution: how far the bins' shares of rises lie apart; higher is better.
        uncertainty: the base rate's own Brier score.
        within: what the bins hide: probabilities that differ within one.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier_parts(probability: Values, up: Values) -> BrierParts:
    """Return Murphy's parts over the bins of the reliability curve."""
    curve, rate = reliability_curve(probability, up), float(np.mean(up))
    share = curve.rows / len(up)
    reliability = float(share @ (curve.predicted - curve.observed) ** 2)
    resolution = float(share @ (curve.observed - rate) ** 2)
    uncertainty = rate * (1.0 - rate)
    whole = float(np.mean(brier(probability, up)))
    return BrierParts(
        reliability, resolution, uncertainty, whole - (reliability - resolution + uncertainty)
    )


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
    return np.asarray(pinball_by_level(quantiles, outcome).mean(axis=1))


def pinball_by_level(quantiles: Values, outcome: Values) -> Values:
    """Return the pinball loss of p10, p50 and p90 of each row: (n, 3), (n,) to (n, 3)."""
    error = outcome[:, None] - quantiles
    levels = np.array(QUANTILES)
    return np.asarray(np.maximum(levels * error, (levels - 1.0) * error))


def crps(quantiles: Values, outcome: Values) -> Values:
    """Return the continuous ranked probability score of each row: (n, 3), (n,) to (n,).

    It is twice the integral of the pinball loss over all levels; each of the three known levels
    stands for those nearest to it (CRPS_WEIGHTS): of a normal distribution that is 7 % low.
    """
    return np.asarray(2.0 * pinball_by_level(quantiles, outcome) @ np.array(CRPS_WEIGHTS))


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


def compare(loss: Values, reference: Values, bar: Counts, horizon_steps: int) -> Comparison:
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
