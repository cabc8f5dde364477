"""The client of the API server against a server on loopback that answers badly."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from kubernetes.aio import client

from bot_operator.api.errors import ApiError, NotFound, Unavailable
from bot_operator.api.kube import ApiServer
from bot_operator.api.resources import JOBS, LEASES, TRADING_BOTS, Ref

JOB = Ref(JOBS, "bots", "a", "uid-1")
LEASE = Ref(LEASES, "bots", "botcripto-operator", "uid-2")
Answer = Callable[[], Awaitable[web.Response]]


@dataclass
class Server:
    """Answers every request alike and remembers them."""

    kube: ApiServer
    answer: Answer
    asked: list[str] = field(default_factory=list)


async def _well() -> web.Response:
    return web.json_response({"metadata": {"resourceVersion": "1"}})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async def handle(request: web.Request) -> web.Response:
        found.asked.append(request.method)
        return await found.answer()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    kube = ApiServer(client.ApiClient(client.Configuration(host=f"http://{host}:{port}")))
    found = Server(kube, _well)
    yield found
    await kube.close()
    await runner.cleanup()


def _refusing(status: int, text: str, **headers: str) -> Answer:
    async def answer() -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return answer


async def test_without_the_lease_it_reads_and_renews_and_writes_nothing_else(
    server: Server,
) -> None:
    server.kube.leads_until = lambda: time.monotonic() - 1
    with pytest.raises(Unavailable, match="Lease"):
        await server.kube.patch(JOB, {"spec": {}})
    assert server.asked == []
    await server.kube.get(JOB)
    await server.kube.patch(LEASE, {"spec": {}})
    assert server.asked == ["GET", "PATCH"]


async def test_a_write_is_not_sent_on_a_connection_that_comes_after_the_lease() -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    ended = asyncio.Event()
    listening = await asyncio.start_server(never, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    kube = ApiServer(client.ApiClient(client.Configuration(host=f"https://127.0.0.1:{port}")))
    started = time.monotonic()
    kube.leads_until = lambda: started + 0.3
    with pytest.raises(Unavailable):
        await kube.patch(JOB, {"spec": {}})
    assert time.monotonic() - started < 5
    ended.set()
    await kube.close()
    listening.close()


async def test_an_answer_may_take_longer_than_the_lease_was_sure(server: Server) -> None:
    async def slowly() -> web.Response:
        await asyncio.sleep(0.5)
        return await _well()

    server.answer = slowly
    started = time.monotonic()
    server.kube.leads_until = lambda: started + 0.3
    assert await server.kube.patch(JOB, {"spec": {}}) is not None


@pytest.mark.parametrize("text", ["404 page not found", "", "{}"])
async def test_only_the_api_servers_own_word_makes_an_object_absent(
    server: Server, text: str
) -> None:
    server.answer = _refusing(404, text)
    with pytest.raises(ApiError) as e:
        await server.kube.get(JOB)
    assert not isinstance(e.value, NotFound)
    server.answer = _refusing(404, '{"kind": "Status", "reason": "NotFound", "message": "no"}')
    assert await server.kube.get(JOB) is None


@pytest.mark.parametrize(("status", "after"), [(429, "7"), (503, "7"), (410, ""), (500, "")])
async def test_what_passes_is_told_apart_and_says_how_long(
    server: Server, status: int, after: str
) -> None:
    server.answer = _refusing(status, "busy", **({"Retry-After": after} if after else {}))
    with pytest.raises(Unavailable) as e:
        await server.kube.list_all(TRADING_BOTS, "bots")
    assert e.value.retry_after == (7 if after else 0)


async def test_half_an_answer_is_none(server: Server) -> None:
    server.answer = _refusing(200, '{"metadata": {"resou')
    with pytest.raises(Unavailable, match="not JSON"):
        await server.kube.get(JOB)
