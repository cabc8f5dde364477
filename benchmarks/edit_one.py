"""`edit-one`: one field of one bot among 1,000, while 1,000 others are being created.

The bots that are edited serve a pinned version, suspended, so that each has a CronJob; the edit is
the schedule, and the clock stops when a watch shows the CronJob with it. The edits follow one
another for as long as the operator has new bots to serve.
"""

import asyncio
import json
import time
from itertools import count
from statistics import median, quantiles

from benchmarks.client import MERGE, Client, Object, Request, connect
from benchmarks.figures import Figure
from benchmarks.fleet import BOTS, bots_path, cron_jobs_path, numbered, serve
from benchmarks.operated import control_plane, operated
from bot_runtime.contract.names import cron_job_name

PINNED = {"model": {"pinnedVersion": "bench-0a1b2c3d"}}
EDITED = 20


class Schedules:
    """The schedule of every CronJob as a watch last showed it."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._awaited: dict[tuple[str, str], asyncio.Event] = {}

    async def watch(self) -> None:
        """Follow the CronJobs for ever."""

        def see(_: str, item: Object) -> bool:
            shown = item["metadata"]["name"], item["spec"]["schedule"]
            if shown in self._awaited:
                self._awaited[shown].set()
            return False

        await self._client.watch(cron_jobs_path(self._namespace), see)

    async def edit(self, bot: str, schedule: str) -> float:
        """Change the schedule of a bot; return the seconds until its CronJob shows it."""
        shown = cron_job_name(bot), schedule
        arrived = self._awaited[shown] = asyncio.Event()
        body = json.dumps({"spec": {"inference": {"schedule": schedule}}})
        started_at = time.perf_counter()
        await self._client.send(
            Request("PATCH", f"{bots_path(self._namespace)}/{bot}", body, MERGE)
        )
        await asyncio.wait_for(arrived.wait(), timeout=120)
        return time.perf_counter() - started_at


def measure() -> list[Figure]:
    """Return the median and the 99th percentile of the seconds until the child is updated."""
    with control_plane() as cluster, operated(cluster, "bench-edit") as place:

        async def run() -> tuple[list[float], list[float]]:
            async with connect(cluster.kubeconfig) as client:
                return await _edit(client, place.namespace)

        quiet, busy = asyncio.run(run())
    print(
        f"alone: median {median(quiet):.3f} s, longest {max(quiet):.3f} s of {len(quiet)}; "
        f"during creation: longest {max(busy):.3f} s of {len(busy)}"
    )
    return [
        Figure(f"edit among {BOTS:,}, median, s", median(busy), 0.3, at_least=False),
        Figure(
            f"edit among {BOTS:,}, p99, s",
            quantiles(busy, n=100, method="inclusive")[-1],
            2.0,
            at_least=False,
        ),
    ]


async def _edit(client: Client, namespace: str) -> tuple[list[float], list[float]]:
    names = numbered(EDITED, "edited")
    await serve(client, namespace, names, **PINNED)
    await serve(client, namespace, numbered(BOTS - EDITED))
    schedules = Schedules(client, namespace)
    watching = asyncio.create_task(schedules.watch())
    await asyncio.sleep(1)
    numbers = count(1)  # of the edits: none changes a schedule to what it is

    async def edit() -> float:
        number = next(numbers)
        return await schedules.edit(
            names[number % EDITED], f"*/{5 * (2 + number // EDITED % 10)} * * * *"
        )

    quiet = [await edit() for _ in range(EDITED)]
    creating = asyncio.create_task(serve(client, namespace, numbered(BOTS, "other")))
    busy = []
    while not creating.done():
        busy.append(await edit())
        await asyncio.sleep(0.1)
    await creating
    watching.cancel()
    return quiet, busy
