"""`steady-1000`, `restart-1000`: what a fleet costs when nothing happens, and after a restart.

Steady: no write but the Lease's, CPU and memory of the operator's process, for ten minutes or
STEADY_SECONDS; then the same memory with 5,000 bots (STEADY_BOTS). Restart: from the start of the
process until every bot was looked at and the queue is empty, with no write.
"""

import asyncio
import os
import time
from contextlib import AbstractContextManager

from benchmarks.client import connect
from benchmarks.figures import Figure
from benchmarks.fleet import BOTS, numbered, serve
from benchmarks.operated import (
    SHIPPED_LEASE_SECONDS,
    Operated,
    control_plane,
    cpu_seconds,
    memory_mib,
    operated,
)
from benchmarks.recording import Recording
from tests.cluster.cluster import Cluster
from tests.eventually import eventually

MANY = int(os.environ.get("STEADY_BOTS", "5000"))
SECONDS = float(os.environ.get("STEADY_SECONDS", "600"))
_SETTLE_SECONDS = 10.0


def measure_steady() -> list[Figure]:
    """Return the writes, the share of a core and the memory of a fleet at rest."""
    with control_plane() as cluster, _shipped(cluster, "bench-steady") as place:
        asyncio.run(_fill(place, numbered(BOTS)))
        writes, core = _rest(place)
        memory = memory_mib(place.pid)
        asyncio.run(_fill(place, numbered(MANY - BOTS, "more")))
        many = memory_mib(place.pid)
    return [
        Figure(f"{BOTS:,} bots at rest: writes but the Lease's", writes, 0, at_least=False),
        Figure(f"{BOTS:,} bots at rest: percent of a core", core * 100, 1, at_least=False),
        Figure(f"{BOTS:,} bots at rest: memory, MiB", memory, 200, at_least=False),
        Figure(f"{MANY:,} bots: memory, MiB", many, 500, at_least=False),
    ]


def measure_restart() -> list[Figure]:
    """Return the seconds that a restarted operator takes until it is idle, and its writes."""
    with control_plane() as cluster, _shipped(cluster, "bench-restart") as place:
        asyncio.run(_fill(place, numbered(BOTS)))
        place.operator.kill()
        recording = Recording.begin(cluster.audit_log)
        started_at = time.perf_counter()
        place.operator.start()
        eventually(lambda: _is_idle(place), timeout=120, every=0.1)
        seconds = time.perf_counter() - started_at
        time.sleep(_SETTLE_SECONDS)
        writes = len(recording.writes(place.user))
    return [
        Figure(f"restart with {BOTS:,} bots: seconds until idle", seconds, 15, at_least=False),
        Figure(f"restart with {BOTS:,} bots: writes", writes, 0, at_least=False),
    ]


def _shipped(cluster: Cluster, namespace: str) -> AbstractContextManager[Operated]:
    return operated(cluster, namespace, lease_seconds=SHIPPED_LEASE_SECONDS)


async def _fill(place: Operated, names: list[str]) -> None:
    async with connect(place.cluster.kubeconfig) as client:
        await serve(client, place.namespace, names)
    await asyncio.sleep(_SETTLE_SECONDS)


def _rest(place: Operated) -> tuple[int, float]:
    """Return how many writes there were in a while of rest, and the share of a core used."""
    recording = Recording.begin(place.cluster.audit_log)
    used, started_at = cpu_seconds(place.pid), time.perf_counter()
    time.sleep(SECONDS)
    share = (cpu_seconds(place.pid) - used) / (time.perf_counter() - started_at)
    return len(recording.writes(place.user)), share


def _is_idle(place: Operated) -> bool:
    """Tell whether the queue is empty and every bot was looked at."""
    found = place.metrics()
    looked_at = found.get("botcripto_reconcile_total", 0)
    return looked_at >= BOTS and found["botcripto_queue_depth"] == 0
