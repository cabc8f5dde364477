"""Health: whether the process works, not merely lives; and the metrics beside it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot_operator import metrics
from bot_operator.api.kube import ApiServer
from bot_operator.watching.workqueue import Key, WorkQueue

LOOP_LAG_MAX_SECONDS = 10.0
STUCK_MAX_SECONDS = 120.0
SILENCE_MAX_SECONDS = 90.0
_BEAT_SECONDS = 1.0


class Health:
    """Judges the process by its event loop, its queue and its last answer from the API server."""

    def __init__(self, api: ApiServer, queue: WorkQueue[Key]) -> None:
        self._api = api
        self._queue = queue
        self._beat = time.monotonic()
        metrics.QUEUE_DEPTH.set_function(lambda: len(queue))
        metrics.OLDEST_KEY_SECONDS.set_function(queue.oldest_age)

    async def beat(self) -> None:
        """Measure for ever how late the event loop is."""
        while True:
            expected = self._beat + _BEAT_SECONDS
            await asyncio.sleep(_BEAT_SECONDS)
            now = time.monotonic()
            metrics.LOOP_LAG_SECONDS.set(max(0.0, now - expected))
            self._beat = now

    def problems(self) -> list[str]:
        """Return what is wrong, nothing where all is well."""
        now = time.monotonic()
        lag = now - self._beat - _BEAT_SECONDS
        stuck = self._queue.stuck_for()
        silence = now - self._api.last_success
        found = []
        if lag > LOOP_LAG_MAX_SECONDS:
            found.append(f"the event loop is {lag:.0f} s late")
        if stuck > STUCK_MAX_SECONDS:
            found.append(f"keys have waited for {stuck:.0f} s and none was reconciled")
        if silence > SILENCE_MAX_SECONDS:
            found.append(f"no call to the API server has succeeded for {silence:.0f} s")
        return found

    async def serve(self, port: int) -> web.AppRunner:
        """Serve /healthz, /readyz and /metrics; `cleanup` of the result ends it."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._answer(self.problems)),
                web.get("/readyz", self._answer(self.problems)),
                web.get("/metrics", _metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()
        return runner

    def _answer(
        self, judge: Callable[[], list[str]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_: web.Request) -> web.Response:
            found = judge()
            return web.Response(status=503 if found else 200, text="; ".join(found) or "ok")

        return answer


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
