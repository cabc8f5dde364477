"""Sizes: every bound by numbers that are worked out beside it, and what Kelly's promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.arrays import Values
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import StopLossSpec, TakeProfitSpec
from bot_runtime.serving.predictions import Prediction, Predictions
from bot_runtime.trading import sizing
from bot_runtime.trading.strategy import Strategy
from tests.unit.bot_runtime.strategies import strategy_with

FREE = DecisionSpec(fees_bps=0, slippage_bps=0)
PREDICTION = Prediction(0.7, p10=-0.02, p50=0.01, p90=0.03, risk_score=0.1, volatility=0.002)
"""Over four candles its volatility is 0.004."""


def outcomes(*values: float) -> tuple[Values, Values, Values]:
    one, two, three = (np.array([value]) for value in values)
    return one, two, three


def bounds(strategy: Strategy, prediction: Prediction = PREDICTION) -> dict[str, float]:
    found = sizing.bounds_of(Predictions.of(prediction), strategy)
    return {bound.rule: float(bound.value[0]) for bound in found}


@pytest.mark.parametrize(
    ("returns", "share"),
    [
        # An even bet of a tenth that is won with 0.7: (0.7 - 0.3) / 0.1.
        ((-0.1, 0.1, 0.1), 4.0),
        # Twice as much won as lost, each with 0.3: 0.2 (1 - 0.1 f) = 0.1 (1 + 0.2 f).
        ((-0.1, 0.0, 0.2), 2.5),
        # 6e-6 f^2 + 2.9e-4 f - 0.007 = 0.
        ((-0.02, 0.01, 0.03), 17.6747),
        # Two that lose, with 0.7, and one that wins ten times as much, with 0.3: b p - q over b.
        ((-0.01, -0.01, 0.1), (10 * 0.3 - 0.7) / 10 / 0.01),
        # No mean, or less: nothing is staked.
        ((-0.1, 0.0, 0.1), 0.0),
        ((-0.1, -0.1, 0.1), 0.0),
        # Nothing is lost: no bound.
        ((0.0, 0.01, 0.02), math.inf),
    ],
)
def test_kelly(returns: tuple[float, float, float], share: float) -> None:
    assert sizing.kelly(outcomes(*returns))[0] == pytest.approx(share, rel=1e-5)


def test_kelly_holds_where_returns_are_tiny_and_their_product_is_nothing() -> None:
    for scale in (1e-3, 1e-6, 1e-9):
        found = sizing.kelly(outcomes(-0.02 * scale, 0.01 * scale, 0.03 * scale))[0]
        assert found * scale == pytest.approx(17.6747, rel=1e-5)


returns = st.integers(-3000, 3000).map(lambda each: each / 1e4)


@given(st.lists(returns, min_size=3, max_size=3).map(sorted), st.floats(0.05, 1.0))
def test_a_part_of_kelly_grows_and_no_other_share_grows_more(
    values: list[float], fraction: float
) -> None:
    found = outcomes(*values)
    best = sizing.kelly(found)

    def growth(share: float) -> float:
        return float(sizing.expected_growth(np.array([share]), found)[0])

    if 0.0 < best[0] < np.inf:
        assert growth(float(best[0]) * fraction) > 0
        for other in (0.5, 0.9, 0.99, 1.01, 1.1, 1.5):
            assert growth(float(best[0]) * other) <= growth(float(best[0])) + 1e-12
    elif best[0] == 0.0:
        assert growth(0.01) <= 1e-6


def test_growth_is_the_mean_of_logarithms_and_nothing_is_left_at_a_whole_loss() -> None:
    found = sizing.expected_growth(np.array([0.5, 1.0]), outcomes(-0.1, 0.1, 0.2))
    assert found[0] == pytest.approx(
        0.3 * math.log(0.95) + 0.4 * math.log(1.05) + 0.3 * math.log(1.1)
    )
    assert sizing.expected_growth(np.array([1.0]), outcomes(-1.0, 0.1, 0.2))[0] == -math.inf


def test_every_bound_by_hand() -> None:
    strategy = strategy_with(
        FREE,
        horizon_steps=4,
        kelly_fraction=0.01,
        position_volatility=0.002,
        cvar_max=0.01,
        max_position=0.9,
        max_exposure=1,
    )
    assert bounds(strategy) == pytest.approx(
        {
            "Kelly": 0.176747,
            "VolatilityTarget": 0.5,  # 0.002 / 0.004
            "Cvar": 0.01 / (1.37 * 0.03 - 0.01),  # the tail's mean loses 0.0311
            "MaxPosition": 0.9,
        },
        rel=1e-5,
    )


def test_costs_are_taken_off_every_outcome() -> None:
    dear = strategy_with(DecisionSpec(fees_bps=10, slippage_bps=5), kelly_fraction=1)
    net = sizing.net_outcomes(Predictions.of(PREDICTION), dear)
    assert [float(each[0]) for each in net] == pytest.approx([-0.023, 0.007, 0.027])
    assert dear.round_trip == pytest.approx(0.003)
    # At 35 bps a side the mean, 0.007, is gone.
    gone = strategy_with(DecisionSpec(fees_bps=30, slippage_bps=5), kelly_fraction=1)
    assert bounds(gone)["Kelly"] == 0.0


def test_a_bound_that_does_not_bind_is_the_whole_equity() -> None:
    sure = Prediction(0.9, p10=0.03, p50=0.04, p90=0.05, risk_score=0.1, volatility=0.0)
    found = bounds(strategy_with(FREE, max_position=1, max_exposure=1), sure)
    assert found == {"Kelly": 1.0, "VolatilityTarget": 1.0, "Cvar": 1.0, "MaxPosition": 1.0}


def test_stop_and_target_follow_the_volatility_over_the_horizon() -> None:
    strategy = strategy_with(
        horizon_steps=4,
        stop_loss=StopLossSpec(volatilities=2, min=0.005, max=0.02),
        take_profit=TakeProfitSpec(volatilities=3),
    )
    rows = np.zeros(3)
    volatility = np.array([0.002, 0.001, 0.02])  # 0.004, 0.002 and 0.04 over the horizon
    predictions = Predictions(rows, rows, rows, rows, rows, volatility)
    stop, target = sizing.distances_of(predictions, strategy)
    assert stop.tolist() == pytest.approx([0.008, 0.005, 0.02])
    assert target.tolist() == pytest.approx([0.012, 0.006, 0.12])
    _, none = sizing.distances_of(predictions, strategy_with())
    assert none.tolist() == [math.inf] * 3
