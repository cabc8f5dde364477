"""Diagnosis: what the state of a failed Job or pod says of its cause, as a class of a closed list.

Only statuses are read, never logs: a container's last words come up as its termination message.
"""

import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot_operator.api.resources import Manifest, condition_of, is_deleting, is_true, name_of
from bot_operator.signs.container_ends import (
    deadline_of,
    finished_at,
    is_past_deadline,
    own_statuses,
    pod_ended_at,
    termination_of,
)
from bot_operator.signs.termination_messages import last_words, plain
from bot_runtime.contract import names
from bot_runtime.contract.failures import (
    CLASS_OF_EXIT_CODE,
    HEALS_BY_WAITING,
    MESSAGE_MAX,
    FailureClass,
    LastFailure,
)

_KILLED = 128 + signal.SIGKILL
_TERMINATED = 128 + signal.SIGTERM
_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
_ENDINGS = frozenset({FailureClass.CRASH, FailureClass.DEADLINE, FailureClass.OUTCOME_LOST})

# https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
_CLASS_OF_DISRUPTION = {
    "PreemptionByScheduler": FailureClass.PREEMPTED,
    "DeletionByTaintManager": FailureClass.NODE,
    "DeletionByPodGC": FailureClass.NODE,
}
# status.reason of a pod, as the kubelet and the node controller set it.
_CLASS_OF_POD_REASON = {
    "Evicted": FailureClass.EVICTED,
    "Preempting": FailureClass.PREEMPTED,
    "NodeLost": FailureClass.NODE,
    "NodeShutdown": FailureClass.NODE,
    "Terminated": FailureClass.NODE,
    "UnexpectedAdmissionError": FailureClass.NODE,
    "NodeAffinity": FailureClass.UNSCHEDULABLE,
}
_OUT_OF = "OutOf"
"""Beginning of the kubelet's reasons for a pod that its node has no room for: OutOfcpu."""


_COUNT = re.compile(r"0x[0-9a-f]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Scene:
    """Where something went wrong: the step, its Job and container and, where known, the pod."""

    step: str
    job: Manifest | None = None
    pod: Manifest | None = None
    container: str = names.CONTAINER_NAME
    """The one that runs the step; what becomes of the pod's others says nothing of it."""

    def failure(self, kind: FailureClass, text: str, time: str) -> LastFailure:
        """Return a failure of this class here; `text` is scrubbed and cut."""
        return LastFailure(
            step=self.step,
            job=None if self.job is None else name_of(self.job),
            pod=None if self.pod is None else name_of(self.pod),
            failure_class=kind,
            message=plain(text, MESSAGE_MAX),
            time=time,
            retryable=kind in HEALS_BY_WAITING,
        )


def diagnose_job(
    step: str, job: Manifest, pods: Iterable[Manifest], now: str, known: LastFailure | None = None
) -> LastFailure:
    """Return what made a failed Job fail: the Job's own reason, else its last pod's.

    `known` is the failure on record: what kept the pod from starting is why it was too late.
    """
    ended = sorted((p for p in pods if _has_failed(p)), key=finished_at)
    condition = condition_of(job, "Failed") or {}
    at = str(condition.get("lastTransitionTime") or now)
    if condition.get("reason") == "DeadlineExceeded":
        limit = job["spec"].get("activeDeadlineSeconds")
        return _diagnose_deadline(Scene(step, job), limit, at, known)
    if not ended:
        words = str(condition.get("message") or "no pod is left to ask")
        return Scene(step, job).failure(FailureClass.CRASH, words, at)
    return diagnose_pod(Scene(step, job, ended[-1]), at)


def diagnose_pod(scene: Scene, time: str, known: LastFailure | None = None) -> LastFailure:
    """Return what made the container of a pod fail, or never begin.

    What ended the whole pod goes first, unless the container had ended by itself before. `known`
    is the failure on record: what kept the pod from starting is why it was too late.
    """
    assert scene.pod is not None
    pod, status = scene.pod, scene.pod.get("status", {})
    failed = next((c for c in own_statuses(pod, scene.container) if _exit_code(c)), None)
    pushed_out = _class_of_disruption(pod)
    if failed is not None and _was_over(pod, failed["state"]["terminated"]):
        return _diagnose_container(scene, failed, time)
    if is_past_deadline(pod):
        begun = (termination_of(pod, scene.container) or {}).get("startedAt")
        return _diagnose_deadline(scene, deadline_of(pod), time, None if begun else known)
    if pushed_out is not None:
        condition = condition_of(pod, "DisruptionTarget") or {}
        text = status.get("message") or condition.get("message") or "pushed out by its node"
        return scene.failure(pushed_out, str(text), time)
    if failed is not None:
        return _diagnose_container(scene, failed, time)
    text = str(status.get("message") or status.get("reason") or "the pod failed without a word")
    return scene.failure(FailureClass.CRASH, text, time)


def _exit_code(container: Manifest) -> int:
    """Return the exit code of a container that has ended, else 0."""
    return int(((container.get("state") or {}).get("terminated") or {}).get("exitCode") or 0)


def _was_over(pod: Manifest, ended: Manifest) -> bool:
    """Tell whether a container had ended before its pod was ended as a whole."""
    at, finished = pod_ended_at(pod), str(ended.get("finishedAt") or "")
    if at is None or not finished or finished >= at:
        return False
    # Its kubelet knows the deadline by its own clock; who else ends a pod may have another one.
    killed = ended.get("exitCode") in {_KILLED, _TERMINATED} and ended.get("reason") != "OOMKilled"
    return is_past_deadline(pod) or not killed


def keep_known(known: LastFailure | None, found: LastFailure) -> LastFailure:
    """Return the failure on record where `found` is the same once more, as at every further try.

    Another pod, a later time and other numbers in the message are no news.
    """
    if known is None or _COUNT.sub("", known.message) != _COUNT.sub("", found.message):
        return found
    same = {"pod": known.pod, "time": known.time, "message": known.message}
    return known if found.model_copy(update=same) == known else found


def _diagnose_deadline(
    scene: Scene, limit: int | None, at: str, known: LastFailure | None
) -> LastFailure:
    assert scene.job is not None
    if (
        known is None
        or known.job != name_of(scene.job)
        or known.exit_code is not None
        or known.failure_class in _ENDINGS
    ):
        remedy = "raise deadlineSeconds or the CPU limit, or give it less to do"
        text = f"took longer than its {limit} s; {remedy}"
        return scene.failure(FailureClass.DEADLINE, text, at)
    if known.time == at:
        return known
    text = f"had not begun after {limit} s: {known.message}"
    return known.model_copy(update={"message": plain(text, MESSAGE_MAX), "time": at})


def _class_of_disruption(pod: Manifest) -> FailureClass | None:
    reason = str(pod.get("status", {}).get("reason") or "")
    if reason.startswith(_OUT_OF):
        return FailureClass.UNSCHEDULABLE
    if reason in _CLASS_OF_POD_REASON:
        return _CLASS_OF_POD_REASON[reason]
    if not is_true(pod, "DisruptionTarget"):
        return None
    condition = condition_of(pod, "DisruptionTarget") or {}
    return _CLASS_OF_DISRUPTION.get(str(condition.get("reason")), FailureClass.EVICTED)


def _diagnose_container(scene: Scene, container: Manifest, time: str) -> LastFailure:
    assert scene.pod is not None
    ended = container["state"]["terminated"]
    code = int(ended.get("exitCode", 1))
    number = int(ended.get("signal") or (code - 128 if 128 < code <= 128 + 64 else 0)) or None
    kind, text = _judge_end(scene, container, ended, number)
    failure = scene.failure(kind, text, time)
    found = {"container": container["name"], "exit_code": code, "signal": number}
    return failure.model_copy(update=found)


def _judge_end(
    scene: Scene, container: Manifest, ended: Manifest, number: int | None
) -> tuple[FailureClass, str]:
    assert scene.pod is not None
    code = int(ended.get("exitCode", 1))
    said = last_words(str(ended.get("message") or ""))
    if ended.get("reason") == "ContainerStatusUnknown":
        return FailureClass.NODE, said or "its node lost track of the container"
    if is_deleting(scene.pod) and code in {_KILLED, _TERMINATED}:
        return FailureClass.EVICTED, "the pod was deleted while it ran"
    if is_out_of_memory(ended):
        limit = memory_limit(scene.job, container["name"])
        of_limit = f" of {limit}" if limit else ""
        return (
            FailureClass.OUT_OF_MEMORY,
            f"killed at its memory limit{of_limit}; raise resources.limits.memory",
        )
    if ended.get("reason") in _NOT_STARTED:
        return FailureClass.CONFIGURATION, f"the container cannot start: {said}"
    if number is not None:
        return FailureClass.CRASH, f"ended by {_name_of_signal(number)}" + (said and f": {said}")
    kind = CLASS_OF_EXIT_CODE.get(code, FailureClass.CRASH)
    return kind, said or f"ended with exit code {code} and no message"


def is_out_of_memory(ended: Manifest) -> bool:
    """Tell whether a `terminated` state is the work of the memory limit."""
    # The kernel may kill a child, or the program before it has begun: then no reason is given, and
    # nothing but the limit kills a pod of ours that nobody deletes and its node keeps.
    return (
        ended.get("reason") == "OOMKilled"
        or ended.get("exitCode") == _KILLED
        or "OOM-killed" in str(ended.get("message") or "")
    )


def memory_limit(job: Manifest | None, container: str) -> str | None:
    """Return the memory limit of a container of the Job's pods, as the manifest spells it."""
    if not job:
        return None
    pod: dict[str, Any] = job["spec"].get("template", {}).get("spec", {})
    for found in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        if found["name"] == container:
            limit = found.get("resources", {}).get("limits", {}).get("memory")
            return None if limit is None else str(limit)
    return None


def _name_of_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _has_failed(pod: Manifest) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Failed")
