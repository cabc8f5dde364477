"""A cluster in memory: the API server, Job and CronJob controllers, a kubelet, and an operator."""

import base64
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot_operator.api.errors import ApiError
from bot_operator.api.resources import (
    CLAIMS,
    CRON_JOBS,
    JOBS,
    MODEL_TRAININGS,
    PODS,
    SECRETS,
    TRADING_BOTS,
    Manifest,
    Ref,
    condition_of,
    controller_uid,
    is_true,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
    to_time,
    uid_of,
)
from bot_operator.applying.apply import Applier
from bot_operator.reconcile import Reconciler
from bot_operator.settings import Settings
from bot_operator.watching.cache import Cache
from bot_operator.watching.changes import Feed
from bot_operator.watching.stops import Stops
from bot_operator.watching.workqueue import Key
from bot_runtime.contract import names
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from tests import resources
from tests.operator_messages import (
    evaluation_message,
    inference_message,
    step_message,
    trade_message,
)
from tests.unit.bot_operator.fakes import FakeKube, pods_of
from tests.unit.bot_operator.rest import check_rest

NAMESPACE = "bots"
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SETTINGS = Settings(
    training_image="example.org/train:1.0.0",
    inference_image="example.org/infer:1.0.0",
    own_namespace=NAMESPACE,
    scope=NAMESPACE,
)
Message = Callable[[Manifest], str]


class Keys:
    """A queue without time of its own: what is due is taken in order, delays wait for the clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.ready: OrderedDict[Key, None] = OrderedDict()
        self.later: dict[Key, datetime] = {}

    def add(self, key: Key) -> None:
        self.later.pop(key, None)
        self.ready[key] = None

    def add_behind(self, key: Key) -> None:
        self.add(key)

    def add_after(self, key: Key, seconds: float) -> None:
        due = self._now() + timedelta(seconds=seconds)
        self.later[key] = min(due, self.later.get(key, due))

    def forget(self, key: Key) -> None:
        self.ready.pop(key, None)
        self.later.pop(key, None)

    def take(self) -> Key | None:
        for key in [k for k, due in self.later.items() if due <= self._now()]:
            self.add(key)
        return self.ready.popitem(last=False)[0] if self.ready else None


@dataclass
class World:
    """The cluster, and the operator that is restarted by `restart`."""

    at: datetime = START
    messages: dict[str, Message] = field(default_factory=dict)
    """Termination message by step; the real ones where a test names none."""
    failing: dict[str, Manifest] = field(default_factory=dict)
    """`terminated` state by step, instead of success."""
    promoted: bool = True
    trades: Manifest = field(default_factory=dict)
    """What the next runs that trade tell beside an account that holds nothing."""
    running: bool = True
    """Whether the kubelet ends the pods that it starts."""
    admitting: bool = True
    """Whether the API server lets Jobs have pods."""

    kube_type: type[FakeKube] = FakeKube
    settings: Settings = SETTINGS

    def __post_init__(self) -> None:
        self.kube = self.kube_type(lambda: to_time(self.at))
        self.sequence = 0
        self.restart()

    def restart(self) -> None:
        """Start a new operator that knows nothing."""
        self.cache = Cache()
        self.keys = Keys(lambda: self.at)
        self.feed = Feed(self.kube, NAMESPACE, self.cache, self.keys)
        applier = Applier(self.kube, self.cache)
        self.stops = Stops(self.kube)
        self.reconciler = Reconciler(
            self.kube, self.cache, self.settings, lambda: self.at, applier, self.stops
        )
        self.kube.events.clear()
        self._fresh = True
        self._at_rest: dict[str, str] | None = None

    # What users do.

    def add_bot(self, name: str = "btc-paper", **spec: Any) -> Manifest:
        given = resources.bot(name, **spec)
        given["metadata"]["namespace"] = NAMESPACE
        return self.kube.put(given)

    def change_bot(self, name: str = "btc-paper", **spec: Any) -> None:
        changes = {f"spec.{path.replace('__', '.')}": value for path, value in spec.items()}
        stored = self.kube.one(TRADING_BOTS, name)
        self.kube.put(resources.changed(stored, changes))

    def add_secret(self, name: str, kind: str = EXCHANGE_SECRET.type, **values: str) -> None:
        plain = values or {"apiKey": "k9Zq1", "apiSecret": "s8Xw2"}
        self.kube.put(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "type": kind,
                "data": {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()},
            }
        )

    def remove(self, manifest: Manifest) -> None:
        self.kube.remove(manifest)

    # What the cluster does.

    async def settle(self, rounds: int = 400) -> None:
        """Let operator and cluster act by turns until neither has anything to do now."""
        for _ in range(rounds):
            if await self.operate():
                continue
            if not self.step():
                # Other kinds refuse at random, or tell old news; time alone has been looked at.
                if self.kube_type is FakeKube and self._at_rest != (found := self.versions()):
                    await check_rest(self)
                    self._at_rest = found
                return
        raise AssertionError(f"no rest after {rounds} rounds; last {self.kube.writes[-5:]}")

    async def operate(self) -> bool:
        """Deliver the events and reconcile one key; return whether there was one."""
        if self._fresh:
            await self.feed.relist()
            self._fresh = False
        for kind, manifest in self.kube.take_events():
            if manifest["kind"] not in {"Secret", "Event"}:
                self.feed.seen(kind, manifest)
        key = self.keys.take()
        if key is None:
            return False
        try:
            delay = await self.reconciler.reconcile(key)
        except ApiError:
            delay = 1.0
        if delay is not None:
            self.keys.add_after(key, delay)
        return True

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def step(self) -> bool:
        """Let the controllers and the kubelet do one thing; return whether there was one."""
        return self._bind() or any(self._run_job(job) for job in list(self.kube.all(JOBS)))

    def fire(self, bot: str = "btc-paper", job: str | None = None) -> Manifest:
        """Let the bot's CronJob fire once: a Job with its pod, run to its end by `settle`.

        With a name of its own it is one that a person has made from the CronJob.
        """
        cron_job = self.kube.one(CRON_JOBS, f"{bot}-infer")
        assert not cron_job["spec"]["suspend"]
        template = cron_job["spec"]["jobTemplate"]
        return self.kube.put(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": job or f"{bot}-infer-{int(self.at.timestamp()) // 60}",
                    "namespace": NAMESPACE,
                    "labels": template["metadata"]["labels"],
                    "ownerReferences": [_controller(cron_job)],
                },
                "spec": json.loads(json.dumps(template["spec"])),
            }
        )

    def _bind(self) -> bool:
        for claim in self.kube.all(CLAIMS):
            if claim.get("status", {}).get("phase") != "Bound":
                self.kube.put({**claim, "status": {"phase": "Bound"}})
                return True
        return False

    def _run_job(self, job: Manifest) -> bool:
        if job["spec"].get("suspend") or is_true(job, "Complete") or is_true(job, "Failed"):
            return False
        pods = pods_of(self.kube, job)
        if not pods and not self.admitting:
            return False
        if not pods:
            self.kube.put(_pod_of(job))
            self.kube.put({**job, "status": {"active": 1, "startTime": to_time(self.at)}})
            return True
        if not self.running:
            return False
        ended = self.failing.get(_step(job)) or {
            "exitCode": 0,
            "reason": "Completed",
            "message": self.message(job),
        }
        states = {names.CONTAINER_NAME: ended}
        if names.TRADE_CONTAINER_NAME in _containers(job):
            states[names.TRADE_CONTAINER_NAME] = self.failing.get("Trade") or {
                "exitCode": 0,
                "reason": "Completed",
                "message": self.trade_message(job),
            }
        failed = any(state["exitCode"] != 0 for state in states.values())
        self.kube.put(_ended_pod(pods[0], states, to_time(self.at)))
        condition = {
            "type": "Failed" if failed else "Complete",
            "status": "True",
            "reason": "PodFailurePolicy" if failed else "CompletionsReached",
            "lastTransitionTime": to_time(self.at),
        }
        status = {**job["status"], "active": 0, "conditions": [condition]}
        if not failed:
            status["completionTime"] = to_time(self.at)
        self.kube.put({**job, "status": status})
        return True

    def message(self, job: Manifest) -> str:
        """Return the termination message that the step's program would leave."""
        step = _step(job)
        if step in self.messages:
            return self.messages[step](job)
        run = json.loads(self._run_configuration(job))
        if step == "Evaluation":
            return evaluation_message(run, promoted=self.promoted)
        if step == "Inference":
            return inference_message(run, self.at)
        return step_message(run, step)

    def trade_message(self, job: Manifest) -> str:
        """Return the termination message of the run that trades."""
        if "Trade" in self.messages:
            return self.messages["Trade"](job)
        self.sequence += 1
        run = json.loads(self._run_configuration(job))
        return trade_message(run, self.at, self.sequence, **self.trades)

    def _run_configuration(self, job: Manifest) -> str:
        volumes = job["spec"]["template"]["spec"]["volumes"]
        name = next(v["configMap"]["name"] for v in volumes if "configMap" in v)
        for stored in self.kube.objects.values():
            if stored["kind"] == "ConfigMap" and name_of(stored) == name:
                return str(stored["data"][names.CONFIG_FILE])
        raise AssertionError(f"no ConfigMap {name}")

    # What tests look at.

    def status(self, name: str = "btc-paper") -> Manifest:
        found: Manifest = self.kube.one(TRADING_BOTS, name).get("status", {})
        return found

    def condition(self, kind: str, name: str = "btc-paper") -> tuple[str, str]:
        found = condition_of(self.kube.one(TRADING_BOTS, name), kind)
        assert found is not None
        return found["status"], found["reason"]

    def message_of(self, kind: str, name: str = "btc-paper") -> str:
        return str((condition_of(self.kube.one(TRADING_BOTS, name), kind) or {}).get("message"))

    def training(self) -> Manifest:
        return self.kube.all(MODEL_TRAININGS)[-1]

    def versions(self) -> dict[str, str]:
        """Return the resourceVersion of every object but Events."""
        return {
            f"{o['kind']}/{name_of(o)}": o["metadata"]["resourceVersion"]
            for o in self.kube.objects.values()
            if o["kind"] != "Event"
        }

    def wake_all(self) -> None:
        for resource in (TRADING_BOTS, MODEL_TRAININGS):
            for owner in self.kube.all(resource):
                self.keys.add(Key(resource, namespace_of(owner), name_of(owner)))


def _step(job: Manifest) -> str:
    return labels_of(job).get(names.LABEL_STEP, "Inference")


def _controller(owner: Manifest) -> Manifest:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
    }


def _pod_of(job: Manifest) -> Manifest:
    metadata = json.loads(json.dumps(job["spec"]["template"]["metadata"]))
    metadata["labels"]["batch.kubernetes.io/controller-uid"] = uid_of(job)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **metadata,
            "name": f"{name_of(job)}-x7k2p",
            "namespace": namespace_of(job),
            "ownerReferences": [_controller(job)],
        },
        "spec": {**job["spec"]["template"]["spec"], "nodeName": "node-1"},
        "status": {"phase": "Running"},
    }


def _containers(job: Manifest) -> list[str]:
    return [container["name"] for container in job["spec"]["template"]["spec"]["containers"]]


def _ended_pod(pod: Manifest, states: dict[str, Manifest], at: str) -> Manifest:
    containers = [
        {"name": name, "state": {"terminated": {**state, "finishedAt": at}}}
        for name, state in states.items()
    ]
    failed = any(state["exitCode"] != 0 for state in states.values())
    phase = "Failed" if failed else "Succeeded"
    return {**pod, "status": {"phase": phase, "containerStatuses": containers}}


__all__ = ["NAMESPACE", "PODS", "SECRETS", "SETTINGS", "Ref", "World", "controller_uid", "ref_of"]
