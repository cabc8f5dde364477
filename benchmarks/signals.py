"""`signals-1000`: 1,000 inference pods end within one minute; each signal stands in a status soon.

No pod runs: the harness takes the parts of the CronJob controller, the Job controller and the
kubelet. It makes each bot's Job and pod as the bot's CronJob says and ends the container that
decides with the message that the runtime would leave, then the one that trades. Every tenth pod is
deleted within a second, for good, as no finalizer of the Job controller keeps it. The writes of
statuses are counted: what the first container tells is one, and what the second tells is another.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.client import MERGE, Client, Object, Request, connect
from benchmarks.edit_one import PINNED
from benchmarks.figures import Figure
from benchmarks.fleet import BOTS, bots_path, cron_jobs_path, numbered, serve
from benchmarks.operated import (
    Operated,
    control_plane,
    cpu_seconds,
    operated,
    server_cpu_seconds,
)
from benchmarks.recording import Recording
from bot_operator.api.resources import to_time
from bot_runtime.contract.names import (
    CONFIG_FILE,
    CONTAINER_NAME,
    LABEL_BOT,
    TRADE_CONTAINER_NAME,
)
from tests.operator_messages import inference_message, trade_message

WITHIN_SECONDS = 60.0
PATIENCE_SECONDS = 60.0
SETTLE_SECONDS = 5.0
"""After the last signal: what the containers that trade have told is written too."""
_EVERY = 10
_HARNESS = "botcripto.io/benchmark"
"""Job controller of these Jobs: the cluster's own leaves them alone."""


class Signals:
    """When each pod left its message, and when its signal was first seen in a status."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.deleted: set[str] = set()
        self.patches: list[float] = []
        """Seconds that the API server took to take the messages: the least that a signal costs."""
        self._seen: dict[str, float] = {}

    def see(self, _: str, bot: Object) -> bool:
        """Take a state of a bot; return whether every signal was seen."""
        uid = (bot.get("status", {}).get("lastSignal") or {}).get("producedBy")
        if uid is not None:
            self._seen.setdefault(uid, time.perf_counter())
        return len(self._seen) >= BOTS

    def delays(self, *, deleted: bool) -> list[float]:
        """Return the seconds of each signal, infinite where it never came."""
        return [
            self._seen.get(uid, float("inf")) - at
            for uid, at in self.sent.items()
            if (uid in self.deleted) == deleted
        ]


def measure() -> list[Figure]:
    """Return the longest time from a pod's message to the bot's status."""
    signals = Signals()
    with control_plane() as cluster, operated(cluster, "bench-signals") as place:

        async def run() -> int:
            async with connect(cluster.kubeconfig) as client:
                return await _play(client, place, signals)

        writes = asyncio.run(run())
    kept, deleted = signals.delays(deleted=False), signals.delays(deleted=True)
    lost = sum(delay == float("inf") for delay in (*kept, *deleted))
    print(
        f"{len(kept)} pods stayed, {len(deleted)} were deleted within a second of their message, "
        f"{lost} signals never came; median {median((*kept, *deleted)):.2f} s; the harness's own "
        f"writes of the messages: median {median(signals.patches):.3f} s, longest "
        f"{max(signals.patches):.3f} s"
    )
    return [
        Figure("signal to status, longest, s", max(kept), 5, at_least=False),
        Figure("the same of pods deleted at once, s", max(deleted), 5, at_least=False),
        Figure("writes of a status for each run", writes / BOTS, 2, at_least=False),
    ]


async def _play(client: Client, place: Operated, signals: Signals) -> int:
    """Play all runs, and return how often the operator wrote a status meanwhile."""
    namespace = place.namespace
    await serve(client, namespace, numbered(BOTS), **PINNED)
    messages = await _messages(client, namespace)
    cron_jobs = await client.items(cron_jobs_path(namespace))
    watching = asyncio.create_task(client.watch(bots_path(namespace), signals.see))
    run = Runs(client, namespace, signals).run
    used = cpu_seconds(place.pid), server_cpu_seconds(place.cluster)
    started_at, recording = time.perf_counter(), Recording.begin(place.cluster.audit_log)
    async with asyncio.TaskGroup() as tasks:
        for number, cron_job in enumerate(cron_jobs):
            words = messages[cron_job["metadata"]["labels"][LABEL_BOT]]
            delay = WITHIN_SECONDS * number / len(cron_jobs)
            tasks.create_task(run(cron_job, words, delay=delay, gone=number % _EVERY == 0))
    await asyncio.wait([watching], timeout=PATIENCE_SECONDS)
    watching.cancel()
    print(
        f"   CPU in {time.perf_counter() - started_at:.0f} s: operator "
        f"{cpu_seconds(place.pid) - used[0]:.2f} s, control plane "
        f"{server_cpu_seconds(place.cluster) - used[1]:.2f} s"
    )
    await asyncio.sleep(SETTLE_SECONDS)
    return sum(write.resource == "tradingbots" for write in recording.writes(place.user))


def _owned(kind: str, owner: Object, metadata: Object) -> Object:
    reference = {
        "apiVersion": "batch/v1",
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {**metadata, "ownerReferences": [reference]}


@dataclass(frozen=True, slots=True)
class Words:
    """What the two containers of a pod say at their end."""

    decision: str
    trade: str


async def _messages(client: Client, namespace: str) -> dict[str, Words]:
    """Return by bot what its pod says at its end."""
    found = await client.items(f"/api/v1/namespaces/{namespace}/configmaps")
    return {
        item["metadata"]["labels"][LABEL_BOT]: _words(json.loads(item["data"][CONFIG_FILE]))
        for item in found
        if CONFIG_FILE in item.get("data", {})
    }


def _words(run: Object) -> Words:
    now = datetime.now(UTC)
    return Words(inference_message(run, now), trade_message(run, now, sequence=1))


@dataclass(frozen=True, slots=True)
class Runs:
    """Plays inference runs, and notes when each said its last words."""

    client: Client
    namespace: str
    signals: Signals

    async def run(self, cron_job: Object, words: Words, *, delay: float, gone: bool) -> None:
        """Play a run after `delay` seconds; where its pod is to be gone, within the next one."""
        await asyncio.sleep(delay)
        pod = await self._start(cron_job)
        uid, path = pod["metadata"]["uid"], f"{self._pods}/{pod['metadata']['name']}"
        if gone:
            self.signals.deleted.add(uid)
        self.signals.sent[uid] = time.perf_counter()
        body = json.dumps({"status": _told("Running", words.decision)})
        await self.client.send(Request("PATCH", f"{path}/status", body, MERGE))
        self.signals.patches.append(time.perf_counter() - self.signals.sent[uid])
        body = json.dumps({"status": _told("Succeeded", words.decision, words.trade)})
        await self.client.send(Request("PATCH", f"{path}/status", body, MERGE))
        if gone:
            await asyncio.sleep(random.random() / 2)
            body = json.dumps({"gracePeriodSeconds": 0})
            await self.client.send(Request("DELETE", path, body))

    async def _start(self, cron_job: Object) -> Object:
        """Make the Job and its pod as the CronJob says; return the pod."""
        template = cron_job["spec"]["jobTemplate"]
        spec = {**template["spec"], "managedBy": _HARNESS}
        meta = {**template["metadata"], "name": f"{cron_job['metadata']['name']}-1"}
        jobs = cron_jobs_path(self.namespace).replace("cronjobs", "jobs")
        job = await self._create(jobs, _owned("CronJob", cron_job, meta), spec)
        inner = template["spec"]["template"]
        meta = {**inner["metadata"], "name": f"{job['metadata']['name']}-x7k2p"}
        return await self._create(self._pods, _owned("Job", job, meta), inner["spec"])

    async def _create(self, path: str, metadata: Object, spec: Any) -> Object:
        body = json.dumps({"metadata": metadata, "spec": spec})
        return await self.client.send(Request("POST", path, body))

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"


def _told(phase: str, decision: str, trade: str | None = None) -> Object:
    """Return the status of a pod that has decided, and has traded where it says so."""
    second = {"running": {}} if trade is None else _ended(trade)
    states = {CONTAINER_NAME: _ended(decision), TRADE_CONTAINER_NAME: second}
    return {"phase": phase, "containerStatuses": [_container(*item) for item in states.items()]}


def _ended(message: str) -> Object:
    now = to_time(datetime.now(UTC))
    told = {"exitCode": 0, "reason": "Completed", "message": message}
    return {"terminated": {**told, "startedAt": now, "finishedAt": now}}


def _container(name: str, state: Object) -> Object:
    return {
        "name": name,
        "state": state,
        "image": "example.org/infer:1.0.0",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
    }
