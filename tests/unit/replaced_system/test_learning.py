"""What the replaced system did wrong in learning: objectives, leaks, scales, bands."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.features.indicators import FEATURES, compute_features
from bot_runtime.features.volatility import VOLATILITY_CANDLES, realised_volatility
from bot_runtime.learning.calibration import fit_band
from bot_runtime.learning.datasets import TrainingData, build_training_data
from bot_runtime.learning.labels import Labels, compute_labels, to_target
from bot_runtime.scoring import scores
from bot_runtime.serving.outputs import Quantiles, to_quantiles
from bot_runtime.store.bundle import ConformalBand
from tests.unit.bot_runtime.markets import random_candles
from tests.unit.replaced_system.fault import Fault, assert_held_off, each

HORIZON = 5
CANDLES = random_candles(1500)
VOLATILITY = realised_volatility(CANDLES.close, VOLATILITY_CANDLES)
LABELS = compute_labels(CANDLES, HORIZON)
KNOWN = np.flatnonzero(LABELS.known & np.isfinite(VOLATILITY))
RETURNS = LABELS.simple_return[KNOWN]

# Three "different" models had one objective.

ToTarget = Callable[..., Any]


def check_objectives_differ(target_of: ToTarget) -> None:
    found = [target_of(o, LABELS, VOLATILITY, HORIZON)[KNOWN] for o in OBJECTIVES]
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            alike = scores.rank_correlation(one, other)
            assert alike < 0.95, f"two objectives are one, rank correlation {alike:.2f}"
    trend, quantity, risk = found
    assert set(trend) == {0.0, 1.0}, "the trend is no direction"
    assert np.array_equal(quantity > 0, RETURNS > 0), "the return has lost its sign"
    assert (risk > 0).all(), "the risk is no variance"


# The target was scaled, and predictions were never scaled back: "a return of -43 %".

ToQuantiles = Callable[..., Quantiles]


def check_predictions_are_returns(finish: ToQuantiles) -> None:
    target = to_target("Return", LABELS, VOLATILITY, HORIZON)[KNOWN]
    raw, margin = np.column_stack([target] * 3), ConformalBand(lower=0, upper=0, rows=0)
    p50 = finish(raw, margin, VOLATILITY[KNOWN], HORIZON).p50
    worst = float(np.max(np.abs(p50 - RETURNS)))
    assert worst < 1e-12, f"a prediction is {worst:.2f} off the return that it means"


# Labels leaked into the features: an accuracy of 1.000, then a KeyError at inference.

Build = Callable[..., TrainingData]


def random_labels(candles: Any, horizon_steps: int, *_: Any) -> Labels:
    """Return labels that say nothing, where the real ones are known."""
    real, draw = compute_labels(candles, horizon_steps), np.random.default_rng(5)
    noise = draw.normal(size=len(candles)) + 0 * real.simple_return
    up = np.where(noise > 0, 1.0, 0.0)
    return replace(real, simple_return=noise, variance=noise**2, up=up)


def check_labels_are_no_features(build: Build) -> None:
    honest = build({"BTC/USDT": CANDLES}, HORIZON, 1)
    with mock.patch("bot_runtime.learning.datasets.compute_labels", random_labels):
        corrupted = build({"BTC/USDT": CANDLES}, HORIZON, 1)
    assert not np.array_equal(honest.labels.up, corrupted.labels.up), "no label was corrupted"
    same = np.array_equal(honest.features, corrupted.features, equal_nan=True)
    assert same, "features follow the labels"
    assert honest.features.shape[1] == len(FEATURES), "there are columns beside the features"
    served = compute_features(CANDLES)
    assert np.array_equal(honest.features, served, equal_nan=True), "inference has others"


def build_with_label_column(*args: Any) -> TrainingData:
    """Return training data that has the answer as one more column."""
    data = build_training_data(*args)
    return replace(data, features=np.column_stack([data.features, data.labels.simple_return]))


def build_with_label_in_a_feature(*args: Any) -> TrainingData:
    """Return training data that has the answer in place of a feature."""
    data = build_training_data(*args)
    features = data.features.copy()
    features[:, 0] += data.labels.simple_return
    return replace(data, features=features)


# Bands that were to hold 80 % held 64 %.

FitBand = Callable[..., ConformalBand]


def check_coverage(fit: FitBand) -> None:
    outcome = np.random.default_rng(3).normal(size=20_000)
    narrow = np.tile([-0.9154, 0.0, 0.9154], (len(outcome), 1))  # 18 % of a normal beyond each
    raw = scores.coverage(narrow[:, 0], narrow[:, 2], outcome)
    assert abs(raw - 0.64) < 0.02
    band, unseen = fit(narrow[::2], outcome[::2]), np.ones(len(outcome) // 2)
    found = to_quantiles(narrow[1::2], band, unseen, 1)
    covered = scores.coverage(found.p10, found.p90, np.expm1(outcome[1::2]))
    assert abs(covered - 0.80) <= 0.03, f"p10 to p90 cover {covered:.2f}"


@each(
    Fault(
        "three models on one objective",
        check_objectives_differ,
        to_target,
        lambda _, *args: to_target("Trend", *args),
        "two objectives are one",
    ),
    Fault(
        "target never scaled back",
        check_predictions_are_returns,
        to_quantiles,
        lambda raw, band, volatility, _: to_quantiles(raw, band, np.ones_like(volatility), 1),
        "off the return that it means",
    ),
    Fault(
        "labels as a feature",
        check_labels_are_no_features,
        build_training_data,
        build_with_label_column,
        "features follow the labels",
    ),
    Fault(
        "labels within a feature",
        check_labels_are_no_features,
        build_training_data,
        build_with_label_in_a_feature,
        "features follow the labels",
    ),
    Fault(
        "bands that cover 64 %",
        check_coverage,
        fit_band,
        lambda _, outcome: ConformalBand(lower=0, upper=0, rows=len(outcome)),
        "p10 to p90 cover 0.64",
    ),
)
def test_learning(fault: Fault[Any]) -> None:
    assert_held_off(fault)
