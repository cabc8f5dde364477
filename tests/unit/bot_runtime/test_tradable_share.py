"""What thresholds would have traded of past predictions, and which of them refused the rest."""

import numpy as np
import pytest

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.evaluation.tradable_share import record_of
from bot_runtime.serving.predictions import Predictions

THRESHOLDS = DecisionSpec(risk_max=0.9, prob_min=0.6, min_expected_return=0.001, fees_bps=10)


def predictions(prob_up: list[float], p50: list[float], risk: list[float]) -> Predictions:
    middle, n = np.array(p50), len(p50)
    return Predictions(
        np.array(prob_up), middle - 0.01, middle, middle + 0.01, np.array(risk), np.ones(n)
    )


def test_record_counts_hits_and_returns_after_a_round_trip() -> None:
    made = predictions([0.8, 0.2, 0.8, 0.5], [0.01, -0.01, 0.01, 0.0], [0.1, 0.1, 0.1, 0.1])
    record = record_of(made, np.array([0.02, -0.01, -0.005, 0.3]), THRESHOLDS)
    assert (record.longs, record.shorts, record.rows) == (2, 1, 4)
    assert record.tradable_share == 0.75
    assert record.hit_rate == pytest.approx(2 / 3)
    assert record.mean_return == pytest.approx((0.02 + 0.01 - 0.005) / 3 - 0.002)
    assert record.binding_threshold == "probMin"


@pytest.mark.parametrize(
    ("prob_up", "p50", "risk", "binding"),
    [
        (0.9, 0.1, 0.95, "riskMax"),
        (0.55, 0.1, 0.1, "probMin"),
        (0.9, 0.0029, 0.1, "minExpectedReturn"),
    ],
)
def test_threshold_that_refused_most_is_named(
    prob_up: float, p50: float, risk: float, binding: str
) -> None:
    record = record_of(predictions([prob_up], [p50], [risk]), np.array([0.1]), THRESHOLDS)
    assert record.tradable_share == 0
    assert record.binding_threshold == binding
    assert record.hit_rate is None
    assert record.mean_return is None


def test_nothing_binds_where_all_is_traded() -> None:
    record = record_of(predictions([0.9], [0.1], [0.1]), np.array([0.1]), THRESHOLDS)
    assert record.binding_threshold is None
