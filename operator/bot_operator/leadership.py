"""Leadership: one process at a time acts, the one that holds the Lease.

Written by hand because the client library's own LeaseLock cannot create a Lease (37.0.2 gives a
bool where its API asks for a string) and ends on the first call without an answer.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from bot_operator.client import Kube
from bot_operator.errors import ApiError
from bot_operator.resources import LEASES, Manifest, Ref
from bot_operator.settings import Settings

LEASE_NAME = "botcripto-operator"

log = structlog.get_logger()


class Lease:
    """The Lease as one candidate sees it.

    Another holder's Lease is over when it has not changed for its whole duration on this process'
    own monotonic clock: clocks of different nodes are never compared.
    """

    def __init__(
        self, kube: Kube, settings: Settings, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._kube = kube
        self._monotonic = monotonic
        self._identity = settings.identity
        self._seconds = settings.lease_seconds
        self._ref = Ref(LEASES, settings.own_namespace, LEASE_NAME)
        self._seen = ("", 0.0)

    async def try_hold(self) -> bool:
        """Take or renew the Lease; return whether it is ours now."""
        try:
            async with asyncio.timeout(self._seconds / 3):
                return await self._try_hold()
        except (ApiError, TimeoutError) as e:
            log.warning("the Lease could not be held", error=str(e) or type(e).__name__)
            return False

    async def release(self) -> None:
        """Give the Lease back, so that the next process need not wait for its end."""
        lease = await self._kube.get(self._ref)
        if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
            await self._write(lease, {"holderIdentity": ""})

    async def _try_hold(self) -> bool:
        lease = await self._kube.get(self._ref)
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        held = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._seconds,
            "renewTime": now,
        }
        if lease is None:
            metadata = {"name": self._ref.name, "namespace": self._ref.namespace}
            kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
            spec = {**held, "acquireTime": now}
            await self._kube.create({**kind, "metadata": metadata, "spec": spec})
            return True
        holder = lease["spec"].get("holderIdentity")
        if holder == self._identity:
            return await self._write(lease, held)
        if holder and not self._is_over(lease):
            return False
        return await self._write(lease, {**held, "acquireTime": now})

    def _is_over(self, lease: Manifest) -> bool:
        version = str(lease["metadata"]["resourceVersion"])
        if version != self._seen[0]:
            self._seen = (version, self._monotonic())
        lasts = float(lease["spec"].get("leaseDurationSeconds") or self._seconds)
        return self._monotonic() - self._seen[1] >= lasts

    async def _write(self, lease: Manifest, spec: dict[str, Any]) -> bool:
        # The version makes it a Conflict where anybody else has written meanwhile.
        metadata = {"resourceVersion": lease["metadata"]["resourceVersion"]}
        ref = Ref(LEASES, self._ref.namespace, self._ref.name, lease["metadata"]["uid"])
        return await self._kube.patch(ref, {"metadata": metadata, "spec": spec}) is not None


async def lead(
    kube: Kube, settings: Settings, run: Callable[[], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Wait for the Lease, run, and give the Lease back; the process ends where it is lost."""
    lease = Lease(kube, settings)
    pause = settings.lease_seconds / 7.5
    while not await lease.try_hold():
        if await _is_set_within(stop, pause):
            return
    log.info("leading", identity=settings.identity)
    renewing = asyncio.create_task(_renew(lease, settings, pause), name="lease")
    try:
        await run()
    finally:
        renewing.cancel()
    try:
        await lease.release()
    except ApiError as e:
        log.warning("the Lease could not be given back; it ends by itself", error=str(e))


async def _renew(lease: Lease, settings: Settings, pause: float) -> None:
    renewed = time.monotonic()
    while time.monotonic() - renewed < settings.lease_seconds * 2 / 3:
        await asyncio.sleep(pause)
        if await lease.try_hold():
            renewed = time.monotonic()
    # No cleaning up: whoever holds the Lease now must be the only one that writes.
    log.error("the Lease is lost: another process leads, or the API server is out of reach")
    os._exit(1)


async def _is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
