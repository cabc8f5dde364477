"""`reconcile-200`: 200 suspended bots applied at once, against a client that only writes.

The operator runs under its own ServiceAccount on a real control plane. Its writes are recorded by
the audit log with their bodies; a bare asynchronous client (40 tasks, TLS, one process) then
replays exactly these requests into a second namespace with 200 bots of the same names.
"""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from benchmarks.figures import Figure
from bot_runtime.contract.names import API_VERSION, TRADING_BOT_KIND, claim_name
from tests.cluster import cluster as clusters
from tests.cluster.cluster import Cluster, Options
from tests.cluster.install import (
    Images,
    apply_objects,
    create_namespace,
    install_crds,
    operator_objects,
)
from tests.eventually import eventually
from tests.integration.operator_process import ACCOUNT, account_kubeconfig

BOTS = 200
TASKS = 40
CLUSTER = "bench"
OPERATED, REPLAYED = "bench-operated", "bench-replayed"
IMAGES = Images("bench/operator:1", "bench/train:1", "bench/infer:1", "bench/infer:1")
Object = dict[str, Any]


def measure() -> list[Figure]:
    """Return the operator's time over the bare client's time."""
    cluster = clusters.up(Options(CLUSTER, control_plane_only=True, audit_bodies=True), print)
    try:
        operated, writes = _operate(cluster)
        replayed = _replay(cluster, writes)
    finally:
        clusters.down(print, CLUSTER)
    print(f"operator {operated:.2f} s, bare client {replayed:.2f} s for {len(writes)} writes")
    return [
        Figure("operator's time / bare client's time", operated / replayed, 2.0, at_least=False)
    ]


@dataclass(frozen=True, slots=True)
class Write:
    """One recorded request."""

    method: str
    path: str
    content_type: str
    body: str


def _bot(namespace: str, number: int) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": TRADING_BOT_KIND,
        "metadata": {"name": f"bot-{number}", "namespace": namespace},
        "spec": {
            "exchange": {"id": "binance"},
            "symbols": ["BTC/USDT"],
            "timeframe": "5m",
            "mode": "Paper",
            "suspend": True,
        },
    }


def _operate(cluster: Cluster) -> tuple[float, list[Write]]:
    """Apply the bots under a running operator; return its time and its writes."""
    create_namespace(cluster.kubectl, OPERATED)
    install_crds(cluster.kubectl)
    objects = operator_objects(cluster.kubectl, OPERATED, IMAGES, "Never")
    apply_objects(cluster.kubectl, [o for o in objects if o["kind"] != "Deployment"])
    with _operator(cluster):
        eventually(lambda: _holds_lease(cluster), timeout=60)
        elapsed = asyncio.run(_apply_and_watch(cluster))
        time.sleep(2)  # the Events of the last bots, and the audit log's own delay
    return elapsed, list(_recorded(cluster))


@contextmanager
def _operator(cluster: Cluster) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = account_kubeconfig(cluster.kubectl, cluster.kubeconfig, OPERATED, Path(folder))
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "BOTCRIPTO_NAMESPACE": OPERATED,
            "BOTCRIPTO_TRAINING_IMAGE": IMAGES.training,
            "BOTCRIPTO_INFERENCE_IMAGE": IMAGES.inference,
        }
        command = [sys.executable, "-m", "bot_operator", "run"]
        with (
            (Path(folder) / "operator.log").open("wb") as log,
            subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
        ):
            try:
                yield
            finally:
                process.terminate()


def _holds_lease(cluster: Cluster) -> bool:
    found = cluster.kubectl("get", "leases", f"--namespace={OPERATED}", "-o", "json")
    return any(item["spec"].get("holderIdentity") for item in json.loads(found)["items"])


async def _apply_and_watch(cluster: Cluster) -> float:
    """Apply all bots at once; return the time until each has its claim and its status."""
    served = asyncio.create_task(_all_served(cluster))
    await asyncio.sleep(0.5)  # the watches are open
    started_at = time.perf_counter()
    await _create_bots(cluster, OPERATED)
    await asyncio.wait_for(served, timeout=300)
    return time.perf_counter() - started_at


async def _all_served(cluster: Cluster) -> None:
    """Return once every bot is Ready (Suspended) and its claim is there; watches, never polls."""
    bots = f"/apis/{API_VERSION}/namespaces/{OPERATED}/tradingbots"
    claims = f"/api/v1/namespaces/{OPERATED}/persistentvolumeclaims"
    async with _session(cluster) as (session, server):
        await asyncio.gather(
            _seen(session, server + bots, {f"bot-{i}" for i in range(BOTS)}, _is_ready),
            _seen(session, server + claims, {claim_name(f"bot-{i}") for i in range(BOTS)}, bool),
        )


async def _seen(
    session: aiohttp.ClientSession, url: str, awaited: set[str], good: Callable[[Object], bool]
) -> None:
    """Watch until every awaited name was seen in a good state."""
    async with session.get(url, params={"watch": "1"}, timeout=None) as response:
        async for line in response.content:
            item = json.loads(line)["object"]
            if good(item):
                awaited.discard(item["metadata"]["name"])
            if not awaited:
                return


def _is_ready(bot: Object) -> bool:
    conditions = bot.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _recorded(cluster: Cluster) -> Iterator[Write]:
    """Yield the successful writes of the operator (its Lease apart), in their order."""
    user = f"system:serviceaccount:{OPERATED}:{ACCOUNT}"
    methods = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
    for line in cluster.audit_log.read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        if call["user"]["username"] != user or call["verb"] not in methods:
            continue
        is_lease = call["objectRef"].get("resource") == "leases"
        if is_lease or call["responseStatus"].get("code", 500) >= 300:
            continue
        uri = call["requestURI"].replace(OPERATED, REPLAYED)
        body = json.dumps(call.get("requestObject", {})).replace(OPERATED, REPLAYED)
        yield Write(methods[call["verb"]], uri, _content_type(call), body)


def _content_type(call: Object) -> str:
    if call["verb"] != "patch":
        return "application/json"
    is_apply = "fieldManager=" in call["requestURI"] and "apiVersion" in call["requestObject"]
    return "application/apply-patch+yaml" if is_apply else "application/merge-patch+json"


def _replay(cluster: Cluster, writes: Sequence[Write]) -> float:
    """Send the writes to a second namespace as fast as 40 tasks can; return the time."""
    create_namespace(cluster.kubectl, REPLAYED)
    asyncio.run(_create_bots(cluster, REPLAYED))
    return asyncio.run(_send(cluster, [_sender(write) for write in writes]))


async def _create_bots(cluster: Cluster, namespace: str) -> None:
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/tradingbots"
    bots = [json.dumps(_bot(namespace, number)) for number in range(BOTS)]
    await _send_all(cluster, [_sender(Write("POST", path, "application/json", b)) for b in bots])


Sender = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


def _sender(write: Write) -> Sender:
    async def send(session: aiohttp.ClientSession, server: str) -> None:
        headers = {"Content-Type": write.content_type}
        async with session.request(
            write.method, server + write.path, data=write.body, headers=headers
        ) as response:
            text = await response.text()
            if response.status >= 300:
                raise RuntimeError(f"{write.method} {write.path}: {response.status} {text[:300]}")

    return send


async def _send(cluster: Cluster, senders: Sequence[Sender]) -> float:
    started_at = time.perf_counter()
    await _send_all(cluster, senders)
    return time.perf_counter() - started_at


async def _send_all(cluster: Cluster, senders: Sequence[Sender]) -> None:
    waiting = iter(senders)
    async with _session(cluster) as (session, server):

        async def work() -> None:
            for sender in waiting:
                await sender(session, server)

        await asyncio.gather(*(work() for _ in range(TASKS)))


@asynccontextmanager
async def _session(cluster: Cluster) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Open connections as the cluster's administrator."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    server = config["clusters"][0]["cluster"]
    context = ssl.create_default_context(cafile=server["certificate-authority"])
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    connector = aiohttp.TCPConnector(limit=TASKS, ssl=context)
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, read_bufsize=1 << 20
    ) as session:
        yield session, server["server"]
