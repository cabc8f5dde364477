import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.signal import (
    SHORT_SIGNAL_MAX_BYTES,
    Calibration,
    DecisionReason,
    Drift,
    ShortSignal,
    Signal,
    SignalVersion,
    reason_in,
    reason_text,
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


@pytest.mark.parametrize("reason", DecisionReason)
def test_a_reason_and_its_text_are_found_from_each_other(reason: DecisionReason) -> None:
    text = reason_text(reason, "3 of 90 candles: 1, 2 and 3")
    assert text == f"{reason.value}: 3 of 90 candles: 1, 2 and 3"
    assert reason_in(text) is reason
    assert reason_in(reason_text(reason, "9" * 200)) is reason
    assert len(reason_text(reason, "9" * 200)) == 160


@pytest.mark.parametrize("reason", DecisionReason)
def test_a_file_says_the_reason_and_one_of_an_older_image_is_read(reason: DecisionReason) -> None:
    signal = build_signal(reason=reason_text(reason, "1 > 0"), decision_reason=reason)
    written = json.loads(signal.model_dump_json())
    assert written["decision_reason"] == reason.value
    assert written["reason"] == f"{reason.value}: 1 > 0"
    del written["decision_reason"]
    assert Signal.model_validate(written) == signal
    assert Signal.model_validate_json(json.dumps(written)) == signal


@pytest.mark.parametrize("reason", DecisionReason)
def test_a_message_has_the_reason_in_its_text_alone(reason: DecisionReason) -> None:
    """An older operator refuses no field then, and there is room for ten symbols."""
    signal = build_signal(reason=reason_text(reason, "9" * 150), decision_reason=reason)
    short = signal.shortened()
    assert "decision_reason" not in json.loads(short.model_dump_json())
    read = ShortSignal.model_validate_json(short.model_dump_json())
    assert reason_in(read.reason) is reason


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FeedStale newest candle 900 s old", DecisionReason.FEED_STALE),
        ("LongSignal", DecisionReason.LONG_SIGNAL),
        ("FeedGap:…", DecisionReason.FEED_GAP),
        ("MoonPhase: full", None),
        ("FeedStaleness: 3", None),
        ("FeedStale…", None),
        ("FeedSt…", None),
        ("feedstale: 900 s", None),
        (": FeedStale", None),
        ("", None),
    ],
)
def test_a_reason_of_a_later_release_and_a_cut_one_are_none(
    text: str, found: DecisionReason | None
) -> None:
    assert reason_in(text) is found
    assert reason_in(build_signal(reason=text).shortened().reason) is found
    assert Signal.model_validate(_without_reason(text)).decision_reason is found


def _without_reason(text: str) -> dict[str, object]:
    fields = build_signal(reason=text).model_dump()
    del fields["decision_reason"]
    return fields


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
