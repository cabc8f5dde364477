"""Pod and Job states, and what is said about them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot_operator.diagnosis import (
    Unreadable,
    diagnose_job,
    diagnose_pod,
    find_trouble,
    last_words,
    read_result,
    scrub,
)
from bot_operator.resources import Manifest, to_time
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import StepError, StepResult, to_message
from tests.unit.bot_operator.world import START

NOW = to_time(START)


def job(reason: str = "BackoffLimitExceeded", message: str = "too many") -> Manifest:
    limits = {"limits": {"memory": "4Gi"}}
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": NOW,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "bot-trend", "namespace": "bots", "uid": "u1"},
        "spec": {
            "activeDeadlineSeconds": 600,
            "template": {"spec": {"containers": [{"name": "runtime", "resources": limits}]}},
        },
        "status": {"conditions": [condition]},
    }


def pod(phase: str = "Failed", container: str = "runtime", **state: Any) -> Manifest:
    key = "initContainerStatuses" if container == "preflight" else "containerStatuses"
    status: Manifest = {"phase": phase}
    if state:
        status[key] = [{"name": container, "image": "x:1", "state": state}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bot-trend-x", "namespace": "bots"},
        "status": status,
    }


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"exitCode": code, "message": message, "reason": reason, "finishedAt": NOW}


@pytest.mark.parametrize(
    ("code", "reason", "expected", "retryable"),
    [
        (65, "Error", "Data", True),
        (66, "Error", "Artifact", False),
        (67, "Error", "Model", False),
        (69, "Error", "Exchange", True),
        (74, "Error", "Storage", True),
        (77, "Error", "Credentials", False),
        (78, "Error", "Configuration", False),
        (1, "Error", "Crash", True),
        (139, "Error", "Crash", True),
        (137, "OOMKilled", "OutOfMemory", False),
        (137, "Error", "OutOfMemory", False),
    ],
)
def test_exit_codes_have_their_class(
    code: int,
    reason: str,
    expected: str,
    retryable: bool,  # noqa: FBT001 - a column of the table
) -> None:
    failure = diagnose_job("Trend", job(), [pod(terminated=ended(code, "why", reason))], NOW)
    assert (failure.failure_class.value, failure.retryable) == (expected, retryable)
    assert (failure.exit_code, failure.container, failure.pod) == (code, "runtime", "bot-trend-x")


def test_a_preflight_that_fails_is_named_as_the_container() -> None:
    failing = pod(container="preflight", terminated=ended(77, "key refused"))
    failure = diagnose_job("Data", job("PodFailurePolicy"), [failing], NOW)
    assert (failure.container, failure.message) == ("preflight", "key refused")


def test_out_of_memory_names_the_limit_and_the_remedy() -> None:
    failing = pod(terminated=ended(137, "", "OOMKilled"))
    message = diagnose_job("Trend", job(), [failing], NOW).message
    assert message == "killed at its memory limit of 4Gi; raise resources.limits.memory"


def test_a_container_that_its_limit_does_not_even_let_start_is_out_of_memory() -> None:
    message = "runc create failed: container init was OOM-killed (memory limit too low?)"
    failing = pod(terminated=ended(128, message, "StartError"))
    assert diagnose_job("Data", job(), [failing], NOW).failure_class == "OutOfMemory"


def test_a_deadline_is_the_jobs_own_reason() -> None:
    failure = diagnose_job("Trend", job("DeadlineExceeded"), [], NOW)
    assert failure.failure_class == "Deadline"
    assert "600 s" in failure.message


def test_an_evicted_pod_is_no_crash() -> None:
    evicted = pod()
    evicted["status"].update(reason="Evicted", message="The node was low on resource: memory")
    failure = diagnose_job("Trend", job(), [evicted], NOW)
    assert (failure.failure_class, failure.retryable) == ("Evicted", True)


def test_a_disrupted_pod_that_was_killed_is_no_crash() -> None:
    disrupted = pod(terminated=ended(137))
    disrupted["status"]["conditions"] = [
        {"type": "DisruptionTarget", "status": "True", "message": "preempted"}
    ]
    assert diagnose_pod("Trend", job(), disrupted, NOW).failure_class == "Evicted"


def test_a_failed_job_without_pods_gives_the_jobs_words() -> None:
    assert diagnose_job("Trend", job(), [], NOW).message == "too many"


def test_the_last_of_several_failed_pods_counts() -> None:
    older = pod(terminated={**ended(1, "older"), "finishedAt": "2026-02-01T00:00:00Z"})
    newer = pod(terminated=ended(69, "newer"))
    assert diagnose_job("Trend", job(), [newer, older], NOW).message == "newer"


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
    assert "Zq1k9PPvLw8s" not in scrub(text)


def test_a_digest_is_not_scrubbed() -> None:
    digest = "0123456789abcdef" * 4
    assert scrub(f"sha256 {digest} differs") == f"sha256 {digest} differs"


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
def test_an_image_that_cannot_be_pulled_is_named(reason: str) -> None:
    waiting = pod("Pending", waiting={"reason": reason, "message": "no such host"})
    trouble = find_trouble([waiting], START)
    assert trouble is not None
    assert trouble.reason == "ImagePullFailed"
    assert "x:1" in trouble.message
    assert "no such host" in trouble.message


def test_an_unschedulable_pod_is_trouble_only_after_a_while() -> None:
    waiting = pod("Pending")
    waiting["status"]["conditions"] = [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient memory",
            "lastTransitionTime": NOW,
        }
    ]
    assert find_trouble([waiting], START + timedelta(seconds=14)) is None
    trouble = find_trouble([waiting], START + timedelta(seconds=15))
    assert trouble is not None
    assert trouble.reason == "Unschedulable"
    assert "Insufficient memory" in trouble.message


def test_a_starting_or_running_pod_is_no_trouble() -> None:
    starting = pod("Pending", waiting={"reason": "ContainerCreating"})
    assert find_trouble([starting, pod("Running", running={}), pod("Pending")], START) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "left no result"),
        ("\x00\u00c3\u00a9", "left no readable result"),
        ("[]", "left no readable result"),
        ('{"contractVersion": 2, "stepp": 1}', "contract version 2"),
        (json.dumps({"contractVersion": 7, "step": "Data"}), "contract version 7"),
        (json.dumps({"step": "Trend", "runDigest": "d"}), "result of step Trend"),
        (json.dumps({"step": "Data", "runDigest": "e"}), "run configuration e"),
        (json.dumps({"step": "Data", "runDigest": "d", "secret": 1}), "no readable result"),
    ],
)
def test_a_result_is_believed_only_for_its_own_step_and_run(text: str, found: str) -> None:
    result = read_result(text, "Data", "d")
    assert isinstance(result, Unreadable)
    assert found in result.found


def test_a_good_result_is_read() -> None:
    result = read_result(to_message(StepResult(step="Data", run_digest="d")), "Data", "d")
    assert isinstance(result, StepResult)
