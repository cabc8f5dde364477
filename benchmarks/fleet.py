"""Many bots at once: their creation, and when each of them has been served."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.client import TASKS, Client, Object, Request
from bot_runtime.contract.names import API_VERSION, TRADING_BOT_KIND, claim_name

BOTS = int(os.environ.get("BENCH_BOTS", "1000"))
"""How many bots `steady-1000`, `restart-1000`, `edit-one` and `signals-1000` are about."""


def bots_path(namespace: str) -> str:
    """Return the collection of the bots of a namespace."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/tradingbots"


def claims_path(namespace: str) -> str:
    """Return the collection of the claims of a namespace."""
    return f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"


def cron_jobs_path(namespace: str) -> str:
    """Return the collection of the CronJobs of a namespace."""
    return f"/apis/batch/v1/namespaces/{namespace}/cronjobs"


def build_bot(namespace: str, name: str, **spec: Any) -> Object:
    """Return a suspended bot: it gets its claim and its status, and nothing trains."""
    return {
        "apiVersion": API_VERSION,
        "kind": TRADING_BOT_KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "exchange": {"id": "binance"},
            "symbols": ["BTC/USDT"],
            "timeframe": "5m",
            "mode": "Paper",
            "suspend": True,
            **spec,
        },
    }


def creations(namespace: str, names: Iterable[str], **spec: Any) -> list[Request]:
    """Return the requests that create suspended bots of these names."""
    path = bots_path(namespace)
    return [Request("POST", path, json.dumps(build_bot(namespace, name, **spec))) for name in names]


def numbered(count: int, prefix: str = "bot") -> list[str]:
    """Return `count` names."""
    return [f"{prefix}-{number}" for number in range(count)]


async def serve(
    client: Client, namespace: str, names: list[str], *, tasks: int = TASKS, **spec: Any
) -> None:
    """Create suspended bots and return once each has its claim and its status."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_seen(client, bots_path(namespace), set(names), is_served))
        claims = {claim_name(name) for name in names}
        group.create_task(_seen(client, claims_path(namespace), claims, bool))
        await client.send_all(creations(namespace, names, **spec), tasks)


def is_served(bot: Object) -> bool:
    """Tell whether the operator has decided all that there is to say of the present spec."""
    conditions = {c["type"]: c for c in bot.get("status", {}).get("conditions", ())}
    reconciling = conditions.get("Reconciling", {})
    decided = bool(reconciling.get("status") == "False")
    return decided and reconciling["observedGeneration"] == bot["metadata"]["generation"]


async def uids(client: Client, namespace: str) -> dict[str, str]:
    """Return name → uid of the bots of a namespace."""
    found = await client.items(bots_path(namespace))
    return {bot["metadata"]["name"]: bot["metadata"]["uid"] for bot in found}


async def _seen(client: Client, path: str, awaited: set[str], good: Callable[[Any], bool]) -> None:
    def see(_: str, item: Object) -> bool:
        if good(item):
            awaited.discard(item["metadata"]["name"])
        return not awaited

    await client.watch(path, see)
