"""A proxy in front of the real API server that spoils what a test tells it to spoil.

It ends TLS with an authority of its own, reads each request, asks the test's rule, and forwards,
refuses, delays, cuts or falsifies. All else, watches included, passes as it is.
"""

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from bot_operator.api.resources import Resource
from tests.cluster.certificates import Authority

_OWN_HEADERS = frozenset({"host", "connection", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the operator."""

    method: str
    path: str
    query: Mapping[str, str]

    @property
    def is_watch(self) -> bool:
        """Whether it opens a watch."""
        return self.query.get("watch") in {"true", "1"}

    @property
    def is_list(self) -> bool:
        """Whether it lists owners, children or Events."""
        return self.method == "GET" and not self.is_watch and "limit" in self.query

    @property
    def is_lease(self) -> bool:
        """Whether it is about leadership."""
        return "/leases" in self.path

    @property
    def is_write(self) -> bool:
        """Whether it changes anything but a Lease."""
        return self.method != "GET" and not self.is_lease

    def is_about(self, *resources: Resource) -> bool:
        """Tell whether it is about objects of these kinds."""
        return any(f"/{r.plural}" in self.path for r in resources)


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that the API server has answered."""

    asked: Asked
    at: float
    """When it came, by time.monotonic()."""
    status: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer in the API server's place."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """Reset the connection, before the API server has heard of it or after it has acted."""

    acted: bool
    then: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Delay:
    """Forward after so many seconds; for ever is longer than any client waits."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EndWatch:
    """Open a watch that begins with an ERROR event of this code, and ends."""

    code: int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Forward with these query parameters added."""

    query: Mapping[str, str]


Fault = Refuse | Cut | Delay | EndWatch | Rewrite
Rule = Callable[[Asked], Fault | None]


class Proxy:
    """Serves on loopback, in a thread of its own; `rule` may be replaced at any time."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.rule: Rule = lambda _: None
        self.faults = 0
        """How many requests were spoilt."""
        self.answered: list[Answered] = []
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        self._cluster = config["clusters"][0]["cluster"]
        self._folder = folder / "proxy"
        self.authority = self._folder / "ca.crt"
        Authority(self._folder).issue_server("proxy", ["localhost"], ["127.0.0.1"])
        self._silent_before = 0.0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        self.kubeconfig = folder / "proxied.kubeconfig"
        server = f"https://127.0.0.1:{self.port}"
        cluster = {"server": server, "certificate-authority": str(self.authority)}
        config["clusters"][0]["cluster"] = cluster
        self.kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")

    def silence_watches(self) -> None:
        """Let every open watch stay open and say nothing any more; new ones work."""
        self._silent_before = time.monotonic()

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._run())

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        upstream = ssl.create_default_context(cafile=self._cluster["certificate-authority"])
        connector = aiohttp.TCPConnector(ssl=upstream, limit=0)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            self._session = session
            await runner.setup()
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self._folder / "proxy.crt", self._folder / "proxy.key")
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
            self.port = runner.addresses[0][1]
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()
        # A connection that was told to close is closed by later turns of the loop.
        await asyncio.sleep(0.25)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.method, request.path, dict(request.query))
        fault = self.rule(asked)
        self.faults += fault is not None
        query = dict(request.query)
        match fault:
            case Refuse():
                return _refusal(fault)
            case EndWatch():
                return _ended_watch(fault)
            case Delay():
                await asyncio.sleep(fault.seconds)
            case Rewrite():
                query |= fault.query
            case Cut(acted=False):
                return self._cut(request, fault)
        try:
            return await self._forward(request, asked, query, fault)
        except aiohttp.ClientError:
            return self._cut(request, Cut(acted=True))  # the API server itself is away

    async def _forward(
        self, request: web.Request, asked: Asked, query: Mapping[str, str], fault: Fault | None
    ) -> web.StreamResponse:
        started = time.monotonic()
        async with self._session.request(
            request.method,
            f"{self._cluster['server']}{request.path}",
            params=query,
            data=await request.read() or None,
            skip_auto_headers=("Content-Type",),
            headers={k: v for k, v in request.headers.items() if k.lower() not in _OWN_HEADERS},
            timeout=aiohttp.ClientTimeout(total=None),
        ) as answer:
            self.answered.append(Answered(asked, started, answer.status))
            if isinstance(fault, Cut):
                await answer.read()
                return self._cut(request, fault)
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in _OWN_HEADERS}
            if not asked.is_watch:
                return web.Response(status=answer.status, headers=headers, body=await answer.read())
            passed = web.StreamResponse(status=answer.status, headers=headers)
            await passed.prepare(request)
            async for chunk in answer.content.iter_any():
                if started >= self._silent_before:
                    await passed.write(chunk)
            if started < self._silent_before:
                await asyncio.sleep(3600)
            return passed

    def _cut(self, request: web.Request, cut: Cut) -> web.Response:
        cut.then()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _refusal(fault: Refuse) -> web.Response:
    if fault.text is not None:
        return web.Response(status=fault.status, text=fault.text, headers=fault.headers)
    status = {"kind": "Status", "reason": fault.reason, "message": "spoilt", "code": fault.status}
    return web.json_response(status, status=fault.status, headers=fault.headers)


def _ended_watch(fault: EndWatch) -> web.Response:
    status = {"kind": "Status", "apiVersion": "v1", "code": fault.code, "message": "spoilt"}
    return web.Response(text=json.dumps({"type": "ERROR", "object": status}) + "\n")


@contextlib.contextmanager
def proxied(kubeconfig: Path, folder: Path) -> Iterator[Proxy]:
    """Serve in front of the kubeconfig's server for a while."""
    proxy = Proxy(kubeconfig, folder)
    try:
        yield proxy
    finally:
        proxy.close()
