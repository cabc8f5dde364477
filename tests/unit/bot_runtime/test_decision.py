"""Decisions: the rule itself, and that every threshold changes decisions."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.signal import REASON_MAX, DecisionReason
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import REGIMES, Regime, RegimeSpec, RiskSpec
from bot_runtime.features.indicators import FEATURES
from bot_runtime.features.regime import regime_of
from bot_runtime.serving.predictions import Prediction, Predictions
from bot_runtime.trading.decision import decide, least_return, views_of
from bot_runtime.trading.rule_results import binding
from tests.unit.bot_runtime.strategies import GOOD, decide_by, prediction_of, strategy_with

TRADES = {DecisionReason.LONG_SIGNAL, DecisionReason.SHORT_SIGNAL}
share = st.floats(0, 1)
predictions = st.builds(prediction_of, share, st.floats(-0.05, 0.05), share)
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
    decision = decide_by(prediction, spec).decision
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
    assert decide_by(GOOD, spec).decision == "LONG"
    outcome = decide_by(GOOD, spec.model_copy(update=change))
    assert outcome.decision == "NO_TRADE"
    assert outcome.reason == reason
    assert outcome.text.startswith(f"{reason}: ")
    assert outcome.intent.share == 0


@pytest.mark.parametrize(
    ("prediction", "decision"),
    [
        # riskMax 0.5, probMin 0.75, and 0.25 + 2 * 0.0625 = 0.375 of return: halves are exact.
        (Prediction(0.75, 0.0, 0.375, 0.5, 0.5, 0.01), "LONG"),
        (Prediction(0.25, -0.5, -0.375, 0.0, 0.5, 0.01), "SHORT"),
        (Prediction(0.75, 0.0, 0.375, 0.5, 0.51, 0.01), "RiskAboveMax: risk 0.510 > riskMax 0.5"),
        (
            Prediction(0.749, 0.0, 0.375, 0.5, 0.5, 0.01),
            "ProbBelowMin: LONG probability 0.749 < probMin 0.75",
        ),
        (
            Prediction(0.251, -0.5, -0.375, 0.0, 0.5, 0.01),
            "ProbBelowMin: SHORT probability 0.749 < probMin 0.75",
        ),
        (
            Prediction(0.75, 0.0, 0.374, 0.5, 0.5, 0.01),
            "ReturnBelowMin: LONG return 0.37400 < 0.37500 (minExpectedReturn + 2 * feesBps)",
        ),
        (
            Prediction(0.25, -0.5, 0.375, 0.5, 0.5, 0.01),
            "ReturnBelowMin: SHORT return -0.37500 < 0.37500 (minExpectedReturn + 2 * feesBps)",
        ),
    ],
)
def test_a_number_at_its_threshold_passes_and_one_beyond_does_not(
    prediction: Prediction, decision: str
) -> None:
    spec = DecisionSpec(risk_max=0.5, prob_min=0.75, min_expected_return=0.25, fees_bps=625)
    found = decide_by(prediction, spec)
    assert decision in (found.decision, found.text)


@given(predictions, thresholds)
def test_outcome_fits_the_contract(prediction: Prediction, spec: DecisionSpec) -> None:
    outcome = decide_by(prediction, spec)
    assert 0 <= outcome.confidence <= 1
    assert 0 <= outcome.intent.share <= RiskSpec().max_position
    assert outcome.text == f"{outcome.reason}: {outcome.found}", "it is not cut"
    assert len(outcome.text) <= REASON_MAX
    assert (outcome.reason in TRADES) == (outcome.decision != "NO_TRADE")
    assert outcome.risk_allowed == (prediction.risk_score <= spec.risk_max)
    if outcome.decision != "LONG":
        assert outcome.intent.share == 0


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
        prediction.volatility,
    )
    if prediction.prob_up == 1 - mirrored.prob_up and prediction.prob_up != 0.5:
        swap = {"LONG": "SHORT", "SHORT": "LONG", "NO_TRADE": "NO_TRADE"}
        assert decide_by(mirrored, spec).decision == swap[decide_by(prediction, spec).decision]


def test_risk_is_refused_before_probability_and_return() -> None:
    hopeless = prediction_of(0.5, 0.0, 1.0)
    assert decide_by(hopeless, DecisionSpec()).reason == DecisionReason.RISK_ABOVE_MAX


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


@pytest.mark.parametrize(
    ("regime", "least"),
    [
        ("BULL_TREND", 0.55),
        ("RANGE_SIDEWAYS", 0.57),
        ("BEAR_TREND", 0.58),
        ("CRISIS_HIGH_VOL", 0.55),
    ],
)
def test_a_regime_makes_entries_harder_and_never_exits(regime: Regime, least: float) -> None:
    entries = regime != "CRISIS_HIGH_VOL"
    for prob_up, is_enough in ((least + 1e-9, entries), (least - 1e-9, False)):
        long = decide(prediction_of(prob_up, 0.02, 0.1), strategy_with(), regime)
        assert (long.decision == "LONG") == is_enough, long.text
        assert entries or long.reason == DecisionReason.REGIME_REFUSES
        short = decide(prediction_of(1 - prob_up, -0.02, 0.1), strategy_with(), regime)
        assert (short.decision == "SHORT") == (prob_up >= 0.55), short.text


def test_a_regime_scales_the_share() -> None:
    regimes = (RegimeSpec(name="BULL_TREND", size=0.5),)
    whole, half = (
        decide(GOOD, strategy_with(regimes=own), "BULL_TREND").intent.share for own in ((), regimes)
    )
    assert whole > 0
    assert half == pytest.approx(whole / 2)


@given(st.lists(st.tuples(predictions, st.integers(0, 3)), min_size=1, max_size=30), thresholds)
def test_columns_decide_as_each_row_alone(
    rows: list[tuple[Prediction, int]], spec: DecisionSpec
) -> None:
    strategy = strategy_with(spec)
    columns = zip(*(astuple(prediction) for prediction, _ in rows), strict=True)
    together = Predictions(*(np.array(column) for column in columns))
    regimes = np.array([regime for _, regime in rows])
    views = views_of(together, strategy, regimes, np.arange(len(rows)))
    for row, (prediction, regime) in enumerate(rows):
        assert views[row] == decide(prediction, strategy, REGIMES[regime])


def test_rules_say_what_was_asked_and_the_binding_one_is_the_reason() -> None:
    view = decide_by(GOOD, DecisionSpec(prob_min=0.8))
    assert [(r.rule, r.passed) for r in view.rules] == [
        ("RiskMax", True),
        ("Regime", True),
        ("ProbMin", False),
        ("MinExpectedReturn", True),
    ]
    refusal = binding(view.rules)
    assert refusal is not None
    assert (refusal.value, refusal.threshold) == (0.7, 0.8)
    assert view.text == "ProbBelowMin: LONG probability 0.700 < probMin 0.8"
