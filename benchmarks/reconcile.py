"""`reconcile-200`, `reconcile-1000`: suspended bots applied at once, against a client that writes.

The operator serves one namespace. Its writes are recorded by the audit log with their bodies; a
bare client then does in a second namespace exactly what was done in the first: it creates the same
bots and sends these requests. Both times begin with the first creation and end with the last write.
Rounds alternate, since the machine may have other work.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks import go_operator
from benchmarks.client import connect, timed
from benchmarks.figures import Figure
from benchmarks.fleet import creations, numbered, serve, uids
from benchmarks.operated import (
    Operated,
    control_plane,
    cpu_seconds,
    operated,
    server_cpu_seconds,
)
from benchmarks.recording import Move, Recording, Write
from tests.cluster.cluster import Cluster
from tests.cluster.install import create_namespace
from tests.eventually import eventually

_QUIET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Round:
    """One run of each side, in seconds."""

    operated: float
    replayed: float

    @property
    def ratio(self) -> float:
        """The operator's time over the bare client's."""
        return self.operated / self.replayed


def measure_200() -> list[Figure]:
    """Return the operator's time over the bare client's, for 200 bots."""
    return _measure(200, rounds=5, limit=2.0)


def measure_1000() -> list[Figure]:
    """Return the operator's time over the bare client's, for 1,000 bots; beside it Go's."""
    go_operator.build()
    return _measure(1000, rounds=3, limit=1.3, beside=_show_go)


def _show_go(cluster: Cluster, names: list[str]) -> None:
    for tuned in (False, True):
        seconds = go_operator.measure(cluster, names, tuned=tuned)
        print(f"controller-runtime, {'tuned' if tuned else 'default'}: {seconds:.2f} s", flush=True)


def _measure(
    count: int,
    *,
    rounds: int,
    limit: float,
    beside: Callable[[Cluster, list[str]], None] | None = None,
) -> list[Figure]:
    with control_plane() as cluster:
        found = [_round(cluster, numbered(count), number) for number in range(rounds)]
        if beside is not None:
            beside(cluster, numbered(count))
    ratio = median(done.ratio for done in found)
    return [Figure("operator's time / bare client's time", ratio, limit, at_least=False)]


def _round(cluster: Cluster, names: list[str], number: int) -> Round:
    first, second = f"bench-operated-{number}", f"bench-replayed-{number}"
    with operated(cluster, first) as place:
        seconds, writes = asyncio.run(_operate(place, names))
    create_namespace(cluster.kubectl, second)
    done = Round(seconds, asyncio.run(_replay(cluster, (first, second), names, writes)))
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(w.resource for w in writes).items())
    print(
        f"round {number + 1}: operator {done.operated:.2f} s, bare client {done.replayed:.2f} s, "
        f"ratio {done.ratio:.2f}; {len(writes)} writes: {kinds}",
        flush=True,
    )
    return done


async def _operate(place: Operated, names: list[str]) -> tuple[float, list[Write]]:
    """Apply the bots under a running operator; return its time and its writes."""
    async with connect(place.cluster.kubeconfig) as client:
        warming = Recording.begin(place.cluster.audit_log)
        await serve(client, place.namespace, ["warm-up"])  # the operator's watches are open
        eventually(lambda: _finished(warming, place.user), timeout=60)
        recording = Recording.begin(place.cluster.audit_log)
        used = cpu_seconds(place.pid), server_cpu_seconds(place.cluster)
        started_at = time.time()
        await serve(client, place.namespace, names)
    writes = eventually(lambda: _finished(recording, place.user), timeout=60)
    print(
        f"   CPU: operator {cpu_seconds(place.pid) - used[0]:.2f} s, "
        f"control plane {server_cpu_seconds(place.cluster) - used[1]:.2f} s"
    )
    return max(write.answered_at for write in writes) - started_at, writes


def _finished(recording: Recording, user: str) -> list[Write]:
    """Return the writes once there has been none for a while."""
    writes = recording.writes(user)
    quiet = time.time() - max(write.answered_at for write in writes)
    return writes if quiet > _QUIET_SECONDS else []


async def _replay(
    cluster: Cluster, namespaces: tuple[str, str], names: list[str], writes: list[Write]
) -> float:
    """Do the same in a second namespace with nothing but 40 tasks; return the seconds."""
    first, second = namespaces
    used = server_cpu_seconds(cluster)
    async with connect(cluster.kubeconfig) as client:
        seconds = await timed(client, creations(second, names))
        theirs, ours = await uids(client, first), await uids(client, second)
        move = Move(first, second, {theirs[name]: ours[name] for name in names})
        requests = [move.of(write.request) for write in writes]
        created = seconds
        seconds += await timed(client, requests)
    print(
        f"   creation of the bots {created:.2f} s; CPU of the control plane "
        f"{server_cpu_seconds(cluster) - used:.2f} s"
    )
    return seconds
