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
from tests.operator_messages import (
    evaluation_message,
    inference_message,
    step_message,
    trade_message,
)

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

    trades: Object = field(default_factory=dict)
    """What the next runs that trade tell beside an account that holds nothing."""
    runs: int = 0
    """How many have told so far."""

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
        message = self.message(pod, step)
        if names.TRADE_CONTAINER_NAME not in [c["name"] for c in pod["spec"]["containers"]]:
            return succeeded(message)
        trade = ended(0, self.trade_message(pod), "Completed")
        states = {names.CONTAINER_NAME: ended(0, message, "Completed")}
        return several("Succeeded", {**states, names.TRADE_CONTAINER_NAME: trade})

    def trade_message(self, pod: Object) -> str:
        """Return the termination message of the run that trades."""
        self.runs += 1
        now = datetime.now(UTC)
        return trade_message(self._run_configuration(pod), now, self.runs, **self.trades)

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
    return _ended("Succeeded", ended(0, message, "Completed"))


def failed(exit_code: int, message: str = "", reason: str = "Error") -> Object:
    """Return the status of a pod that ended badly."""
    return _ended("Failed", ended(exit_code, message, reason))


def waiting(reason: str, message: str) -> Object:
    """Return the status of a pod whose container cannot start."""
    container = _container({"waiting": {"reason": reason, "message": message}})
    return {"phase": "Pending", "containerStatuses": [container]}


def several(phase: str, states: dict[str, Object], **status: str) -> Object:
    """Return the status of a pod with containers in these states, by name."""
    containers = [_container(state, name) for name, state in states.items()]
    return {"phase": phase, "containerStatuses": containers, **status}


def ended(exit_code: int, message: str = "", reason: str = "Error") -> Object:
    """Return the state of a container that has ended just now."""
    now = to_time(datetime.now(UTC))
    told = {"exitCode": exit_code, "reason": reason, "message": message}
    return {"terminated": {**told, "startedAt": now, "finishedAt": now}}


def _ended(phase: str, state: Object) -> Object:
    return {"phase": phase, "containerStatuses": [_container(state)]}


def _container(state: Object, name: str = names.CONTAINER_NAME) -> Object:
    return {
        "name": name,
        "state": state,
        "image": "example.org/train:1.0.0",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
    }
