"""States of failed Jobs and pods, and the class of failure that is told."""

from typing import Any

import pytest

from bot_operator.api.resources import Manifest
from bot_operator.signs.pod_failures import diagnose_job, diagnose_pod
from tests.unit.bot_operator.shapes import NOW, ended, job, pod, with_condition

DELETED = {"deletionTimestamp": NOW}


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
        (2, "Error", "Crash", True),
        (255, "Error", "Crash", True),
        (134, "Error", "Crash", True),
        (139, "Error", "Crash", True),
        (143, "Error", "Crash", True),
        (137, "OOMKilled", "OutOfMemory", False),
        (137, "Error", "OutOfMemory", False),
        (1, "OOMKilled", "OutOfMemory", False),
        (127, "StartError", "Configuration", False),
        (128, "ContainerCannotRun", "Configuration", False),
        (137, "ContainerStatusUnknown", "Node", True),
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
    assert (failure.step, failure.job, failure.time) == ("Trend", "bot-trend", NOW)


@pytest.mark.parametrize(
    ("code", "number", "told"),
    [
        (139, 11, "ended by SIGSEGV: Fatal Python error"),
        (134, 6, "ended by SIGABRT: Fatal Python error"),
        (128 + 63, 63, "ended by signal 63: Fatal Python error"),
        (1, None, "Fatal Python error"),
        (255, None, "Fatal Python error"),
    ],
)
def test_a_crash_by_a_signal_names_it(code: int, number: int | None, told: str) -> None:
    failing = pod(terminated=ended(code, "Fatal Python error"))
    failure = diagnose_pod("Trend", job(), failing, NOW)
    assert (failure.signal, failure.message) == (number, told)


def test_the_signal_that_the_kubelet_names_counts() -> None:
    failing = pod(terminated={**ended(1), "signal": 7})
    failure = diagnose_pod("Trend", job(), failing, NOW)
    assert (failure.signal, failure.message) == (7, "ended by SIGBUS")


def test_a_preflight_that_fails_is_named_as_the_container() -> None:
    failing = pod(container="preflight", terminated=ended(77, "key refused"))
    failure = diagnose_job("Data", job("PodFailurePolicy"), [failing], NOW)
    assert (failure.container, failure.message) == ("preflight", "key refused")


def test_out_of_memory_names_the_limit_and_the_remedy() -> None:
    failing = pod(terminated=ended(137, "", "OOMKilled"))
    failure = diagnose_job("Trend", job(), [failing], NOW)
    assert failure.message == "killed at its memory limit of 4Gi; raise resources.limits.memory"
    assert failure.signal == 9


def test_a_container_that_its_limit_does_not_even_let_start_is_out_of_memory() -> None:
    message = "runc create failed: container init was OOM-killed (memory limit too low?)"
    failing = pod(terminated=ended(128, message, "StartError"))
    assert diagnose_job("Data", job(), [failing], NOW).failure_class == "OutOfMemory"


def test_a_deadline_is_the_jobs_own_reason() -> None:
    failure = diagnose_job("Trend", job("DeadlineExceeded"), [], NOW)
    assert failure.failure_class == "Deadline"
    assert "600 s" in failure.message


def test_a_job_that_was_too_late_keeps_what_its_pod_waited_for() -> None:
    late = job("DeadlineExceeded")
    waited = diagnose_pod("Trend", late, pod(), NOW).model_copy(
        update={"failure_class": "ImagePull", "message": "no such image", "time": "2026-01-01"}
    )
    told = diagnose_job("Trend", late, [], NOW, waited)
    assert (told.failure_class, told.time) == ("ImagePull", NOW)
    assert told.message == "had not begun after 600 s: no such image"
    assert diagnose_job("Trend", late, [], NOW, told) == told
    for other in ({"job": "another"}, {"exit_code": 1}, {"failure_class": "Crash"}):
        known = waited.model_copy(update=other)
        assert diagnose_job("Trend", late, [], NOW, known).failure_class == "Deadline"


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ({"reason": "Evicted", "message": "low on resource: memory"}, None, "Evicted"),
        ({"reason": "Evicted"}, "TerminationByKubelet", "Evicted"),
        ({}, "EvictionByEvictionAPI", "Evicted"),
        ({}, "PreemptionByScheduler", "Preempted"),
        ({"reason": "Preempting", "message": "to admit a critical pod"}, None, "Preempted"),
        ({}, "DeletionByTaintManager", "Node"),
        ({}, "DeletionByPodGC", "Node"),
        ({"reason": "NodeLost"}, None, "Node"),
        ({"reason": "Terminated", "message": "imminent node shutdown"}, None, "Node"),
        ({"reason": "UnexpectedAdmissionError"}, None, "Node"),
        ({"reason": "OutOfcpu", "message": "enough resource: cpu"}, None, "Unschedulable"),
        ({"reason": "OutOfmemory"}, None, "Unschedulable"),
        ({"reason": "NodeAffinity"}, None, "Unschedulable"),
        ({}, "SomethingNew", "Evicted"),
    ],
)
@pytest.mark.parametrize("state", [{}, {"terminated": ended(137)}, {"terminated": ended(143)}])
def test_a_pod_that_was_pushed_out_is_no_crash(
    status: Manifest, reason: str | None, expected: str, state: dict[str, Any]
) -> None:
    gone = pod(**state)
    gone["status"].update(status)
    if reason is not None:
        gone = with_condition(gone, "DisruptionTarget", reason=reason, message="why")
    failure = diagnose_job("Trend", job(), [gone], NOW)
    assert (failure.failure_class, failure.retryable) == (expected, True)
    assert failure.pod == "bot-trend-x"


@pytest.mark.parametrize("code", [137, 143])
def test_a_pod_that_somebody_deleted_is_not_out_of_memory(code: int) -> None:
    deleted = pod(terminated=ended(code))
    deleted["metadata"].update(DELETED)
    assert diagnose_pod("Trend", job(), deleted, NOW).failure_class == "Evicted"
    oom = pod(terminated=ended(1, reason="OOMKilled"))
    oom["metadata"].update(DELETED)
    assert diagnose_pod("Trend", job(), oom, NOW).failure_class == "OutOfMemory"


def test_a_failed_job_without_pods_gives_the_jobs_words() -> None:
    assert diagnose_job("Trend", job(), [], NOW).message == "too many"


def test_the_last_of_several_failed_pods_counts() -> None:
    older = pod(terminated={**ended(1, "older"), "finishedAt": "2026-02-01T00:00:00Z"})
    newer = pod(terminated=ended(69, "newer"))
    assert diagnose_job("Trend", job(), [newer, older], NOW).message == "newer"
