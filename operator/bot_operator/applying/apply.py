"""Applying a plan: the only place that changes anything in the cluster."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import structlog

from bot_operator import metrics
from bot_operator.api.client import Kube
from bot_operator.api.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    Unavailable,
)
from bot_operator.api.resources import (
    CONFIG_MAPS,
    Manifest,
    Ref,
    annotations_of,
    controller_uid,
    name_of,
    namespace_of,
    ref_of,
    resource_of,
    uid_of,
)
from bot_operator.applying.differences import is_as_stored, is_current, merging
from bot_operator.applying.events import Teller
from bot_operator.children.child import is_made_for
from bot_operator.planning.plans import Plan
from bot_operator.planning.refusals import Refusal, Refused
from bot_operator.watching.cache import Cache
from bot_runtime.contract import names

T = TypeVar("T")

log = structlog.get_logger()

_NOT_APPLIED = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.INTERNAL_SERVER_ERROR})
"""Answers to a status that can be merged although it can never be applied.

Somebody wrote one field of an object that is to go: that field stays, alone and invalid (422). Or a
list where a date belongs: the API server takes it, and fails to apply anything to it (500).
"""


class _Foreign(ApiError):
    """Somebody else has made an object of the child's name: it is left alone."""


class Applier:
    """Makes the cluster as a plan wants it, and writes nothing that stands so already."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache
        self._teller = Teller(kube)

    async def apply(self, owner: Manifest, plan: Plan, now: datetime) -> bool:
        """Apply `plan` for `owner`; return whether anything was written (Events aside).

        Where children are refused the others are made, no status is written, and Refused raised:
        what is to be said then takes another plan, to be given to `record`.
        """
        written = await self._children(owner, plan)
        return await self.record(owner, plan, now) or written > 0

    async def record(self, owner: Manifest, plan: Plan, now: datetime) -> bool:
        """Write the status of `plan` and tell its notes; return whether the status was news."""
        written = await self._status(owner, plan)
        for note in plan.notes:
            await self._teller.tell(owner, note, now)
        return written

    async def _children(self, owner: Manifest, plan: Plan) -> int:
        missing = [m for m in plan.create if not self._stands(owner, m)]
        if missing or plan.delete:
            await self._confirm(owner)
        steps: list[tuple[Ref, Callable[[], Awaitable[bool]]]] = [
            *((ref, partial(self._suspend, ref, suspend=True)) for ref in plan.suspend),
            *((ref, partial(self._delete, ref)) for ref in plan.delete),
            *((ref, partial(self._suspend, ref, suspend=False)) for ref in plan.resume),
            *((ref_of(m), partial(self._create, owner, m)) for m in missing),
            *((ref_of(m), partial(self._keep, owner, m)) for m in plan.apply),
        ]
        written, refused = 0, dict[Ref, ApiError]()
        for ref, step in steps:
            try:
                written += await step()
            except (Forbidden, Invalid, _Foreign) as e:
                refused[ref] = e
                if ref.resource == CONFIG_MAPS:
                    break  # what follows would run by it
        if refused:
            first = next(iter(refused.values()))
            raise Refused((Refusal.of(ref, e) for ref, e in refused.items()), first)
        return written

    async def _confirm(self, owner: Manifest) -> None:
        """Raise Conflict where the owner is not as it was observed.

        Watches lag, each by itself: what cannot be undone follows from the newest state alone.
        """
        ref = Ref(resource_of(owner), namespace_of(owner), name_of(owner))
        live = await self._kube.get(ref)
        if live is not None and live["metadata"].get("resourceVersion") == _version(owner):
            return
        raise Conflict(409, "Stale", f"{ref.resource.kind} {ref.name} has changed meanwhile")

    async def _delete(self, ref: Ref) -> bool:
        if not await self._write("delete", lambda: self._kube.delete(ref)):
            self._cache.drop_named(ref)
            return True
        log.info("deleted", kind=ref.resource.kind, namespace=ref.namespace, name=ref.name)
        self._cache.mark_deleting(ref)
        return True

    async def _suspend(self, ref: Ref, *, suspend: bool) -> bool:
        body = {"spec": {"suspend": suspend}}
        what = "suspend" if suspend else "resume"
        changed = await self._write(what, lambda: self._kube.patch(ref, body))
        if changed is None:
            self._cache.drop_named(ref)
        else:
            self._cache.put(changed)
        return True

    def _stands(self, owner: Manifest, manifest: Manifest) -> bool:
        known = self._cache.get(ref_of(manifest))
        return known is not None and controller_uid(known) == uid_of(owner)

    async def _create(self, owner: Manifest, manifest: Manifest) -> bool:
        try:
            created = await self._write("create", lambda: self._kube.create(manifest))
        except AlreadyExists as e:
            return await self._take_known(owner, ref_of(manifest), e)
        log.info(
            "created", kind=created["kind"], namespace=namespace_of(owner), name=name_of(created)
        )
        self._cache.put(created)
        return True

    async def _take_known(self, owner: Manifest, ref: Ref, error: AlreadyExists) -> bool:
        """Take note of the owner's child that the cache lacks, so that the owner looks again.

        Raises _Foreign where somebody else has made it, Conflict where it is gone a moment later.
        """
        found, _ = await self._kube.list_all(
            ref.resource, ref.namespace, fields=f"metadata.name={ref.name}"
        )
        for live in found:
            if controller_uid(live) == uid_of(owner):
                # The watch is behind, or does not tell of it: it has lost its label.
                self._cache.put(live)
                return True
            if names.ANNOTATION_OWNER_UID not in annotations_of(live):
                text = f"one of this name is somebody else's: {error.message}"
                raise _Foreign(error.status, error.reason, text) from error
        # Of an earlier owner of this name: the garbage collector is about to remove it.
        raise Conflict(error.status, error.reason, error.message) from error

    async def _keep(self, owner: Manifest, manifest: Manifest) -> bool:
        ref = ref_of(manifest)
        known = self._cache.get(ref)
        if is_current(manifest, known) or is_as_stored(manifest, self._cache.stored(ref), known):
            return False
        if known is not None and controller_uid(known) not in {None, uid_of(owner)}:
            # Most likely a child of an earlier owner of this name, which is about to be collected.
            raise Conflict(409, "Stale", f"{known['kind']} {name_of(known)} has another owner")
        # Ours is put right whoever changed it. What we do not know may be somebody else's object of
        # this name, which we must not take.
        force = known is not None and is_made_for(known, owner)
        try:
            applied = await self._write("apply", lambda: self._kube.apply(manifest, force=force))
        except Conflict as e:
            if force:
                raise
            text = f"one of this name is somebody else's: {e.message}"
            raise _Foreign(e.status, e.reason, text) from e
        self._cache.put(applied)
        if not is_current(manifest, applied):
            log.warning("the API server stores another value", kind=applied["kind"], name=ref.name)
            self._cache.note_stored(applied)
        return True

    async def _status(self, owner: Manifest, plan: Plan) -> bool:
        wanted = plan.status.to_json()
        if owner.get("status") == wanted:
            return False
        manifest = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "metadata": {
                "name": name_of(owner),
                "namespace": namespace_of(owner),
                # Never onto another object that has taken the name meanwhile, and never over
                # what a later leader has recorded.
                "uid": uid_of(owner),
                "resourceVersion": _version(owner),
            },
            "status": wanted,
        }
        try:
            stored = await self._write("status", lambda: self._kube.apply_status(manifest))
        except (Invalid, Unavailable) as e:
            if e.status not in _NOT_APPLIED:
                raise
            stored = owner
        strange = merging(stored.get("status", {}), wanted)
        if strange:
            # Somebody else wrote it, so that applying leaves it there: it would be news for ever.
            body = {"status": strange}
            stored = await self._write("status", lambda: self._kube.patch_status(stored, body))
        self._cache.put(stored)
        return True

    async def _write(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        done = await call()
        metrics.WRITES.labels(what).inc()
        return done


def _version(manifest: Manifest) -> str:
    return str(manifest["metadata"]["resourceVersion"])
