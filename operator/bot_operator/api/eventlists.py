"""Events about objects, listed once for all who ask within a while.

The API server finds the Events about an object by reading all of its namespace's: a thousand pods
that hang together would make it read them a thousand times at every look, until it throttles.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot_operator.api.errors import ApiError
from bot_operator.api.resources import Manifest

FRESH_SECONDS = 1.0
"""For how long at least a list serves those who ask."""
PAUSE_RATIO = 10.0
"""No list begins before so many times the duration of the last one is over."""
KEPT_SECONDS = 60.0

Fetch = Callable[[str, str], Awaitable[list[Manifest]]]
"""Namespace and field selector → Events."""
_READ = ("metadata", "involvedObject", "type", "reason", "message", "series")
_READ_TIMES = ("firstTimestamp", "lastTimestamp", "eventTime")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list said; `error` in place of Events that were never read."""

    until: float
    """When it may be asked for again."""
    by_uid: dict[str, list[Manifest]]
    error: ApiError | None = None


class EventLists:
    """The newest list of each namespace and selector; one request at a time for each.

    A list that fails leaves the one before it, and is not tried again before `Retry-After`.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._listed: dict[tuple[str, str], Listed] = {}
        self._pending: dict[tuple[str, str], asyncio.Task[Listed]] = {}

    async def about(self, uid: str, namespace: str, fields: str) -> list[Manifest]:
        """Return the Events about the object of this uid; ApiError where none were ever read."""
        key = namespace, fields
        listed = self._listed.get(key)
        if listed is None or listed.until <= self._clock():
            if key not in self._pending:
                self._pending[key] = asyncio.create_task(self._list(key))
            # Whoever asked first may give up: the others wait for the same answer.
            listed = await asyncio.shield(self._pending[key])
        if listed.error is not None:
            raise listed.error.with_traceback(None)  # else it grows with each who hears it
        return listed.by_uid.get(uid, [])

    async def _list(self, key: tuple[str, str]) -> Listed:
        began = self._clock()
        try:
            listed = await self._read(key, began)
        finally:
            del self._pending[key]
        self._listed = {k: v for k, v in self._listed.items() if v.until > began - KEPT_SECONDS}
        self._listed[key] = listed
        return listed

    async def _read(self, key: tuple[str, str], began: float) -> Listed:
        known = self._listed.get(key)
        try:
            events = await self._fetch(*key)
        except ApiError as e:
            until = self._clock() + max(FRESH_SECONDS, e.retry_after)
            if known is not None and known.error is None:
                return Listed(until, known.by_uid)
            return Listed(until, {}, e)
        now = self._clock()
        by_uid: dict[str, list[Manifest]] = defaultdict(list)
        for event in events:
            by_uid[event.get("involvedObject", {}).get("uid", "")].append(_slim(event))
        return Listed(now + max(FRESH_SECONDS, PAUSE_RATIO * (now - began)), dict(by_uid))


def _slim(event: Manifest) -> Manifest:
    slimmed = {key: event[key] for key in (*_READ, *_READ_TIMES) if key in event}
    slimmed["metadata"] = {"creationTimestamp": event["metadata"].get("creationTimestamp")}
    return slimmed
