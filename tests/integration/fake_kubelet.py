"""A kubelet that runs nothing: it ends pods with the messages that the real programs would leave.

The Job and CronJob controllers are real; they see pods that have ended and do the rest.
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot_operator.api.resources import to_time
from bot_runtime.contract import names
from tests.integration.api import MERGE, Api, Refused
from tests.operator_messages import evaluation_message, inference_message, step_message

Object = dict[str, Any]
Outcome = Callable[[Object], "Object | None"]


@dataclass
class FakeKubelet:
    """Ends the pods of one namespace, by the step that their labels name."""

    api: Api
    namespace: str
    promoted: bool = True
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By step: the whole pod status to set, or None to leave the pod as it is for now."""
    bots: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    """By bot, then step; looked at before `outcomes`."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "FakeKubelet":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def step(self) -> None:
        """Look at every pod once."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        for pod in self.api.request("GET", path)["items"]:
            if pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
                continue
            status = self._outcome(pod)
            if status is not None and any(pod["status"].get(k) != v for k, v in status.items()):
                target = f"{path}/{pod['metadata']['name']}/status"
                self.api.request("PATCH", target, {"status": status}, MERGE)

    def _run(self) -> None:
        while not self._stop.wait(0.15):
            with suppress(Refused, OSError):
                self.step()

    def _outcome(self, pod: Object) -> Object | None:
        labels = pod["metadata"].get("labels", {})
        step = labels.get(names.LABEL_STEP, "Inference")
        outcomes = {**self.outcomes, **self.bots.get(labels.get(names.LABEL_BOT, ""), {})}
        if step in outcomes:
            return outcomes[step](pod)
        return succeeded(self.message(pod, step))

    def message(self, pod: Object, step: str) -> str:
        """Return the termination message of the step's real program."""
        run = self._run_configuration(pod)
        if step == "Evaluation":
            return evaluation_message(run, promoted=self.promoted)
        if step == "Inference":
            return inference_message(run, datetime.now(UTC))
        return step_message(run, step)

    def _run_configuration(self, pod: Object) -> Object:
        name = next(v["configMap"]["name"] for v in pod["spec"]["volumes"] if "configMap" in v)
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{name}"
        found: Object = json.loads(self.api.request("GET", path)["data"][names.CONFIG_FILE])
        return found


def succeeded(message: str) -> Object:
    """Return the status of a pod that ended well and left `message`."""
    return _ended("Succeeded", {"exitCode": 0, "reason": "Completed", "message": message})


def failed(exit_code: int, message: str = "", reason: str = "Error") -> Object:
    """Return the status of a pod that ended badly."""
    return _ended("Failed", {"exitCode": exit_code, "reason": reason, "message": message})


def waiting(reason: str, message: str) -> Object:
    """Return the status of a pod whose container cannot start."""
    container = _container({"waiting": {"reason": reason, "message": message}})
    return {"phase": "Pending", "containerStatuses": [container]}


def _ended(phase: str, terminated: Object) -> Object:
    now = to_time(datetime.now(UTC))
    state = {**terminated, "startedAt": now, "finishedAt": now}
    return {"phase": phase, "containerStatuses": [_container({"terminated": state})]}


def _container(state: Object) -> Object:
    return {
        "name": names.CONTAINER_NAME,
        "state": state,
        "image": "example.org/train:1.0.0",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
    }
