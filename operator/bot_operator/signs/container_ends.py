"""Ends of containers: whether a container of a pod has ended, when, and what ended its pod.

A pod may have several, of which one goes on or fails where another has done its work. So nothing
is judged by the phase of the pod alone.
"""

from datetime import timedelta

from bot_operator.api.resources import (
    Manifest,
    condition_of,
    container_statuses,
    from_time,
    to_time,
)
from bot_runtime.contract import names

PAST_DEADLINE = "DeadlineExceeded"
"""status.reason of a pod that its kubelet ended at its activeDeadlineSeconds."""
_ENDED = frozenset({"Succeeded", "Failed"})


def termination_of(pod: Manifest, container: str = names.CONTAINER_NAME) -> Manifest | None:
    """Return the `terminated` state of a container, None while it has none."""
    for status in container_statuses(pod):
        if status["name"] == container:
            terminated: Manifest | None = (status.get("state") or {}).get("terminated")
            return terminated
    return None


def own_statuses(pod: Manifest, container: str = names.CONTAINER_NAME) -> list[Manifest]:
    """Return the statuses that tell of a container: those of the init containers and its own."""
    status = pod.get("status", {})
    own = [s for s in status.get("containerStatuses") or () if s["name"] == container]
    return [*(status.get("initContainerStatuses") or ()), *own]


def has_ended(pod: Manifest, container: str = names.CONTAINER_NAME) -> bool:
    """Tell whether a container has ended, or can no longer begin: a pod of ours starts it once."""
    ended = termination_of(pod, container) is not None
    return ended or pod.get("status", {}).get("phase") in _ENDED


def finished_at(pod: Manifest, container: str = names.CONTAINER_NAME) -> str:
    """Return when a container ended; where it never began, when its pod was ended."""
    ends = [(s.get("state") or {}).get("terminated") or {} for s in own_statuses(pod, container)]
    last = max((str(end.get("finishedAt") or "") for end in ends), default="")
    began = pod.get("status", {}).get("startTime") or pod["metadata"].get("creationTimestamp")
    return last or pod_ended_at(pod) or str(began or "")


def pod_ended_at(pod: Manifest) -> str | None:
    """Return when its deadline or its node ended the pod, None where nothing says so."""
    due = _due_at(pod)
    if is_past_deadline(pod) and due is not None:
        return due
    at = (condition_of(pod, "DisruptionTarget") or {}).get("lastTransitionTime")
    return None if at is None else str(at)


def is_past_deadline(pod: Manifest) -> bool:
    """Tell whether its kubelet has ended the pod at the pod's own deadline.

    It tells of the containers that it has killed a moment before it says why.
    """
    if pod.get("status", {}).get("reason") == PAST_DEADLINE:
        return True
    due = _due_at(pod)
    ends = ((s.get("state") or {}).get("terminated") or {} for s in container_statuses(pod))
    return due is not None and any(str(end.get("finishedAt") or "") >= due for end in ends)


def _due_at(pod: Manifest) -> str | None:
    """Return when the pod's own deadline is; None where it has none or has not begun."""
    limit, began = deadline_of(pod), pod.get("status", {}).get("startTime")
    if limit is None or began is None:
        return None
    return to_time(from_time(str(began)) + timedelta(seconds=limit))


def deadline_of(pod: Manifest) -> int | None:
    """Return the seconds that the pod may take, None where it has no deadline of its own."""
    limit = pod.get("spec", {}).get("activeDeadlineSeconds")
    return None if limit is None else int(limit)
