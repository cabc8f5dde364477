"""States of failed Jobs and pods, and the class of failure that is told."""

from datetime import timedelta
from typing import Any

import pytest

from bot_operator.api.resources import Manifest, to_time
from bot_operator.signs.pod_failures import Scene, diagnose_job, diagnose_pod
from tests.unit.bot_operator.shapes import NOW, ended, job, pod, pod_of, with_condition
from tests.unit.bot_operator.world import START

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
    failure = diagnose_pod(Scene("Trend", job(), failing), NOW)
    assert (failure.signal, failure.message) == (number, told)


def test_the_signal_that_the_kubelet_names_counts() -> None:
    failing = pod(terminated={**ended(1), "signal": 7})
    failure = diagnose_pod(Scene("Trend", job(), failing), NOW)
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
    waited = diagnose_pod(Scene("Trend", late, pod()), NOW).model_copy(
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


def past_deadline(**states: Manifest) -> Manifest:
    """Return a pod that its kubelet ended after 40 s, with containers in these states."""
    past = pod_of("Failed", **states)
    message = "Pod was active on the node longer than the specified deadline"
    past["status"] |= {"reason": "DeadlineExceeded", "message": message}
    past["spec"] = {"activeDeadlineSeconds": 40}
    return past


def at(seconds: int, code: int, reason: str = "Error") -> Manifest:
    """Return the state of a container that ended so many seconds after the start."""
    times = {"startedAt": NOW, "finishedAt": to_time(START + timedelta(seconds=seconds))}
    return {"terminated": {**ended(code, "its own word", reason), **times}}


LOST = {**ended(137, "", "ContainerStatusUnknown"), "finishedAt": None}
"""How a kubelet tells of a container that never began, when it has ended its pod."""


@pytest.mark.parametrize(
    ("state", "expected", "code"),
    [
        (at(40, 143), "Deadline", None),
        (at(70, 137), "Deadline", None),
        (at(70, 137, "OOMKilled"), "Deadline", None),
        (at(41, 69), "Deadline", None),
        (at(41, 66), "Deadline", None),
        (at(39, 69), "Exchange", 69),
        (at(5, 137), "OutOfMemory", 137),
        (at(5, 143), "Crash", 143),
        ({"terminated": LOST}, "Deadline", None),
        ({"waiting": {"reason": "ContainerCreating"}}, "Deadline", None),
        ({"running": {"startedAt": NOW}}, "Deadline", None),
    ],
)
def test_a_pods_own_deadline_goes_before_exit_codes_after_it(
    state: Manifest, expected: str, code: int | None
) -> None:
    past = past_deadline(runtime=state, trade=at(70, 137))
    failure = diagnose_pod(Scene("Inference", job(), past), NOW)
    assert (failure.failure_class, failure.exit_code) == (expected, code)
    assert ("longer than its 40 s" in failure.message) == (expected == "Deadline")


def test_a_deadline_is_known_by_the_clock_before_its_kubelet_names_it() -> None:
    """A kubelet tells of the container that it has killed, and a moment later why."""
    killed = past_deadline(runtime=at(40, 137), trade=at(5, 69))
    killed["status"] |= {"phase": "Running", "reason": None}
    failure = diagnose_pod(Scene("Inference", job(), killed), NOW)
    assert (failure.failure_class, failure.exit_code) == ("Deadline", None)
    trade = diagnose_pod(Scene("Trade", job(), killed, "trade"), NOW)
    assert (trade.failure_class, trade.exit_code) == ("Exchange", 69)


def test_a_pod_that_did_not_begin_before_its_deadline_keeps_what_it_waited_for() -> None:
    past = past_deadline(runtime={"waiting": {"reason": "ImagePullBackOff"}})
    waited = diagnose_pod(Scene("Inference", job(), pod()), NOW).model_copy(
        update={"failure_class": "ImagePull", "message": "no such image"}
    )
    end = to_time(START + timedelta(seconds=40))
    told = diagnose_pod(Scene("Inference", job(), past), end, waited)
    assert (told.failure_class, told.time) == ("ImagePull", end)
    assert told.message == "had not begun after 40 s: no such image"
    assert diagnose_pod(Scene("Inference", job(), past), end, told) == told
    begun = past_deadline(runtime=at(40, 143))
    assert diagnose_pod(Scene("Inference", job(), begun), end, waited).failure_class == "Deadline"


def test_a_container_that_was_over_before_its_pod_was_pushed_out_speaks_for_itself() -> None:
    pushed_out = pod_of("Failed", runtime=at(5, 66), trade=at(40, 143))
    since = to_time(START + timedelta(seconds=30))
    pushed_out = with_condition(pushed_out, "DisruptionTarget", lastTransitionTime=since)
    assert diagnose_pod(Scene("Inference", job(), pushed_out), NOW).failure_class == "Artifact"
    trade = diagnose_pod(Scene("Trade", job(), pushed_out, "trade"), NOW)
    assert trade.failure_class == "Evicted"


@pytest.mark.parametrize("phase", ["Pending", "Running", "Failed"])
def test_what_becomes_of_another_container_is_no_cause(phase: str) -> None:
    two = pod_of(phase, trade=at(1, 137, "OOMKilled"), runtime=at(5, 69))
    failure = diagnose_pod(Scene("Inference", job(), two), NOW)
    assert (failure.failure_class, failure.container) == ("Exchange", "runtime")
    failure = diagnose_pod(Scene("Trade", job(), two, "trade"), NOW)
    assert (failure.failure_class, failure.container) == ("OutOfMemory", "trade")


@pytest.mark.parametrize("code", [137, 143])
def test_a_pod_that_somebody_deleted_is_not_out_of_memory(code: int) -> None:
    deleted = pod(terminated=ended(code))
    deleted["metadata"].update(DELETED)
    assert diagnose_pod(Scene("Trend", job(), deleted), NOW).failure_class == "Evicted"
    oom = pod(terminated=ended(1, reason="OOMKilled"))
    oom["metadata"].update(DELETED)
    assert diagnose_pod(Scene("Trend", job(), oom), NOW).failure_class == "OutOfMemory"


def test_a_failed_job_without_pods_gives_the_jobs_words() -> None:
    assert diagnose_job("Trend", job(), [], NOW).message == "too many"


def test_the_last_of_several_failed_pods_counts() -> None:
    older = pod(terminated={**ended(1, "older"), "finishedAt": "2026-02-01T00:00:00Z"})
    newer = pod(terminated=ended(69, "newer"))
    assert diagnose_job("Trend", job(), [newer, older], NOW).message == "newer"
