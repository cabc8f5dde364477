"""Decisions: the rule itself, and that every threshold changes decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.signal import REASON_MAX, DecisionReason
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.features.indicators import FEATURES
from bot_runtime.features.regime import regime_of
from bot_runtime.serving.predictions import Prediction
from bot_runtime.trading.decision import LARGEST_POSITION, decide, least_return

GOOD = Prediction(prob_up=0.7, p10=-0.01, p50=0.01, p90=0.03, risk_score=0.3)
TRADES = {DecisionReason.LONG_SIGNAL, DecisionReason.SHORT_SIGNAL}
share = st.floats(0, 1)
predictions = st.builds(
    lambda prob_up, p50, risk: Prediction(prob_up, p50 - 0.01, p50, p50 + 0.01, risk),
    share,
    st.floats(-0.05, 0.05),
    share,
)
thresholds = st.builds(
    DecisionSpec,
    risk_max=share,
    prob_min=st.floats(0.5, 1),
    min_expected_return=st.floats(0, 0.02),
    fees_bps=st.floats(0, 50),
)


@given(predictions, thresholds)
def test_decision_is_exactly_the_rule(prediction: Prediction, spec: DecisionSpec) -> None:
    calm = prediction.risk_score <= spec.risk_max
    least = spec.min_expected_return + 2 * spec.fees_bps / 10_000
    long = calm and prediction.prob_up >= spec.prob_min and prediction.p50 >= least
    short = calm and 1 - prediction.prob_up >= spec.prob_min and -prediction.p50 >= least
    decision = decide(prediction, spec).decision
    if long and short:  # only where both sides are one half and nothing is asked for
        assert decision in ("LONG", "SHORT")
    else:
        assert decision == ("LONG" if long else "SHORT" if short else "NO_TRADE")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"risk_max": 0.29}, DecisionReason.RISK_ABOVE_MAX),
        ({"prob_min": 0.71}, DecisionReason.PROB_BELOW_MIN),
        ({"min_expected_return": 0.0081}, DecisionReason.RETURN_BELOW_MIN),
        ({"fees_bps": 48}, DecisionReason.RETURN_BELOW_MIN),
    ],
)
def test_each_threshold_alone_changes_the_decision(
    change: dict[str, float], reason: DecisionReason
) -> None:
    spec = DecisionSpec()
    assert decide(GOOD, spec).decision == "LONG"
    outcome = decide(GOOD, spec.model_copy(update=change))
    assert outcome.decision == "NO_TRADE"
    assert outcome.reason == reason
    assert outcome.text.startswith(f"{reason}: ")
    assert outcome.position_size == 0


@given(predictions, thresholds)
def test_outcome_fits_the_contract(prediction: Prediction, spec: DecisionSpec) -> None:
    outcome = decide(prediction, spec)
    assert 0 <= outcome.confidence <= 1
    assert 0 <= outcome.position_size <= LARGEST_POSITION
    assert outcome.text == f"{outcome.reason}: {outcome.found}", "it is not cut"
    assert len(outcome.text) <= REASON_MAX
    assert (outcome.reason in TRADES) == (outcome.decision != "NO_TRADE")
    assert outcome.risk_allowed == (prediction.risk_score <= spec.risk_max)
    if outcome.decision == "NO_TRADE":
        assert outcome.position_size == 0


@given(predictions, thresholds)
def test_mirrored_prediction_gives_the_mirrored_decision(
    prediction: Prediction, spec: DecisionSpec
) -> None:
    mirrored = Prediction(
        1 - prediction.prob_up,
        -prediction.p90,
        -prediction.p50,
        -prediction.p10,
        prediction.risk_score,
    )
    if prediction.prob_up == 1 - mirrored.prob_up and prediction.prob_up != 0.5:
        swap = {"LONG": "SHORT", "SHORT": "LONG", "NO_TRADE": "NO_TRADE"}
        assert decide(mirrored, spec).decision == swap[decide(prediction, spec).decision]


def test_risk_is_refused_before_probability_and_return() -> None:
    hopeless = Prediction(prob_up=0.5, p10=0, p50=0, p90=0, risk_score=1.0)
    assert decide(hopeless, DecisionSpec()).reason == DecisionReason.RISK_ABOVE_MAX


def test_least_return_is_the_minimum_after_a_round_trip() -> None:
    assert least_return(DecisionSpec(min_expected_return=0.001, fees_bps=10)) == pytest.approx(
        0.003
    )


@pytest.mark.parametrize(
    ("values", "regime"),
    [
        ({"atr_shock": 1.5, "adx_14": 0.9}, "CRISIS_HIGH_VOL"),
        ({"adx_14": 0.6, "direction_14": 0.2}, "BULL_TREND"),
        ({"adx_14": 0.6, "direction_14": -0.2}, "BEAR_TREND"),
        ({"adx_14": 0.1, "direction_14": 0.2}, "RANGE_SIDEWAYS"),
    ],
)
def test_regime_follows_range_and_trend(values: dict[str, float], regime: str) -> None:
    row = np.zeros(len(FEATURES))
    for name, value in values.items():
        row[FEATURES.index(name)] = value
    assert regime_of(row) == regime
