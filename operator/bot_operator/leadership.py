"""Leadership: one process at a time acts, the one that holds the Lease.

Written by hand because the client library's own LeaseLock cannot create a Lease (37.0.2 gives a
bool where its API asks for a string) and ends on the first call without an answer.
"""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from bot_operator.api.client import Kube
from bot_operator.api.errors import ApiError
from bot_operator.api.resources import LEASES, Manifest, Ref
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
        self.identity = settings.identity
        self._seconds = settings.lease_seconds
        self.pause = settings.lease_seconds / 7.5
        """Seconds between two renewals."""
        self._ref = Ref(LEASES, settings.own_namespace, LEASE_NAME)
        self._seen = ("", 0.0)
        self.sure_until = -math.inf
        """Until when, on this process' clock, nobody else can have taken the Lease."""

    async def try_hold(self) -> bool:
        """Take or renew the Lease; return whether it is ours now."""
        asked = self._monotonic()
        try:
            async with asyncio.timeout(self._seconds / 3):
                held = await self._try_hold()
        except Exception as e:  # noqa: BLE001 - whatever it is, the Lease was not renewed
            log.warning("the Lease could not be held", error=str(e) or type(e).__name__)
            return False
        if held:
            # Counted from before the question: others count from when they see the answer.
            self.sure_until = asked + self._seconds * 2 / 3
        return held

    def seconds_to_wait(self) -> float:
        """Return when to try again: as soon as another's Lease may be over, or after a pause."""
        over = self._seen[1] + self._seconds - self._monotonic()
        return min(self.pause, over) if over > 0 else self.pause

    async def release(self) -> None:
        """Give the Lease back, so that the next process need not wait for its end."""
        lease = await self._kube.get(self._ref)
        if lease is not None and _spec_of(lease).get("holderIdentity") == self.identity:
            await self._write(lease, {"holderIdentity": ""})

    async def _try_hold(self) -> bool:
        lease = await self._kube.get(self._ref)
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        held = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._seconds,
            "renewTime": now,
        }
        if lease is None:
            metadata = {"name": self._ref.name, "namespace": self._ref.namespace}
            kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
            spec = {**held, "acquireTime": now}
            await self._kube.create({**kind, "metadata": metadata, "spec": spec})
            return True
        holder = _spec_of(lease).get("holderIdentity")
        if holder == self.identity:
            return await self._write(lease, held)
        if holder and not self._is_over(lease):
            return False
        return await self._write(lease, {**held, "acquireTime": now})

    def _is_over(self, lease: Manifest) -> bool:
        version = str(lease["metadata"]["resourceVersion"])
        if version != self._seen[0]:
            self._seen = (version, self._monotonic())
        lasts = float(_spec_of(lease).get("leaseDurationSeconds") or self._seconds)
        return self._monotonic() - self._seen[1] >= lasts

    async def _write(self, lease: Manifest, spec: dict[str, Any]) -> bool:
        # The version makes it a Conflict where anybody else has written meanwhile.
        metadata = {"resourceVersion": lease["metadata"]["resourceVersion"]}
        ref = Ref(LEASES, self._ref.namespace, self._ref.name, lease["metadata"]["uid"])
        return await self._kube.patch(ref, {"metadata": metadata, "spec": spec}) is not None


async def lead(lease: Lease, run: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Wait for the Lease, run, and give the Lease back; the process ends where it is lost."""
    while not await lease.try_hold():
        if await _is_set_within(stop, lease.seconds_to_wait()):
            return
    log.info("leading", identity=lease.identity)
    renewing = asyncio.create_task(_renew(lease), name="lease")
    try:
        await run()
    finally:
        renewing.cancel()
        try:
            await lease.release()
        except ApiError as e:
            log.warning("the Lease could not be given back; it ends by itself", error=str(e))


async def _renew(lease: Lease) -> None:
    while time.monotonic() < lease.sure_until:
        await asyncio.sleep(lease.pause)
        await lease.try_hold()
    # No cleaning up: whoever holds the Lease now must be the only one that writes.
    log.error("the Lease is lost: another process leads, or the API server is out of reach")
    os._exit(1)


def _spec_of(lease: Manifest) -> Manifest:
    found: Manifest = lease.get("spec") or {}
    return found


async def _is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
