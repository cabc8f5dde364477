import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.signal import (
    SHORT_SIGNAL_MAX_BYTES,
    Calibration,
    Drift,
    ShortSignal,
    Signal,
    SignalVersion,
)

AT = "2026-01-02T03:04:05.678Z"
LONGEST_VERSION = f"{'v' * 71}-{'0' * 8}"
LONGEST_SYMBOL = f"{'A' * 20}/{'B' * 20}"


def build_signal(**changes: object) -> Signal:
    signal = Signal(
        ts=AT,
        symbol=LONGEST_SYMBOL,
        timeframe="15m",
        horizon_steps=288,
        bar_close_ts=AT,
        decision="NO_TRADE",
        reason="r" * 160,
        prob_up=1.23456789e-05,
        expected_return=-1.23456789e-05,
        risk_score=1.23456789e-05,
        confidence=1.23456789e-05,
        calibration=Calibration(method="platt", n=100),
        run_digest="d" * 64,
        version=SignalVersion(model_version=LONGEST_VERSION, git_commit="c" * 64),
    )
    return Signal.model_validate({**signal.model_dump(), **changes})


def _bytes(short: ShortSignal) -> int:
    return len(short.model_dump_json(exclude_none=True).encode())


@given(reason=st.text(max_size=160))
def test_a_short_signal_never_exceeds_its_bytes(reason: str) -> None:
    assert _bytes(build_signal(reason=reason).shortened()) <= SHORT_SIGNAL_MAX_BYTES


@pytest.mark.parametrize(
    "reason",
    [
        "LongSignal: probability 0.612, return 0.00310, risk 0.402",
        "ProbBelowMin: SHORT probability 0.512 < probMin 0.55",
        "RiskAboveMax: risk 0.954 > riskMax 0.9",
    ],
)
def test_the_usual_reasons_are_kept_whole(reason: str) -> None:
    assert build_signal(symbol="BTC/USDT", reason=reason).shortened().reason == reason


def test_a_long_reason_keeps_its_first_words() -> None:
    reason = build_signal(reason="ReturnBelowMin: " + "9" * 140).shortened().reason
    assert reason.startswith("ReturnBelowMin: 9999")
    assert reason.endswith("…")


def drift(feature: float, prediction: float, calibration: float | None) -> Drift:
    """Return a drift whose limits are 0.92, 0.25 and 13.8."""
    return Drift(
        rows=2016,
        feature_psi=feature,
        feature_limit=0.92,
        prediction_psi=prediction,
        prediction_limit=0.25,
        calibration=calibration,
        calibration_limit=13.8,
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (drift(0.5, 0.1, 3.0), None),
        (drift(0.92, 0.25, None), None),
        (drift(1.312, 0.1, None), "features 1.31 > 0.92"),
        (drift(0.5, 0.3, 21.0), "calibration 21 > 13.8"),
    ],
)
def test_a_short_signal_tells_what_of_a_drift_is_farthest_beyond_its_limit(
    found: Drift, told: str | None
) -> None:
    assert build_signal(drift=found.model_dump()).shortened().drift == told


def test_a_drift_fits_beside_the_longest_names_and_the_reasons_word() -> None:
    found = drift(1.234e5, 1.234e5, 1.234e5).model_dump()
    short = build_signal(drift=found, reason="ExchangeUnavailable: " + "9" * 130).shortened()
    assert _bytes(short) <= SHORT_SIGNAL_MAX_BYTES
    assert short.reason.startswith("ExchangeUnavailable")


def test_numbers_travel_as_text_of_six_digits_and_nothing_as_nothing() -> None:
    short = build_signal(prob_up=0.6123456789, expected_return=None).shortened()
    assert short.prob_up == "0.612346"
    assert short.expected_return is None


def test_a_signal_survives_its_file() -> None:
    signal = build_signal()
    assert Signal.model_validate_json(signal.model_dump_json()) == signal
    assert json.loads(signal.model_dump_json())["version"]["model_version"] == LONGEST_VERSION


@pytest.mark.parametrize("field", ["prob_up", "risk_score", "confidence", "position_size"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_bounds_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        build_signal(**{field: value})
