"""Leadership: one process at a time acts, the one that holds the Lease."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import structlog
from kubernetes.aio.client import ApiException, V1Lease
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from bot_operator.kube import ApiServer
from bot_operator.settings import Settings

LEASE_NAME = "botcripto-operator"
_PATIENCE_SECONDS = 5.0

log = structlog.get_logger()


class PatientLease(LeaseLock):
    """A Lease that takes an API server without an answer for a refusal, not for the end."""

    def __init__(self, server: ApiServer, settings: Settings) -> None:
        super().__init__(LEASE_NAME, settings.own_namespace, settings.identity, server.api)
        self._server = server

    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord] | tuple[bool, Exception] | tuple[bool, None]:
        """Return whether the Lease was read, and its record or the error."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                answer = await super().get(name, namespace)
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            return False, ApiException(status=0, reason=f"{type(e).__name__}: {e}")
        self._server.last_success = time.monotonic()
        return answer

    async def create(
        self, name: str, namespace: str, election_record: LeaderElectionRecord
    ) -> bool:
        """Return whether the Lease was created."""
        return await _attempt(super().create(name, namespace, election_record))

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        """Return whether the Lease was renewed."""
        return await _attempt(super().update(name, namespace, updated_record))

    async def release(self) -> None:
        """Give the Lease back, so that the next process need not wait for its end."""
        lease = self.lease_reference
        if lease is not None and lease.spec is not None:
            lease.spec.holder_identity = ""
            await _attempt(self._replace(lease))

    async def _replace(self, lease: V1Lease) -> bool:
        await self.api_instance.replace_namespaced_lease(self.name, self.namespace, lease)
        return True


async def lead(
    server: ApiServer, settings: Settings, run: Callable[[], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Wait for the Lease, run, and give the Lease back; the process ends where it is lost."""
    lease = PatientLease(server, settings)
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    led: list[str] = []

    async def act() -> None:
        led.append(settings.identity)
        log.info("leading", identity=settings.identity)
        try:
            await run()
        except Exception as e:  # noqa: BLE001 - handed on to the caller
            outcome.set_exception(e)
        else:
            outcome.set_result(None)

    seconds = settings.lease_seconds
    config = Config(
        lease,
        lease_duration=seconds,
        renew_deadline=seconds * 2 / 3,
        retry_period=max(1.0, seconds * 2 / 15),
        onstarted_leading=act,
        onstopped_leading=_lost,
    )
    contest = asyncio.create_task(LeaderElection(config).run(), name="leader election")
    waiting = asyncio.create_task(stop.wait(), name="stop before leading")
    try:
        racing: set[asyncio.Future[Any]] = {contest, waiting, outcome}
        await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        if led:
            await outcome
            await lease.release()
    finally:
        contest.cancel()
        waiting.cancel()


async def _lost() -> None:
    # No cleaning up: whoever holds the Lease now must be the only one that writes.
    log.error("the Lease is lost: another process leads, or the API server is out of reach")
    os._exit(1)


async def _attempt(call: Coroutine[Any, Any, bool]) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await call
    except (aiohttp.ClientError, ApiException, TimeoutError, OSError) as e:
        log.warning("the Lease could not be written", error=f"{type(e).__name__}: {e}")
        return False
