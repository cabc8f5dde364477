"""Calibration: probabilities that mean what they say, bands that hold what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bot_runtime.learning.calibration import KNOTS, fit_band, fit_platt, fit_risk_scale
from bot_runtime.scoring import scores
from bot_runtime.serving.outputs import to_probability, to_quantiles, to_risk_score
from bot_runtime.store.bundle import ConformalBand, Platt, RiskScale
from tests.unit.bot_runtime.markets import COMBINATION


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(5)


def test_overconfident_scores_are_drawn_in(draw: np.random.Generator) -> None:
    truth = draw.normal(0, 1, 20_000)
    up = (draw.uniform(size=20_000) < 1 / (1 + np.exp(-truth))).astype(float)
    found = fit_platt(3 * truth + 1, up, horizon_steps=1)
    assert found.slope == pytest.approx(1 / 3, abs=0.02)
    assert found.intercept == pytest.approx(-1 / 3, abs=0.05)
    raw = (3 * truth + 1)[:, None]
    calibrated = scores.log_loss(to_probability(raw, found), up).mean()
    as_is = scores.log_loss(to_probability(raw, Platt(slope=1, intercept=0, rows=0)), up).mean()
    assert calibrated < as_is - 0.1


def test_few_rows_leave_the_model_nearly_as_it_is(draw: np.random.Generator) -> None:
    truth = draw.normal(0, 1, 60)
    up = (truth > 0).astype(float)  # as if the scores were perfect
    found = fit_platt(truth, up, horizon_steps=30)
    assert 1.0 < found.slope < 1.3


def test_model_that_leans_to_one_side_is_not_believed_in_that(draw: np.random.Generator) -> None:
    leaning = draw.normal(-0.5, 0.3, 600)
    up = (draw.uniform(size=600) < 0.5).astype(float)
    found = fit_platt(leaning, up, horizon_steps=15)
    assert found.slope == pytest.approx(1, abs=0.2)
    assert np.mean(to_probability(leaning[:, None], found)) == pytest.approx(0.5, abs=0.03)


def test_scores_that_point_the_wrong_way_are_not_turned_round(draw: np.random.Generator) -> None:
    truth = draw.normal(0, 2, 20_000)
    up = (draw.uniform(size=20_000) < 0.7 / (1 + np.exp(truth))).astype(float)
    found = fit_platt(truth, up, horizon_steps=1)
    assert found.slope == 0
    share = to_probability(truth[:, None], found)
    assert share == pytest.approx(np.full(20_000, up.mean()), abs=1e-3)


def test_band_holds_eight_of_ten_new_outcomes(draw: np.random.Generator) -> None:
    narrow = np.tile([-0.5, 0.0, 0.5], (4000, 1))
    band = fit_band(narrow, draw.standard_t(4, 4000))
    found = to_quantiles(narrow, band, np.ones(4000), 1)
    fresh = np.expm1(draw.standard_t(4, 4000))
    assert scores.coverage(found.p10, found.p90, fresh) == pytest.approx(0.8, abs=0.02)
    assert np.mean(fresh < found.p10) == pytest.approx(0.1, abs=0.015)


def test_band_that_is_too_wide_is_narrowed(draw: np.random.Generator) -> None:
    band = fit_band(np.tile([-9.0, 0.0, 9.0], (2000, 1)), draw.normal(size=2000))
    assert band.lower > 7
    assert band.upper < -7


@given(
    raw=hnp.arrays(np.float64, (7, 3), elements=st.floats(-50, 50)),
    lower=st.floats(-100, 100),
    upper=st.floats(-100, 100),
)
def test_quantiles_are_in_order_whatever_the_model_says(
    raw: np.ndarray, lower: float, upper: float
) -> None:
    band = ConformalBand(lower=lower, upper=upper, rows=1)
    found = to_quantiles(raw, band, np.full(7, 0.01), 5)
    assert (found.p10 <= found.p50).all()
    assert (found.p50 <= found.p90).all()


def test_risk_score_is_the_share_of_calmer_rows(draw: np.random.Generator) -> None:
    predicted = draw.gamma(3, 0.001, 30_000)
    scale = fit_risk_scale(predicted, COMBINATION)
    assert scale.combination is COMBINATION
    assert len(scale.knots) == KNOTS
    asked = np.quantile(predicted, [0.005, 0.25, 0.5, 0.995])
    wanted = [np.mean(predicted < value) for value in asked]
    assert to_risk_score(asked, scale) == pytest.approx(wanted, abs=0.006)
    beyond = np.array([predicted.min() / 2, predicted.max() * 2])
    assert to_risk_score(beyond, scale).tolist() == [0, 1]


def test_risk_score_of_equal_predictions_is_the_share_below_them() -> None:
    scale = RiskScale(knots=(1.0, 1.0, 1.0, 2.0, 2.0), rows=5)
    assert to_risk_score(np.array([1.0, 2.0, 2.1]), scale).tolist() == [0.0, 0.75, 1.0]
