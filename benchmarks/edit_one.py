"""`edit-one`: one field of one bot among 1,000, while 1,000 others are being created.

The bots that are edited serve a pinned version, suspended, so that each has a CronJob; the edit is
the schedule, and the clock stops when a watch shows the CronJob with it. The edits follow one
another for as long as the operator has new bots to serve. The others are created one after another,
as `kubectl apply` does, and then 1,000 more by 40 tasks at once.

Every edit is followed by one of the bare client: the least that any operator does about an edit,
which is a write, its event, a write, its event. It shares the API server with the same load.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from statistics import median, quantiles
from typing import Any

from benchmarks.client import MERGE, TASKS, Client, Object, Request, connect
from benchmarks.figures import Figure
from benchmarks.fleet import BOTS, bots_path, cron_jobs_path, numbered, serve
from benchmarks.operated import control_plane, operated
from bot_runtime.contract.names import cron_job_name
from tests.cluster.install import create_namespace

PINNED: dict[str, Any] = {"model": {"pinnedVersion": "bench-0a1b2c3d"}}
EDITED = 20
_BARE = "bench-edit-bare"
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 120


class Awaited:
    """What a watch of a collection is to show: names of objects, with a value of each."""

    def __init__(self, client: Client, path: str, value_of: Callable[[Object], str]) -> None:
        self._client = client
        self._path = path
        self._value_of = value_of
        self._awaited: dict[tuple[str, str], asyncio.Event] = {}

    async def watch(self) -> None:
        """Follow the collection for ever."""

        def see(_: str, item: Object) -> bool:
            shown = item["metadata"]["name"], self._value_of(item)
            if shown in self._awaited:
                self._awaited.pop(shown).set()
            return False

        await self._client.watch(self._path, see)

    async def after(self, request: Request, name: str, value: str) -> None:
        """Send a request; return when the object of this name has the value."""
        arrived = self._awaited[name, value] = asyncio.Event()
        await self._client.send(request)
        await asyncio.wait_for(arrived.wait(), timeout=_PATIENCE_SECONDS)


@dataclass(slots=True)
class Edits:
    """Seconds until the child was updated, and those of the bare client in the same minutes."""

    title: str
    operated: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """The 99th percentile of the operator's."""
        return quantiles(self.operated, n=100, method="inclusive")[-1]

    def __str__(self) -> str:
        """Return what was seen in one line."""
        times, bare = self.operated, self.bare
        return (
            f"{self.title}: {len(times)} edits, median {median(times):.3f} s, p99 {self.p99:.3f} s,"
            f" longest {max(times):.3f} s; bare client {median(bare):.3f} s, longest "
            f"{max(bare):.3f} s; ratio of the medians {median(times) / median(bare):.1f}"
        )


class Editor:
    """Edits bots and watches their CronJobs; does the like of both without an operator."""

    def __init__(self, client: Client, namespace: str, names: list[str]) -> None:
        self._bots = bots_path(namespace)
        self._names = names
        self._numbers = count(1)  # of the edits: none changes a schedule to what it is
        self._maps = f"/api/v1/namespaces/{_BARE}/configmaps"
        self._client = client
        self._children = Awaited(client, cron_jobs_path(namespace), _schedule_of)
        self._bare = Awaited(client, self._maps, _number_of)

    async def watch(self) -> None:
        """Follow what the edits lead to, for ever."""
        for name in ("asked", "done"):
            body = json.dumps({"metadata": {"name": name}, "data": {"number": "0"}})
            await self._client.send(Request("POST", self._maps, body))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._children.watch())
            group.create_task(self._bare.watch())

    async def edit(self, edits: Edits) -> None:
        """Edit the next bot, then do the same without an operator; note the seconds of both."""
        number = next(self._numbers)
        name = self._names[number % len(self._names)]
        schedule = f"*/{5 * (2 + number // len(self._names) % 10)} * * * *"
        body = json.dumps({"spec": {"inference": {"schedule": schedule}}})
        request = Request("PATCH", f"{self._bots}/{name}", body, MERGE)
        started_at = time.perf_counter()
        await self._children.after(request, cron_job_name(name), schedule)
        edits.operated.append(time.perf_counter() - started_at)
        started_at = time.perf_counter()
        for name in ("asked", "done"):
            body = json.dumps({"data": {"number": str(number)}})
            request = Request("PATCH", f"{self._maps}/{name}", body, MERGE)
            await self._bare.after(request, name, str(number))
        edits.bare.append(time.perf_counter() - started_at)
        await asyncio.sleep(_PAUSE_SECONDS)


def measure() -> list[Figure]:
    """Return the median and the 99th percentile of the seconds until the child is updated."""
    with control_plane() as cluster, operated(cluster, "bench-edit") as place:
        create_namespace(cluster.kubectl, _BARE)

        async def run() -> list[Edits]:
            async with connect(cluster.kubeconfig) as client:
                return await _edit(client, place.namespace)

        alone, *created = asyncio.run(run())
    for edits in (alone, *created):
        print(edits)
    return [
        figure
        for edits in created
        for figure in (
            Figure(f"{edits.title}: median, s", median(edits.operated), 0.3, at_least=False),
            Figure(f"{edits.title}: p99, s", edits.p99, 2.0, at_least=False),
        )
    ]


async def _edit(client: Client, namespace: str) -> list[Edits]:
    names = numbered(EDITED, "edited")
    await serve(client, namespace, names, **PINNED)
    await serve(client, namespace, numbered(BOTS - EDITED))
    editor = Editor(client, namespace, names)
    watching = asyncio.create_task(editor.watch())
    await asyncio.sleep(1)
    alone = Edits(f"edit among {BOTS:,}, alone")
    for _ in range(EDITED):
        await editor.edit(alone)
    found = [alone]
    for title, tasks in (("one by one", 1), (f"{TASKS} at once", TASKS)):
        edits = Edits(f"edit, {BOTS:,} others created {title}")
        others = numbered(BOTS, f"by-{tasks}")
        creating = asyncio.create_task(serve(client, namespace, others, tasks=tasks))
        while not creating.done():
            await editor.edit(edits)
        await creating
        found.append(edits)
    watching.cancel()
    return found


def _schedule_of(cron_job: Object) -> str:
    return str(cron_job["spec"]["schedule"])


def _number_of(config_map: Object) -> str:
    return str(config_map.get("data", {}).get("number"))
