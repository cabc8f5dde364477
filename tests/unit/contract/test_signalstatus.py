"""A signal in a status has the names of the status, and the old ones beside them for a release."""

from typing import Any

import pytest

from bot_runtime.contract.signal import DecisionReason, ShortSignal
from bot_runtime.contract.signalstatus import OLD_NAMES, StatusSignal
from bot_runtime.contract.structural import build_schema

SHORT = ShortSignal(
    symbol="BTC/USDT",
    decision="LONG",
    reason="LongSignal: probability 0.612",
    ts="2026-07-01T10:00:02Z",
    bar_close_ts="2026-07-01T10:00:00Z",
    prob_up="0.612",
    expected_return="0.0031",
    risk_score="0.4",
    confidence="0.13",
)
SIGNAL = StatusSignal.of(SHORT, version="btc-1-2", commit="abc", digest="d" * 64, pod="uid-1")
WRITTEN = SIGNAL.to_json()


def _without(names: Any) -> dict[str, Any]:
    return {name: value for name, value in WRITTEN.items() if name not in set(names)}


def test_both_spellings_are_written_with_one_value() -> None:
    assert WRITTEN["probUp"] == WRITTEN["prob_up"] == "0.612"
    assert WRITTEN["modelVersion"] == WRITTEN["model_version"] == "btc-1-2"
    assert WRITTEN["producedBy"] == "uid-1"
    assert all(WRITTEN[new] == WRITTEN[old] for new, old in OLD_NAMES.items())


@pytest.mark.parametrize("left_out", [(), OLD_NAMES.keys(), OLD_NAMES.values()])
def test_either_spelling_is_read(left_out: Any) -> None:
    assert StatusSignal.model_validate(_without(left_out)) == SIGNAL


def test_the_new_name_goes_before_the_old_one() -> None:
    read = StatusSignal.model_validate({**WRITTEN, "prob_up": "0.9"})
    assert read.prob_up == "0.612"


def test_what_is_unset_is_written_in_neither_spelling() -> None:
    bare = SIGNAL.model_copy(update={"prob_up": None}).to_json()
    assert not {"probUp", "prob_up"} & set(bare)


def test_the_schema_keeps_both_spellings_and_asks_for_neither() -> None:
    schema = build_schema(StatusSignal, defaults=False)
    assert set(WRITTEN) <= set(schema["properties"])
    assert not {*OLD_NAMES, *OLD_NAMES.values()} & set(schema["required"])
    for new, old in OLD_NAMES.items():
        assert schema["properties"][old]["maxLength"] == schema["properties"][new]["maxLength"]


def test_the_reason_is_found_in_the_text() -> None:
    assert SIGNAL.decision_reason is DecisionReason.LONG_SIGNAL
