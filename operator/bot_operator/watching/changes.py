"""The feed: what changes in the cluster goes into the cache and wakes the owners it concerns."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import structlog

from bot_operator import metrics
from bot_operator.api.client import Kube
from bot_operator.api.resources import (
    CHILDREN,
    CLAIMS,
    MODEL_TRAININGS,
    OWNERS,
    TRADING_BOTS,
    Manifest,
    Ref,
    Resource,
    labels_of,
    name_of,
    namespace_of,
    resource_of,
)
from bot_operator.watching.cache import Cache
from bot_operator.watching.fleet import note_event
from bot_operator.watching.slots import first_queued, frees_slot
from bot_operator.watching.workqueue import Key
from bot_runtime.contract import names

RELIST_SECONDS = 600.0
RELIST_BACKOFF_SECONDS = 30.0
GAP_SECONDS = 2.0
SPREAD_SECONDS = 30.0
WOKEN_FOR_A_SLOT = 32
"""How many of those that wait longest look again when a slot may be free."""
CHILD_SELECTOR = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"

log = structlog.get_logger()


class Wakes(Protocol):
    """What the feed needs of a queue."""

    def add(self, key: Key) -> None:
        """Have `key` reconciled soon."""
        ...

    def add_after(self, key: Key, seconds: float) -> None:
        """Have `key` reconciled in `seconds`."""
        ...

    def add_behind(self, key: Key) -> None:
        """Have `key` reconciled behind what is more urgent, until nothing is left to do for it."""
        ...

    def forget(self, key: Key) -> None:
        """Drop every wake-up of `key`."""
        ...


class Feed:
    """Takes events of watches and full lists; never decides anything."""

    def __init__(self, kube: Kube, scope: str | None, cache: Cache, queue: Wakes) -> None:
        self._kube = kube
        self._scope = scope
        self._cache = cache
        self._queue = queue
        self._gap = asyncio.Event()
        self._filled = False

    def seen(self, kind: str | None, manifest: Manifest) -> None:
        """Take one event of a watch: `DELETED`, or anything else for a state."""
        resource = resource_of(manifest)
        note_event(kind, manifest)
        writer = self._writer_of(manifest) if kind != "DELETED" else None
        if kind == "DELETED":
            self._cache.drop(manifest)
            if resource in OWNERS:
                self._queue.forget(Key(resource, namespace_of(manifest), name_of(manifest)))
        else:
            self._cache.put(manifest)
        for key in self._keys_of(manifest):
            if key == writer:
                continue
            if self._is_new(key):
                self._queue.add_behind(key)
            else:
                self._queue.add(key)
        if resource == MODEL_TRAININGS and (kind == "DELETED" or frees_slot(manifest)):
            for waiting in first_queued(self._cache.queued(), WOKEN_FOR_A_SLOT):
                self._queue.add(Key(resource, namespace_of(waiting), name_of(waiting)))

    def listed(self) -> None:
        """Take note that a watch began anew by a list: what was deleted before it is not told."""
        self._gap.set()

    def namespaces(self) -> set[str]:
        """Return the namespaces in which there is anything to reconcile."""
        return {namespace_of(owner) for kind in OWNERS for owner in self._cache.all(kind)}

    def wake_namespace(self, namespace: str) -> None:
        """Have everything in a namespace reconciled."""
        for kind in OWNERS:
            for owner in self._cache.all(kind):
                if namespace_of(owner) == namespace:
                    self._queue.add(Key(kind, namespace, name_of(owner)))

    async def relist(self, spread_seconds: float = 0.0) -> None:
        """List everything, correct the cache and wake every owner."""
        async for resource, listed in self._correct():
            if resource in OWNERS:
                self._wake(resource, listed, spread_seconds)
        self._filled = True
        metrics.LAST_RELIST.set_to_current_time()

    async def keep_relisting(self) -> None:
        """Relist every ten minutes, whatever the watches say, and after each gap in them."""
        pause = RELIST_SECONDS
        while True:
            gap = await self._is_gap_within(pause)
            try:
                if gap:
                    await self._fill_gap()
                else:
                    await self.relist(SPREAD_SECONDS)
                pause = RELIST_SECONDS
            except Exception as e:  # noqa: BLE001 - this loop must outlive every answer
                pause = RELIST_BACKOFF_SECONDS
                log.warning("the full list failed", error=str(e), again_in_seconds=pause)

    async def _is_gap_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._gap.wait(), seconds)
        except TimeoutError:
            return False
        await asyncio.sleep(GAP_SECONDS)  # the watches of all kinds begin anew together
        self._gap.clear()
        return True

    async def _fill_gap(self) -> None:
        async for _ in self._correct():
            pass

    async def _correct(self) -> AsyncIterator[tuple[Resource, list[Manifest]]]:
        """List everything, correct the cache, and wake those whom a correction concerns."""
        for resource in (*CHILDREN, *reversed(OWNERS)):
            selector = "" if resource in OWNERS else CHILD_SELECTOR
            listed, version = await self._kube.list_all(resource, self._scope, labels=selector)
            corrected = self._cache.replace(resource, listed, version)
            if self._filled:  # the first list corrects nothing
                metrics.RELIST_CORRECTIONS.labels(resource.plural).inc(len(corrected))
            for manifest in corrected:
                for key in self._keys_of(manifest):
                    self._queue.add(key)
            yield resource, listed

    def _wake(self, resource: Resource, listed: list[Manifest], spread_seconds: float) -> None:
        for manifest in listed:
            key = Key(resource, namespace_of(manifest), name_of(manifest))
            if spread_seconds:
                # Not security: the wake-ups of a fleet are spread.
                self._queue.add_after(key, random.uniform(0, spread_seconds))  # noqa: S311 - spreads load, guards nothing
            else:
                self._queue.add_behind(key)

    def _writer_of(self, manifest: Manifest) -> Key | None:
        """Return who knows what the event says, as it wrote that itself or was woken for it.

        Whoever writes looks again by itself. Half of all events are of what we have written.
        """
        if not self._cache.knows(manifest):
            return None
        if resource_of(manifest) in OWNERS and not _was_looked_at(manifest):
            return None  # a bot has made a training, which is to begin
        return next(self._keys_of(manifest), None)

    def _is_new(self, key: Key) -> bool:
        known = self._cache.get(Ref(key.resource, key.namespace, key.name))
        return known is not None and not _was_looked_at(known)

    def _keys_of(self, manifest: Manifest) -> Iterator[Key]:
        resource, namespace = resource_of(manifest), namespace_of(manifest)
        if resource in OWNERS:
            yield Key(resource, namespace, name_of(manifest))
        labels = labels_of(manifest)
        training, bot = labels.get(names.LABEL_TRAINING), labels.get(names.LABEL_BOT)
        if resource == MODEL_TRAININGS:
            bot = (manifest.get("spec", {}).get("botRef") or {}).get("name")
        if training is not None:
            yield Key(MODEL_TRAININGS, namespace, training)
        elif bot is not None:
            yield Key(TRADING_BOTS, namespace, bot)
        if resource == CLAIMS and bot is not None:
            for child in self._cache.of_bot(namespace, bot):
                if resource_of(child) == MODEL_TRAININGS:
                    yield Key(MODEL_TRAININGS, namespace, name_of(child))


def _was_looked_at(owner: Manifest) -> bool:
    """Tell whether the operator has written a status; the API server's default is none."""
    status = owner.get("status")
    return isinstance(status, dict) and bool(status.get("conditions"))
