"""The managed share: what is wanted, what is held, and what it remembers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.strategy import CHAIN, MEMORY
from bot_runtime.trading.volatility_managed import held_shares, wanted_shares
from tests.unit.bot_runtime.strategies import strategy_with

MANAGED = strategy_with(
    DecisionSpec(policy="VolatilityManaged", risk_max=0.8),
    horizon_steps=4,
    position_volatility=0.004,
    max_position=0.6,
    max_exposure=0.6,
)


def predictions(volatility: list[float], risk: list[float]) -> Predictions:
    rows = np.zeros(len(risk))
    return Predictions(rows, rows, rows, rows, np.array(risk), np.array(volatility))


def test_wanted_is_the_target_by_the_volatility_and_nothing_where_the_risk_is_high() -> None:
    # Over four candles the volatility is 0.01, 0.002 and 0.01.
    rules, bounds, wanted = wanted_shares(
        predictions([0.005, 0.001, 0.005, 0.0], [0.8, 0.1, 0.81, 0.1]), MANAGED
    )
    assert wanted.tolist() == pytest.approx([0.4, 0.6, 0.0, 0.6])
    assert [rule.passed.tolist() for rule in rules] == [[True, True, False, True]]
    assert {bound.rule: bound.value.tolist() for bound in bounds} == {
        "VolatilityTarget": pytest.approx([0.4, 1.0, 0.4, 1.0]),
        "MaxPosition": [0.6] * 4,
    }


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        ([0.5, 0.5625, 0.625, 0.626, 0.5625], [0.5, 0.5, 0.5, 0.626, 0.626]),
        ([0.5, 0.375, 0.374], [0.5, 0.5, 0.374]),
        ([0.5, 0.0, 0.0625, 0.25], [0.5, 0.0, 0.0, 0.25]),
        ([0.0625, 0.0], [0.0625, 0.0]),
    ],
    ids=["up, by more than the band", "down", "nothing is wanted", "at once, however little"],
)
def test_held_changes_only_where_wanted_moved_by_more_than_the_band(
    wanted: list[float], held: list[float]
) -> None:
    found = held_shares(np.array(wanted), np.arange(len(wanted)), 0.125)
    assert found.tolist() == held


def test_the_band_is_a_share_of_the_largest_position() -> None:
    # 0.2 of 0.6 is 0.12: from 0.4, 0.5 is within it and 0.53 beyond.
    volatility = [0.002 / share for share in (0.4, 0.5, 0.53)]
    regimes, candle = np.zeros(3, dtype=np.intp), np.arange(3)
    views = views_of(predictions(volatility, [0.1] * 3), MANAGED, regimes, candle)
    assert views.share.tolist() == pytest.approx([0.4, 0.4, 0.53])
    assert views.side.tolist() == [1, 1, 1]
    assert views[0].text == "VolatilityTarget: share 0.400, wanted 0.400 by VolatilityTarget"
    nothing = views_of(predictions([0.005], [0.9]), MANAGED, regimes[:1], candle[:1])
    assert (nothing[0].decision, nothing[0].reason) == ("SHORT", "RiskAboveMax")


@given(st.data())
def test_the_newest_share_is_known_from_the_last_candles_alone(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 1 << 32))
    draw = np.random.default_rng(seed)
    candle = data.draw(st.integers(0, CHAIN)) + np.cumsum(
        np.where(draw.random(900) < 0.01, draw.integers(1, 700, 900), 1)
    )
    candle = candle[draw.random(900) < 0.9]
    wanted = np.round(np.abs(np.cumsum(draw.normal(0, 0.03, len(candle)))) % 1.0, 2)
    wanted[draw.random(len(candle)) < 0.02] = 0.0
    whole = held_shares(wanted, candle, 0.2)
    for row in draw.integers(0, len(candle), 12).tolist():
        seen = (candle > candle[row] - MEMORY) & (candle <= candle[row])
        assert held_shares(wanted[seen], candle[seen], 0.2)[-1] == whole[row]


def test_one_candle_less_than_its_memory_is_too_few() -> None:
    # From the first candle of a chain 0.0 lies within the band of 0.1; from its second it is above.
    wanted, candle = np.full(MEMORY, 0.15), np.arange(MEMORY)
    wanted[0] = 0.1
    assert held_shares(wanted, candle, 0.2)[-1] == 0.1
    assert held_shares(wanted[1:], candle[1:], 0.2)[-1] == 0.15
