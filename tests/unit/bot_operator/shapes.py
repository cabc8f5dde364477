"""Jobs and pods in the shapes in which Kubernetes 1.32 and later leave them."""

from datetime import timedelta
from typing import Any

from bot_operator.api.resources import Manifest, to_time
from tests.unit.bot_operator.world import START

NOW = to_time(START)


def job(reason: str = "BackoffLimitExceeded", message: str = "too many") -> Manifest:
    """Return a Job of the step Trend that has failed."""
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": NOW,
    }
    return {**running_job(), "status": {"conditions": [condition]}}


def running_job() -> Manifest:
    """Return a Job of the step Trend that runs."""
    limits = {"limits": {"memory": "4Gi"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "bot-trend",
            "namespace": "bots",
            "uid": "u1",
            "creationTimestamp": NOW,
        },
        "spec": {
            "activeDeadlineSeconds": 600,
            "template": {"spec": {"containers": [{"name": "runtime", "resources": limits}]}},
        },
        "status": {"startTime": NOW},
    }


def pod(phase: str = "Failed", container: str = "runtime", **state: Any) -> Manifest:
    """Return a pod of it with one container in this state."""
    key = "initContainerStatuses" if container == "preflight" else "containerStatuses"
    status: Manifest = {"phase": phase, "startTime": NOW}
    if state:
        status[key] = [{"name": container, "image": "x:1", "state": state}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bot-trend-x", "namespace": "bots", "uid": "p1"},
        "status": status,
    }


def pod_of(phase: str, **states: Manifest) -> Manifest:
    """Return a pod of it with several containers in these states, by name."""
    found = pod(phase)
    found["status"]["containerStatuses"] = [
        {"name": name, "image": "x:1", "state": state} for name, state in states.items()
    ]
    return found


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    """Return the `terminated` state of a container."""
    return {"exitCode": code, "message": message, "reason": reason, "finishedAt": NOW}


def with_condition(manifest: Manifest, kind: str, status: str = "True", **parts: str) -> Manifest:
    """Return the object with one more condition."""
    condition = {"type": kind, "status": status, "lastTransitionTime": NOW, **parts}
    conditions = [*manifest["status"].get("conditions", []), condition]
    return {**manifest, "status": {**manifest["status"], "conditions": conditions}}


def pod_event(reason: str, message: str, seconds: float = 0, kind: str = "Warning") -> Manifest:
    """Return an Event about the pod, first seen `seconds` after the start."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"e{seconds}", "namespace": "bots"},
        "involvedObject": {"kind": "Pod", "name": "bot-trend-x", "uid": "p1"},
        "type": kind,
        "reason": reason,
        "message": message,
        "firstTimestamp": to_time(START + timedelta(seconds=seconds)),
    }
