"""What thresholds would have traded of past predictions, and which of them refused the rest."""

import numpy as np
import pytest

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.evaluation.tradable_share import TradingRecord, decisions_of, record_of
from bot_runtime.features.indicators import FEATURES
from bot_runtime.serving.predictions import Predictions
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.strategies import strategy_with

THRESHOLDS = DecisionSpec(risk_max=0.9, prob_min=0.6, min_expected_return=0.001, fees_bps=10)
DATA = training_data(1500)
DATA.features[:, FEATURES.index("adx_14")] = 1.0  # a trend upwards changes no threshold
DATA.features[:, FEATURES.index("direction_14")] = 1.0
DATA.features[:, FEATURES.index("atr_shock")] = 0.0


def record(
    prob_up: list[float], p50: list[float], risk: list[float], outcome: list[float]
) -> TradingRecord:
    middle, n = np.array(p50), len(p50)
    made = Predictions(
        np.array(prob_up), middle - 0.01, middle, middle + 0.01, np.array(risk), np.ones(n)
    )
    decided = decisions_of(made, DATA, DATA.splits.test[:n], strategy_with(THRESHOLDS))
    return record_of(decided, np.array(outcome), THRESHOLDS)


def test_record_counts_hits_and_returns_after_a_round_trip() -> None:
    found = record(
        [0.8, 0.2, 0.8, 0.5], [0.01, -0.01, 0.01, 0.0], [0.1] * 4, [0.02, -0.01, -0.005, 0.3]
    )
    assert (found.longs, found.shorts, found.rows) == (2, 1, 4)
    assert found.tradable_share == 0.75
    assert found.hit_rate == pytest.approx(2 / 3)
    assert found.mean_return == pytest.approx((0.02 + 0.01 - 0.005) / 3 - 0.002)
    assert found.binding_threshold == "probMin"


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
    found = record([prob_up], [p50], [risk], [0.1])
    assert found.tradable_share == 0
    assert found.binding_threshold == binding
    assert found.hit_rate is None
    assert found.mean_return is None


def test_nothing_binds_where_all_is_traded() -> None:
    assert record([0.9], [0.1], [0.1], [0.1]).binding_threshold is None
