"""Termination messages: what is believed, and what of a text goes any further."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_operator.signs.termination_messages import (
    Unreadable,
    last_words,
    plain,
    read_result,
)
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import EvaluationResult, StepError, StepResult, to_message
from bot_runtime.contract.signal import ShortSignal
from bot_runtime.contract.skillstatus import LiveSkill

NONSENSE = random.Random(1).randbytes(4096)


def test_the_error_of_a_result_is_its_message_and_a_log_gives_its_last_line() -> None:
    error = StepError(exit_code=ExitCode.DATA_UNUSABLE, message="candles: found 12, need 5000")
    text = to_message(StepResult(step="Data", error=error))
    assert last_words(text) == "candles: found 12, need 5000"
    assert last_words("Traceback\n  File\nValueError: odd\n\n") == "ValueError: odd"
    assert len(last_words("x " * 3000)) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "apiKey=Zq1k9PPvLw8s failed",
        'password: "Zq1k9PPvLw8s"',
        "signature=Zq1k9PPvLw8s&x=1",
        "header Zq1k9PPvLw8sZq1k9PPvLw8sZq1k9PPvLw8sZq1k9PPvLw8s",
    ],
)
def test_key_like_strings_are_scrubbed(text: str) -> None:
    assert "Zq1k9PPvLw8s" not in plain(text, 1000)
    assert "Zq1k9PPvLw8s" not in last_words(text)
    unreadable = read_result(text, "Data", "d")
    assert isinstance(unreadable, Unreadable)
    assert "Zq1k9PPvLw8s" not in unreadable.found


def test_a_digest_is_not_scrubbed() -> None:
    digest = "0123456789abcdef" * 4
    assert plain(f"sha256 {digest} differs", 1000) == f"sha256 {digest} differs"


def test_of_a_private_key_no_last_line_is_told() -> None:
    log = "loading\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIH\nZm9vYmFy=="
    assert last_words(log) == "[hidden]"
    assert last_words(log + "\n-----END EC PRIVATE KEY-----\nKeyError: 'x'") == "KeyError: 'x'"


def test_what_the_runtime_says_of_credentials_is_told() -> None:
    said = "credentials: apiKey and apiSecret: missing; put the real value into the secret"
    error = StepError(exit_code=ExitCode.CREDENTIALS_REJECTED, message=said)
    assert last_words(to_message(StepResult(step="Data", error=error))) == said


def test_control_characters_reach_no_terminal() -> None:
    assert plain("\x1b[2J\x00gone\r\nnext", 100) == "\ufffd[2J\ufffdgone\ufffd\nnext"
    assert plain("\ud800", 10) == "\ufffd"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "left no result"),
        (" \n", "left no result"),
        ("\x00\u00c3\u00a9", "left no readable result"),
        ("[]", "left no readable result"),
        ("null", "left no readable result"),
        ('{"a":' * 1000, "left no readable result"),
        ("[" * 4096, "left no readable result"),
        (NONSENSE.decode("latin-1"), "left no readable result"),
        # What the kubelet makes of bytes that are no UTF-8.
        (NONSENSE.decode("utf-8", errors="replace"), "left no readable result"),
        ('{"contractVersion": 2, "stepp": 1}', "contract version 2"),
        (json.dumps({"contractVersion": 7, "step": "Data"}), "contract version 7"),
        (json.dumps({"step": "Trend", "runDigest": "d"}), "result of step Trend"),
        (json.dumps({"step": "Data", "runDigest": "e"}), "run configuration e"),
        (json.dumps({"step": "Data"}), "run configuration none"),
        (json.dumps({"step": "Data", "runDigest": 1}), "no readable result"),
        (json.dumps({"step": "Data", "runDigest": "d", "durationSeconds": -1}), "no readable"),
        ('{"step": "Data", "runDigest": "d", "durationSeconds": NaN}', "no readable result"),
    ],
)
def test_a_result_is_believed_only_for_its_own_step_and_run(text: str, found: str) -> None:
    result = read_result(text, "Data", "d")
    assert isinstance(result, Unreadable)
    assert found in result.found
    assert len(result.found) < 400


@given(st.text(max_size=4096))
def test_any_text_is_read_without_an_error_and_can_be_sent(text: str) -> None:
    result = read_result(text, "Data", "d")
    assert isinstance(result, Unreadable)
    for told in (result.found, last_words(text)):
        told.encode()
        assert all(c.isprintable() or c == "\n" for c in told)


def test_a_good_result_is_read() -> None:
    result = read_result(to_message(StepResult(step="Data", run_digest="d")), "Data", "d")
    assert isinstance(result, StepResult)


def test_fields_of_a_later_release_are_passed_over() -> None:
    told = json.loads(to_message(StepResult(step="Data", run_digest="d")))
    told |= {"later": 1, "error": {"exitCode": 65, "message": "no", "later": [2]}}
    result = read_result(json.dumps(told), "Data", "d")
    assert isinstance(result, StepResult)
    assert result.error is not None
    assert last_words(json.dumps(told)) == result.error.message == "no"


def test_an_older_image_tells_no_secret_and_loses_no_result_for_it() -> None:
    """A text that is as long as it may be stays so: `[hidden]` is longer than some secrets."""
    leaking = "x" * 148 + " token=ab"
    signal = ShortSignal(
        symbol="BTC/USDT", decision="NO_TRADE", reason=leaking, ts="2026-01-02T03:04:05Z"
    )
    evaluation = EvaluationResult(
        version="b-0a1b2c3d-0a1b2c3d",
        promoted=False,
        reasons=(leaking,),
        artifact_digest="0" * 64,
        trained_at="2026-01-02T03:04:05Z",
    )
    made = StepResult(
        step="Data",
        run_digest="d",
        warnings=("x" * 191 + " token=ab",),
        error=StepError(exit_code=ExitCode.CRASH, message="GET https://bot:hunter2@proxy.example"),
        evaluation=evaluation,
        signals=(signal,),
        live_skill=LiveSkill(blocks=9, lost="x" * 111 + " token=ab"),
    )
    found = read_result(made.model_dump_json(by_alias=True), "Data", "d")
    assert isinstance(found, StepResult)
    assert found.error is not None
    assert found.evaluation is not None
    assert found.error.message == "GET https://[hidden]@proxy.example"
    assert found.live_skill is not None
    texts = (
        found.warnings[0],
        found.evaluation.reasons[0],
        found.signals[0].reason,
        found.live_skill.lost or "",
    )
    assert not [text for text in texts if "token=ab" in text]
    assert [len(text) for text in texts] == [200, 157, 157, 120]
    assert StepResult.model_validate(found.model_dump(by_alias=True)) == found
