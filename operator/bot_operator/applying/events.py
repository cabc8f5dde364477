"""Events: what is told of an owner, the same words once and counted, and never in a storm."""

import math
import socket
from collections import OrderedDict
from datetime import datetime

import structlog

from bot_operator import metrics
from bot_operator.api.client import Kube
from bot_operator.api.errors import AlreadyExists, ApiError
from bot_operator.api.resources import (
    EVENTS,
    Manifest,
    name_of,
    namespace_of,
    ref_of,
    to_time,
    uid_of,
)
from bot_operator.planning.plans import Note
from bot_runtime.contract import names
from bot_runtime.contract.digests import digest_of

BURST = 25
"""Events of one owner that are told at once; the figures are those of Kubernetes' own clients."""
REFILL_SECONDS = 300.0
"""After how long one more is told."""
_OWNERS_REMEMBERED = 5_000
_NOTE_MAX = 1000

log = structlog.get_logger()


class Teller:
    """Writes Events; that one cannot be written is no reason to do anything again."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._instance = socket.gethostname()
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    async def tell(self, owner: Manifest, note: Note, now: datetime) -> None:
        """Emit a note about the owner as a new Event, or count up the one that says the same."""
        if not self._may_tell(uid_of(owner), now):
            log.warning(
                "Event held back: too many of its owner",
                reason=note.reason.value,
                message=note.message,
            )
            return
        event = self._build(owner, note, to_time(now))
        try:
            try:
                await self._kube.create(event)
            except AlreadyExists:
                await self._count_up(event)
        except ApiError as e:
            # The status is written and says the same.
            log.warning("an Event could not be written", reason=note.reason.value, error=str(e))
        else:
            metrics.WRITES.labels("event").inc()
        log.info("Event emitted", type=note.kind, reason=note.reason.value, message=note.message)

    def _may_tell(self, owner: str, now: datetime) -> bool:
        left, at = self._left.pop(owner, (float(BURST), now))
        left = min(BURST, left + max(0.0, (now - at).total_seconds()) / REFILL_SECONDS)
        allowed = left >= 1.0 or math.isclose(left, 1.0)
        self._left[owner] = (left - 1.0 if allowed else left, now)
        while len(self._left) > _OWNERS_REMEMBERED:
            self._left.popitem(last=False)
        return allowed

    async def _count_up(self, event: Manifest) -> None:
        namespace, name = namespace_of(event), name_of(event)
        found, _ = await self._kube.list_all(EVENTS, namespace, fields=f"metadata.name={name}")
        for known in found:
            count = int(known.get("count") or 1) + 1
            body = {"count": count, "lastTimestamp": event["lastTimestamp"]}
            await self._kube.patch(ref_of(known), body)

    def _build(self, owner: Manifest, note: Note, at: str) -> Manifest:
        message = note.message[:_NOTE_MAX]
        same = [uid_of(owner), note.kind, note.reason.value, message]
        namespace = namespace_of(owner)
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            # The same words have the same name, so that they are counted across restarts too.
            "metadata": {
                "name": f"{name_of(owner)}.{digest_of(same)[:16]}",
                "namespace": namespace,
            },
            "involvedObject": {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": name_of(owner),
                "namespace": namespace,
                "uid": uid_of(owner),
            },
            "type": note.kind,
            "reason": note.reason.value,
            "message": message,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
            "source": {"component": names.FIELD_MANAGER, "host": self._instance},
            "reportingComponent": names.FIELD_MANAGER,
            "reportingInstance": self._instance,
        }
