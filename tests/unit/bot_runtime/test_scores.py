"""Scores against values by hand and against scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from bot_runtime.scoring import scores


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(3)


def test_scores_of_a_probability_agree_with_scikit_learn(draw: np.random.Generator) -> None:
    p = np.round(draw.uniform(0.01, 0.99, 400), 2)  # rounded, so that there are ties
    up = (draw.uniform(size=400) < p).astype(float)
    assert scores.log_loss(p, up).mean() == pytest.approx(metrics.log_loss(up, p))
    assert scores.brier(p, up).mean() == pytest.approx(metrics.brier_score_loss(up, p))
    assert scores.auc(p, up) == pytest.approx(metrics.roc_auc_score(up, p))


def test_pinball_agrees_with_scikit_learn(draw: np.random.Generator) -> None:
    outcome, quantiles = draw.normal(size=300), draw.normal(size=(300, 3))
    wanted = np.mean(
        [
            metrics.mean_pinball_loss(outcome, quantiles[:, i], alpha=level)
            for i, level in enumerate(scores.QUANTILES)
        ]
    )
    assert scores.pinball(quantiles, outcome).mean() == pytest.approx(wanted)


def test_reliability_curve_agrees_with_scikit_learn(draw: np.random.Generator) -> None:
    p = draw.uniform(size=1000)
    up = (draw.uniform(size=1000) < p**2).astype(float)
    curve = scores.reliability_curve(p, up)
    observed, predicted = calibration_curve(up, p, n_bins=scores.BINS, strategy="quantile")
    assert curve.observed == pytest.approx(observed, abs=0.011)  # a row at an edge may differ
    assert curve.predicted == pytest.approx(predicted, abs=0.002)
    assert curve.rows.sum() == 1000


def test_parts_of_the_brier_score_tell_a_bias_from_a_lack_of_skill(
    draw: np.random.Generator,
) -> None:
    p = np.repeat([0.2, 0.8], 20_000)
    up = (draw.uniform(size=40_000) < p).astype(float)
    honest, biased, blind = (
        scores.brier_parts(q, up) for q in (p, p + 0.1, np.full(40_000, up.mean()))
    )
    assert honest.reliability == pytest.approx(0, abs=1e-4)
    assert biased.reliability == pytest.approx(0.01, abs=1e-3)
    assert honest.resolution == biased.resolution == pytest.approx(0.09, abs=4e-3)
    assert blind.resolution == pytest.approx(0)
    for q, parts in ((p, honest), (p + 0.1, biased)):
        whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
        assert whole == pytest.approx(scores.brier(q, up).mean())
        assert parts.within == pytest.approx(0, abs=1e-12)


def test_crps_of_three_quantiles_is_near_that_of_the_distribution(
    draw: np.random.Generator,
) -> None:
    """Of a standard normal at 0 and in the mean: (sqrt 2 - 1) / sqrt pi and 1 / sqrt pi."""
    normal = np.array([[-1.2815515655, 0.0, 1.2815515655]])
    at_zero = scores.crps(normal, np.zeros(1))[0]
    assert at_zero == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), rel=0.35)
    fresh = draw.normal(size=50_000)
    found = scores.crps(np.repeat(normal, 50_000, axis=0), fresh).mean()
    assert found == pytest.approx(1 / np.sqrt(np.pi), rel=0.08)  # three quantiles see 7 % less
    wide = scores.crps(np.repeat(3 * normal, 50_000, axis=0), fresh).mean()
    assert wide > found


def test_auc_of_one_class_is_not_a_number() -> None:
    assert np.isnan(scores.auc(np.array([0.1, 0.9]), np.array([1.0, 1.0])))


def test_qlike_is_zero_for_the_truth_and_lowest_there(draw: np.random.Generator) -> None:
    outcome = draw.gamma(3, 1, 50_000)
    assert scores.qlike(outcome, outcome) == pytest.approx(np.zeros(50_000))
    by_constant = [scores.qlike(np.full(50_000, c), outcome).mean() for c in (2.5, 3.0, 3.5)]
    assert np.argmin(by_constant) == 1


def test_rank_correlation_of_any_growing_function_is_one(draw: np.random.Generator) -> None:
    x = draw.normal(size=50)
    assert scores.rank_correlation(x, np.exp(x)) == pytest.approx(1.0)
    assert np.isnan(scores.rank_correlation(x, np.ones(50)))


def test_ranks_of_ties_are_their_mean() -> None:
    assert scores.rank(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_standard_error_counts_overlapping_rows_once(draw: np.random.Generator) -> None:
    """The mean of 3,000 copies of 150 numbers is known no better than that of the 150."""
    independent = draw.normal(size=150)
    horizon = 5
    repeated = np.repeat(independent, scores.BLOCK_HORIZONS * horizon)
    bar = np.arange(len(repeated))
    found = scores.compare(np.zeros(len(bar)), repeated, bar, horizon)
    assert found.gain == pytest.approx(independent.mean())
    assert found.blocks == 150
    assert found.standard_error == pytest.approx(independent.std(ddof=1) / np.sqrt(150), rel=1e-6)


def test_symbols_of_one_stretch_are_one_block() -> None:
    bar = np.tile(np.arange(100), 2)
    assert scores.compare(np.zeros(200), np.ones(200), bar, 5).blocks == 5


def test_one_block_says_nothing() -> None:
    found = scores.compare(np.zeros(4), np.ones(4), np.arange(4), 5)
    assert found.standard_error == float("inf")
