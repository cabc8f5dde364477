"""Diagnosis: what the state of a pod or Job says about a failure or a wait.

Only statuses are read, never logs: a container's last words come up as its termination message.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from bot_operator.resources import Manifest, condition_of, from_time, is_true, name_of
from bot_runtime.contract import names
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.failures import (
    CLASS_OF_EXIT_CODE,
    HEALS_BY_WAITING,
    MESSAGE_MAX,
    FailureClass,
    LastFailure,
)
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.signal import SUPPORTED_CONTRACT_VERSIONS

UNSCHEDULABLE_GRACE_SECONDS = 15.0
_KILLED = 137

_PULL_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    }
)
_CREATE_REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
_SECRET_LIKE = re.compile(
    r"(?i)((?:api[-_ ]?key|api[-_ ]?secret|secret|token|signature|password|passphrase)"
    r"['\"]?\s*[=:]\s*)['\"]?[^\s'\",&]+"
)
_LONG_TOKEN = re.compile(
    r"\b(?=[A-Za-z0-9+/_-]*[0-9])(?=[A-Za-z0-9+/_-]*[A-Z])(?=[A-Za-z0-9+/_-]*[a-z])"
    r"[A-Za-z0-9+/_-]{40,}"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod waits; it clears by itself when the cause is gone."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that nobody can believe, and what was found instead."""

    found: str
    other_contract: bool = False


def read_result(text: str, step: str, run_digest: str) -> StepResult | Unreadable:
    """Return the result in a termination message, if it speaks of this step of this run."""
    if not text.strip():
        return Unreadable("left no result")
    try:
        result = StepResult.model_validate_json(text)
    except ValidationError as e:
        version = _contract_version(text)
        if version is not None and version not in SUPPORTED_CONTRACT_VERSIONS:
            return _other_contract(version)
        first = e.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "message"
        return Unreadable(f"left no readable result ({where}: {first['msg']}): {_clip(text, 120)}")
    if result.contract_version not in SUPPORTED_CONTRACT_VERSIONS:
        return _other_contract(result.contract_version)
    if result.step != step:
        return Unreadable(f"left the result of step {result.step}, not of {step}")
    if result.run_digest != run_digest:
        found = result.run_digest[:10] or "none"
        return Unreadable(f"speaks for run configuration {found}, not for {run_digest[:10]}")
    return result


def termination_of(pod: Manifest, container: str = names.CONTAINER_NAME) -> Manifest | None:
    """Return the `terminated` state of a container, None while it has none."""
    for status in _container_statuses(pod):
        if status["name"] == container:
            terminated: Manifest | None = (status.get("state") or {}).get("terminated")
            return terminated
    return None


def finished_at(pod: Manifest) -> str:
    """Return when the pod's last container ended, empty while none has."""
    ends = [(s.get("state") or {}).get("terminated") or {} for s in _container_statuses(pod)]
    return max((str(end.get("finishedAt") or "") for end in ends), default="")


def find_trouble(pods: Iterable[Manifest], now: datetime) -> Trouble | None:
    """Return why one of the pods waits, None where none does for long."""
    for pod in pods:
        trouble = _trouble_of(pod, now)
        if trouble is not None:
            return trouble
    return None


def diagnose_job(step: str, job: Manifest, pods: Iterable[Manifest], now: str) -> LastFailure:
    """Return what made a failed Job fail: the Job's own reason, else its last pod's."""
    ended = sorted((p for p in pods if _has_failed(p)), key=finished_at)
    condition = condition_of(job, "Failed") or {}
    at = str(condition.get("lastTransitionTime") or now)
    words = str(condition.get("message", ""))
    if condition.get("reason") == "DeadlineExceeded":
        limit = job["spec"].get("activeDeadlineSeconds")
        text = f"took longer than its {limit} s; raise deadlineSeconds or train on less"
        return _failure(step, job, FailureClass.DEADLINE, text, time=at)
    if not ended:
        return _failure(step, job, FailureClass.CRASH, words or "no pod is left to ask", time=at)
    return diagnose_pod(step, job, ended[-1], at)


def diagnose_pod(step: str, job: Manifest | None, pod: Manifest, time: str) -> LastFailure:
    """Return what made a failed pod fail."""
    status = pod.get("status", {})
    if status.get("reason") == "Evicted" or is_true(pod, "DisruptionTarget"):
        condition = condition_of(pod, "DisruptionTarget") or {}
        text = str(status.get("message") or condition.get("message") or "pushed out by its node")
        return _failure(step, job, FailureClass.EVICTED, text, time=time, pod=pod)
    for container in _container_statuses(pod):
        ended = (container.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode", 0) != 0:
            return _diagnose_container(step, job, pod, container, time)
    text = str(status.get("message") or status.get("reason") or "the pod failed without a word")
    return _failure(step, job, FailureClass.CRASH, text, time=time, pod=pod)


def scrub(text: str) -> str:
    """Return `text` without what looks like a key or a token."""
    return _LONG_TOKEN.sub("***", _SECRET_LIKE.sub(r"\1***", text))


def last_words(text: str) -> str:
    """Return the error in a termination message, or the last line of a log, scrubbed."""
    try:
        error = StepResult.model_validate_json(text).error
        found = error.message if error is not None else text
    except ValidationError:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        found = lines[-1] if lines else ""
    return _clip(scrub(found), MESSAGE_MAX)


def _diagnose_container(
    step: str, job: Manifest | None, pod: Manifest, container: Manifest, time: str
) -> LastFailure:
    ended = container["state"]["terminated"]
    code = int(ended.get("exitCode", 1))
    said = last_words(str(ended.get("message") or ""))
    if _is_out_of_memory(ended):
        limit = _memory_limit(job, container["name"])
        kind = FailureClass.OUT_OF_MEMORY
        text = f"killed at its memory limit{limit}; raise resources.limits.memory"
    else:
        kind = CLASS_OF_EXIT_CODE.get(code, FailureClass.CRASH)
        text = said or f"ended with exit code {code} and no message"
    failure = _failure(step, job, kind, text, time=time, pod=pod)
    return failure.model_copy(update={"container": container["name"], "exit_code": code})


def _is_out_of_memory(ended: Manifest) -> bool:
    # The kernel may kill a child, or the program before it has begun: then no reason is given, and
    # nothing but the limit kills a pod of ours that its node has not pushed out.
    return (
        ended.get("reason") == "OOMKilled"
        or ended.get("exitCode") == _KILLED
        or "OOM-killed" in str(ended.get("message") or "")
    )


def _failure(  # noqa: PLR0913 - the parts of one failure
    step: str,
    job: Manifest | None,
    kind: FailureClass,
    text: str,
    *,
    time: str,
    pod: Manifest | None = None,
) -> LastFailure:
    return LastFailure(
        step=step,
        job=None if job is None else name_of(job),
        pod=None if pod is None else name_of(pod),
        failure_class=kind,
        message=_clip(scrub(text), MESSAGE_MAX),
        time=time,
        retryable=kind in HEALS_BY_WAITING,
    )


def _trouble_of(pod: Manifest, now: datetime) -> Trouble | None:
    if pod.get("status", {}).get("phase") not in {None, "Pending"}:
        return None
    for container in _container_statuses(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, words = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        if reason in _PULL_REASONS:
            text = f"image {container.get('image')} cannot be pulled ({reason}): {words}"
            return Trouble(Reason.IMAGE_PULL_FAILED, _clip(text, MESSAGE_MAX))
        if reason in _CREATE_REASONS:
            found = Reason.SECRET_MISSING if "secret" in words else Reason.POD_REFUSED
            return Trouble(found, _clip(f"{name_of(pod)}: {reason}: {words}", MESSAGE_MAX))
    return _scheduling_trouble(pod, now)


def _scheduling_trouble(pod: Manifest, now: datetime) -> Trouble | None:
    scheduled = condition_of(pod, "PodScheduled") or {}
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    since = from_time(str(scheduled.get("lastTransitionTime")))
    if (now - since).total_seconds() < UNSCHEDULABLE_GRACE_SECONDS:
        return None
    text = f"no node takes the pod: {scheduled.get('message', '')}"
    return Trouble(Reason.UNSCHEDULABLE, _clip(text, MESSAGE_MAX))


def _container_statuses(pod: Manifest) -> list[Manifest]:
    status = pod.get("status", {})
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def _has_failed(pod: Manifest) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Failed")


def _memory_limit(job: Manifest | None, container: str) -> str:
    if job is None:
        return ""
    pod: dict[str, Any] = job["spec"].get("template", {}).get("spec", {})
    for found in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        if found["name"] == container:
            limit = found.get("resources", {}).get("limits", {}).get("memory")
            return f" of {limit}" if limit else ""
    return ""


def _contract_version(text: str) -> int | None:
    match = re.search(r'"contractVersion"\s*:\s*([0-9]{1,9})', text)
    return int(match[1]) if match else None


def _other_contract(version: int) -> Unreadable:
    spoken = ", ".join(map(str, SUPPORTED_CONTRACT_VERSIONS))
    return Unreadable(
        f"speaks contract version {version}; this operator reads {spoken}: run the images of its "
        "release",
        other_contract=True,
    )


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
