"""The bare client: asynchronous, TLS, one process, and nothing between a request and the wire."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

TASKS = 40
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"
Object = dict[str, Any]

_SETTLING = frozenset({404, 429, 503})
"""What a resource answers whose CRD was installed a moment ago."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request that writes."""

    method: str
    path: str
    body: str
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class Client:
    """Open connections to one API server, as a kubeconfig's user."""

    session: aiohttp.ClientSession
    server: str

    async def send(self, request: Request) -> Object:
        """Send one request and return the answer; RuntimeError where it is refused."""
        headers = {"Content-Type": request.content_type}
        url = self.server + request.path
        async with self.session.request(
            request.method, url, data=request.body, headers=headers
        ) as response:
            data = await response.read()
        if response.status >= 300:
            text = data[:300].decode(errors="replace")
            raise RuntimeError(f"{request.method} {request.path}: {response.status} {text}")
        answer: Object = json.loads(data)
        return answer

    async def send_all(self, requests: Iterable[Request], tasks: int = TASKS) -> None:
        """Send requests in their order by 40 tasks at once, or by as many as are given."""
        waiting = iter(requests)

        async def work() -> None:
            for request in waiting:
                await self.send(request)

        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(work())

    async def items(self, path: str) -> list[Object]:
        """Return the objects of a collection."""
        async with self.session.get(self.server + path) as response:
            listed = await response.json()
        found: list[Object] = listed["items"]
        return found

    async def watch(self, path: str, see: Callable[[str, Object], bool]) -> None:
        """Hand every event of a collection to `see` until it says that it has seen enough.

        A watch that has gone silent costs a minute: then it begins again with what there is.
        """
        query = {"watch": "1", "timeoutSeconds": "60"}
        timeout = aiohttp.ClientTimeout(total=70)
        while True:
            with suppress(TimeoutError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                url = self.server + path
                async with self.session.get(url, params=query, timeout=timeout) as response:
                    if response.status in _SETTLING:
                        await asyncio.sleep(0.5)
                    elif await self._follow(response, see):
                        return

    async def _follow(
        self, response: aiohttp.ClientResponse, see: Callable[[str, Object], bool]
    ) -> bool:
        """Hand on what a watch sends; return whether enough was seen before it ended."""
        response.raise_for_status()
        async for line in response.content:
            event = json.loads(line)
            if event["type"] == "ERROR":
                return False
            if see(event["type"], event["object"]):
                return True
        return False


@asynccontextmanager
async def connect(kubeconfig: Path) -> AsyncIterator[Client]:
    """Open a client for the user of a kubeconfig."""
    server, context, token = _read(kubeconfig)
    connector = aiohttp.TCPConnector(limit=0, ssl=context)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, read_bufsize=1 << 20
    ) as session:
        yield Client(session, server)


def _read(kubeconfig: Path) -> tuple[str, ssl.SSLContext, str]:
    """Return the server, the authority and the token of a kubeconfig."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster = config["clusters"][0]["cluster"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    return cluster["server"], context, config["users"][0]["user"]["token"]


async def timed(client: Client, requests: Iterable[Request]) -> float:
    """Send the requests; return the seconds that it took."""
    started_at = time.perf_counter()
    await client.send_all(requests)
    return time.perf_counter() - started_at
