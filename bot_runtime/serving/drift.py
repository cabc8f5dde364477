"""Drift: whether the market that is traded is still the one that a version was judged on. Pure.

What inference sees is counted in the bins of a reference, which are the tenths of the candles that
the version was judged on. Two questions are asked of the newest window of rows:

- Are features and predictions distributed as they were? Population stability index, PSI, of shares
  a now and e of the reference over the bins: sum of (a - e) * ln(a / e) (Siddiqi, Credit Risk
  Scorecards, 2006, where 0.25 is a major shift). A week of a market always differs from months of
  it, so the limit of a version is the largest PSI that a window of its own history had.
- Do probabilities still come true? The score test of logit(P(rise)) = intercept + slope * logit(p)
  at intercept 0 and slope 1 (Cox, Two Further Applications of a Model for Binary Regression, 1958):
  U' I^-1 U with the score U and the information I, over the candles of a horizon, for neighbouring
  horizons overlap; chi-squared with two degrees of freedom.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bot_runtime.arrays import Counts, Values
from bot_runtime.contract.base import Model
from bot_runtime.contract.signal import Drift

BINS: Final = 10
BLOCKS: Final = 7
"""Blocks of rows in a window; the oldest one leaves as a new one begins."""
PSI_LIMIT: Final = 0.25
"""No limit is lower."""
LEAST_HORIZONS: Final = 30
"""Fewest horizons, one after the other, that say something of probabilities."""
PREDICTIONS: Final = ("prob_up", "p50", "band_width", "risk_score")
NAMED: Final = 3
"""Features that a signal names: those that have moved farthest."""
_SMOOTHING: Final = 0.5
"""Added to every count (Jeffreys' prior), so that an empty bin has a logarithm."""
CALIBRATION_LIMIT: Final = 13.8
"""99.9 % quantile of chi-squared with two degrees of freedom, -2 ln 0.001."""
_LEAST_ODDS: Final = 1e-6
"""Probabilities closer to 0 or 1 count as so far from it."""


class Column(Model):
    """One feature or prediction: edges between its bins, and how many rows lay in each."""

    name: str
    edges: tuple[float, ...] = Field(min_length=BINS - 1, max_length=BINS - 1)
    counts: tuple[int, ...] = Field(min_length=BINS, max_length=BINS)


class Reference(Model):
    """What one symbol's rows were like on the candles that the version was judged on.

    Attributes:
        block_rows: rows of a block; a window has BLOCKS of them.
        columns: the features, then PREDICTIONS.
        feature_limit: largest mean PSI over the features that passes; `prediction_limit` likewise.
    """

    block_rows: int = Field(ge=1)
    columns: tuple[Column, ...] = Field(min_length=len(PREDICTIONS) + 1)
    feature_limit: float
    prediction_limit: float

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


class Block(Model):
    """Rows in a stretch of time: how many lay in each bin, and how their probabilities came true.

    Attributes:
        counts: by column and bin.
        outcomes: known ones of probabilities p, with y = 1 for a rise and l = logit(p).
        score: sums of y - p and (y - p) * l.
        information: sums of p * (1 - p), of that times l, and of that times l^2.
    """

    rows: int = 0
    counts: tuple[tuple[int, ...], ...]
    outcomes: int = 0
    score: tuple[float, float] = (0.0, 0.0)
    information: tuple[float, float, float] = (0.0, 0.0, 0.0)


def bin_rows(edges: npt.ArrayLike, rows: Values) -> Counts:
    """Return the bins of rows (n, C) between edges (C, BINS - 1): (n, C), 0 to BINS - 1."""
    columns = zip(np.asarray(edges, dtype=np.float64), rows.T, strict=True)
    return np.stack([np.searchsorted(e, c, side="right") for e, c in columns], axis=1)


def count_bins(bins: Counts) -> Counts:
    """Return how many rows of (n, C) lie in each bin: (C, BINS)."""
    return np.stack([np.sum(bins == i, axis=0) for i in range(BINS)], axis=1)


def stability(reference: npt.ArrayLike, window: npt.ArrayLike) -> Values:
    """Return the PSI of every column from two tables of counts (..., C, BINS): (..., C)."""
    expected, actual = _shares(reference), _shares(window)
    return np.asarray(np.sum((actual - expected) * np.log(actual / expected), axis=-1))


def _shares(counts: npt.ArrayLike) -> Values:
    smoothed = np.asarray(counts, dtype=np.float64) + _SMOOTHING
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True))


def add_row(blocks: tuple[Block, ...], bins: Counts, block_rows: int) -> tuple[Block, ...]:
    """Return the blocks with one row's bins (C,), the oldest block left out where one begins."""
    if not blocks or blocks[-1].rows >= block_rows:
        blocks = (*blocks, Block(counts=((0,) * BINS,) * len(bins)))[-BLOCKS:]
    newest = blocks[-1]
    counts = np.asarray(newest.counts)
    counts[np.arange(len(bins)), bins] += 1
    update = {"rows": newest.rows + 1, "counts": _nested(counts)}
    return (*blocks[:-1], newest.model_copy(update=update))


def add_outcome(blocks: tuple[Block, ...], prob_up: float, *, rose: bool) -> tuple[Block, ...]:
    """Return the blocks with the outcome of a probability; there is one at least."""
    newest = blocks[-1]
    p = min(max(prob_up, _LEAST_ODDS), 1.0 - _LEAST_ODDS)
    logit = math.log(p / (1.0 - p))
    powers = np.array([1.0, logit, logit**2])
    score = np.asarray(newest.score) + (rose - p) * powers[:2]
    information = np.asarray(newest.information) + p * (1.0 - p) * powers
    update = {
        "outcomes": newest.outcomes + 1,
        "score": tuple(score.tolist()),
        "information": tuple(information.tolist()),
    }
    return (*blocks[:-1], newest.model_copy(update=update))


def judge_drift(
    reference: Reference, blocks: tuple[Block, ...], horizon_steps: int
) -> Drift | None:
    """Return what the blocks say; None before a window is there but for its newest block."""
    rows = sum(block.rows for block in blocks)
    if rows < (BLOCKS - 1) * reference.block_rows:
        return None
    counts = np.sum([block.counts for block in blocks], axis=0)
    psi = stability([column.counts for column in reference.columns], counts)
    features, predictions = psi[: -len(PREDICTIONS)], psi[-len(PREDICTIONS) :]
    farthest = np.argsort(features)[::-1][:NAMED]
    return Drift(
        rows=rows,
        feature_psi=float(np.mean(features)),
        feature_limit=reference.feature_limit,
        prediction_psi=float(np.mean(predictions)),
        prediction_limit=reference.prediction_limit,
        calibration=_calibration(blocks, horizon_steps),
        calibration_limit=CALIBRATION_LIMIT,
        features=tuple(reference.names[i] for i in farthest),
    )


def _calibration(blocks: tuple[Block, ...], horizon_steps: int) -> float | None:
    """Return the score test's statistic; None where outcomes are too few."""
    if sum(block.outcomes for block in blocks) < LEAST_HORIZONS * horizon_steps:
        return None
    score = np.sum([block.score for block in blocks], axis=0)
    whole, mixed, square = np.sum([block.information for block in blocks], axis=0)
    # Not the inverse: where every probability is the same there is no slope to test.
    inverse = np.linalg.pinv([[whole, mixed], [mixed, square]], rcond=1e-9, hermitian=True)
    return float(score @ inverse @ score / horizon_steps)


def _nested(counts: Counts) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in counts.tolist())
