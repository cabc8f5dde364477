"""Fit the frozen numbers of the risk forecast (serving/risk_combination.py) by QLIKE."""

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.features.sequences import RawOutputs
from bot_runtime.learning.datasets import Splits, TrainingData
from bot_runtime.learning.labels import to_target
from bot_runtime.serving.outputs import LOG_RATIO_LIMIT, to_volatility
from bot_runtime.serving.risk_combination import CURRENT, har_logarithms, har_terms_at
from bot_runtime.store.bundle import RiskCombination

_ROUNDS = 300
_NEWTON_STEPS = 100
_RIDGE = 1e-3
"""Spans that all move as one share their part; of any other market it moves nothing."""


def out_of_sample(splits: Splits) -> Rows:
    """Return the rows before the test slice that no model was fitted to, by time."""
    return np.concatenate([splits.selection, splits.calibration])


def fit_combination(learned: RawOutputs, data: TrainingData, splits: Splits) -> RiskCombination:
    """Fit HAR to all rows before the test slice, and the learned model's level out of sample.

    `learned` are raw outputs of Risk at rows of `data`.
    """
    target = to_target("Risk", data.labels, data.volatility, data.horizon_steps)
    before, unseen = splits.before_test, out_of_sample(splits)
    terms = har_terms_at(data.closes, before)
    current = terms[:, CURRENT]
    design = np.column_stack([np.full(len(before), current.mean()), terms]) / current[:, None]
    shares = _fit_shares(design, target[before])
    ratio = target[unseen] / to_volatility(learned.at(unseen), np.ones(len(unseen))) ** 2
    limits = -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT
    return RiskCombination(
        level=float(np.clip(np.log(ratio.mean()), *limits)),
        variances=(float(shares[0] * current.mean()), *map(float, shares[1:])),
        logarithms=tuple(map(float, _fit_logarithms(har_logarithms(terms), target[before]))),
    )


def _fit_shares(design: Values, ratio: Values) -> Values:
    """Return the shares (k,), none negative, by which a sum of `design` (n, k) has least QLIKE.

    Each round multiplies them by the root of the ratio of the gradient's two parts, which never
    raises the loss (Fevotte and Idier, Algorithms for Nonnegative Matrix Factorization with the
    beta-divergence, 2011: QLIKE is theirs of beta = 0).
    """
    shares = np.full(design.shape[1], 1.0 / design.shape[1])
    for _ in range(_ROUNDS):
        told = design @ shares
        shares *= np.sqrt((design.T @ (ratio / told**2)) / (design.T @ (1.0 / told)))
    return shares


def _fit_logarithms(design: Values, ratio: Values) -> Values:
    """Return the weights (k,) by which exp(design @ weights) has least QLIKE; Newton's method."""
    weights = np.zeros(design.shape[1])
    weights[CURRENT] = np.log(ratio.mean())
    for _ in range(_NEWTON_STEPS):
        left = ratio * np.exp(-np.clip(design @ weights, -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT))
        gradient = design.T @ (1.0 - left) / len(ratio)
        curvature = (design * left[:, None]).T @ design / len(ratio)
        step = np.linalg.solve(curvature + _RIDGE * np.eye(len(weights)), gradient)
        weights -= np.clip(step, -1.0, 1.0)
        if np.max(np.abs(step)) < 1e-9:
            break
    return weights
