"""An API server in memory: names, uids, versions, preconditions, garbage collection.

It merges as plain JSON. What only a real one can prove (server-side apply's ownership, defaults,
CEL, RBAC) is proved in tests/integration.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bot_operator.api.errors import AlreadyExists, ApiError, Conflict, Forbidden, Invalid, NotFound
from bot_operator.api.resources import (
    EVENTS,
    JOBS,
    OWNERS,
    PODS,
    Manifest,
    Ref,
    Resource,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
    resource_of,
    uid_of,
)
from bot_runtime.contract import names
from bot_runtime.contract.conditions import BotCondition, TrainingCondition
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.trainingstatus import ModelTrainingStatus
from tests.unit.bot_operator.health import check_health

T = TypeVar("T")
Slot = tuple[Resource, str, str]


class Killed(Exception):
    """The operator died here: nothing catches this."""


class FakeKube:
    """Implements `bot_operator.api.client.Kube`; tests reach into `objects` to play the cluster."""

    def __init__(self, now: Callable[[], str]) -> None:
        self.now = now
        self.objects: dict[Slot, Manifest] = {}
        self.events: list[tuple[str, Manifest]] = []
        """What watches have to deliver."""
        self.writes: list[tuple[str, str, str]] = []
        """Verb, plural and name of every successful write of the operator, Events aside."""
        self.reads: list[tuple[str, str]] = []
        self.logs: dict[str, str] = {}
        """Logs by pod."""
        self.statuses: list[Manifest] = []
        """Every status that was written, as it was sent."""
        self.kill_at: tuple[int, str] | None = None
        """Number of the write, and whether the operator dies `before` or `after` it."""
        self.refused: dict[Resource, ApiError] = {}
        """Kinds that may not be created, applied, changed or deleted, and what is answered."""
        self.admit: Callable[[Manifest], Manifest] = lambda manifest: manifest
        """What admission makes of what is applied."""
        self.refusal: str | None = None
        """Why a dry run is refused."""
        self.statuses_are_ours = True
        """Whether nobody else writes statuses: what a person writes says `Current` as it likes."""
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)

    # What the operator calls.

    async def get(self, ref: Ref) -> Manifest | None:
        self.reads.append(("get", ref.resource.plural))
        return self.objects.get(_slot(ref))

    async def list_all(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Manifest], int]:
        self.reads.append(("list", resource.plural))
        found = [
            o
            for (r, n, _), o in self.objects.items()
            if r == resource and namespace in {None, n} and _selected(o, labels, fields)
        ]
        return found, next(self._versions)

    async def events_about(self, subject: Manifest, fields: str) -> list[Manifest]:
        listed, _ = await self.list_all(EVENTS, namespace_of(subject), fields=fields)
        return [e for e in listed if e["involvedObject"].get("uid") == uid_of(subject)]

    async def create(self, manifest: Manifest) -> Manifest:
        def act() -> Manifest:
            if _slot(ref_of(manifest)) in self.objects:
                raise AlreadyExists(409, "AlreadyExists", f"{name_of(manifest)} already exists")
            return self.put(manifest)

        return self._write("create", ref_of(manifest), act)

    async def apply(self, manifest: Manifest, *, force: bool) -> Manifest:
        def act() -> Manifest:
            existing = self.objects.get(_slot(ref_of(manifest)))
            if existing is None:
                return self.put(self.admit(manifest))
            if not force and not _is_made_by_us(existing):
                raise Conflict(409, "Conflict", "conflict with another manager")
            return self.put(self.admit(_merged(existing, manifest)))

        return self._write("apply", ref_of(manifest), act)

    async def apply_status(self, manifest: Manifest) -> Manifest:
        _check_status(manifest)

        def act() -> Manifest:
            existing = self.objects.get(_slot(ref_of(manifest)))
            if existing is None:
                raise NotFound(404, "NotFound", "gone")
            if uid_of(existing) != uid_of(manifest):
                raise Conflict(409, "Conflict", "another object")
            version = manifest["metadata"].get("resourceVersion")
            if version not in {None, existing["metadata"]["resourceVersion"]}:
                raise Conflict(409, "Conflict", "changed meanwhile")
            self.statuses.append(manifest)
            return self.put({**existing, "status": manifest["status"]})

        return self._write("status", ref_of(manifest), act)

    async def patch_status(self, seen: Manifest, body: Mapping[str, Any]) -> Manifest:
        def act() -> Manifest:
            existing = self.objects[_slot(ref_of(seen))]
            return self.put({**existing, **merged_patch(existing, body)})

        return self._write("patch", ref_of(seen), act)

    async def patch(
        self, ref: Ref, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Manifest | None:
        if dry_run:
            self.reads.append(("dry run", ref.resource.plural))
            if self.refusal is not None:
                raise Forbidden(403, "Forbidden", self.refusal)
            return self.objects.get(_slot(ref))

        def act() -> Manifest | None:
            existing = self.objects.get(_slot(ref))
            if existing is None or uid_of(existing) != ref.uid:
                return None
            return self.put(_merged(existing, dict(body)))

        return self._write("patch", ref, act)

    async def delete(self, ref: Ref) -> bool:
        def act() -> bool:
            existing = self.objects.get(_slot(ref))
            if existing is None:
                return False
            if ref.uid not in {None, uid_of(existing)}:
                raise Conflict(409, "Conflict", "another object")
            self.remove(existing)
            return True

        return self._write("delete", ref, act)

    async def read_log(self, pod: Ref, container: str, lines: int) -> str:
        self.reads.append(("get", "pods/log"))
        del container
        if pod.name not in self.logs:
            raise Invalid(400, "BadRequest", "the container is waiting to start")
        return "\n".join(self.logs[pod.name].splitlines()[-lines:])

    # What the cluster does.

    def put(self, manifest: Manifest) -> Manifest:
        """Store an object, which nobody changes from then on; tell the watches where it is new."""
        slot = _slot(ref_of(manifest))
        existing = self.objects.get(slot)
        # Whoever holds the former state keeps it: stored objects are never changed in place.
        metadata = dict(manifest["metadata"])
        manifest = {**manifest, "metadata": metadata}
        if resource_of(manifest) in OWNERS:
            manifest.setdefault("status", {"observedGeneration": -1})  # by the CRD's default
        if existing is None:
            metadata.setdefault("uid", f"uid-{next(self._uids)}")
            metadata.setdefault("creationTimestamp", self.now())
            metadata.setdefault("generation", 1)
        elif _content(existing) == _content(manifest):
            return existing
        elif existing.get("spec") != manifest.get("spec"):
            metadata["generation"] = existing["metadata"]["generation"] + 1
        metadata["resourceVersion"] = str(next(self._versions))
        self.objects[slot] = manifest
        kind = "ADDED" if existing is None else "MODIFIED"
        self.events.append((kind, manifest))
        return manifest

    def remove(self, manifest: Manifest) -> None:
        """Delete an object and all that it owns."""
        self.objects.pop(_slot(ref_of(manifest)), None)
        metadata = {**manifest["metadata"], "resourceVersion": str(next(self._versions))}
        self.events.append(("DELETED", {**manifest, "metadata": metadata}))
        for child in list(self.objects.values()):
            owners = child["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == uid_of(manifest) for owner in owners):
                self.remove(child)

    def all(self, resource: Resource) -> list[Manifest]:
        """Return the objects of one kind, as they are stored."""
        return [o for (r, _, _), o in self.objects.items() if r == resource]

    def one(self, resource: Resource, name: str) -> Manifest:
        """Return the object of this name in any namespace."""
        return next(o for o in self.all(resource) if name_of(o) == name)

    def take_events(self) -> Iterator[tuple[str, Manifest]]:
        """Hand the events out to the watches."""
        taken, self.events = self.events, []
        yield from taken

    def created(self, resource: Resource) -> list[str]:
        """Return the names of all objects of a kind that the operator ever created."""
        return [
            n for verb, plural, n in self.writes if (verb, plural) == ("create", resource.plural)
        ]

    def _write(self, verb: str, ref: Ref, act: Callable[[], T]) -> T:
        if ref.resource.kind == "Event":
            return act()
        number = len(self.writes)
        if self.kill_at == (number, "before"):
            raise Killed
        if ref.resource in self.refused and verb != "status":
            raise self.refused[ref.resource]
        done = act()
        self.writes.append((verb, ref.resource.plural, ref.name))
        if self.statuses_are_ours:
            check_health(self.objects.values())
        if self.kill_at == (number, "after"):
            raise Killed
        return done


def pods_of(kube: FakeKube, job: Manifest) -> list[Manifest]:
    """Return the stored pods of a Job."""
    return [
        p
        for p in kube.all(PODS)
        if any(o["uid"] == uid_of(job) for o in p["metadata"]["ownerReferences"])
    ]


def _check_status(manifest: Manifest) -> None:
    """Hold every status that any test writes to what is promised of all of them."""
    is_bot = manifest["kind"] == "TradingBot"
    # What the CRD's schema would refuse or prune must not be sent.
    model = TradingBotStatus if is_bot else ModelTrainingStatus
    status = model.model_validate(manifest["status"])
    assert status.to_json() == manifest["status"]
    known = {c.type: c for c in status.conditions}
    assert set(known) == set(BotCondition if is_bot else TrainingCondition)
    assert {c.observed_generation for c in status.conditions} == {status.observed_generation}
    assert not known["Stalled"].status == known["Reconciling"].status == "True"
    assert len(json.dumps(manifest["status"])) < 16_000


def _slot(ref: Ref) -> Slot:
    return (ref.resource, ref.namespace, ref.name)


def _content(manifest: Manifest) -> Manifest:
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "resourceVersion"}
    return {**manifest, "metadata": metadata}


def _merged(existing: Any, given: Any) -> Any:
    if not isinstance(existing, dict) or not isinstance(given, dict):
        return given
    return {**existing, **{key: _merged(existing.get(key), v) for key, v in given.items()}}


def merged_patch(target: Any, patch: Any) -> Any:
    """Return RFC 7386's MergePatch(target, patch)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged_patch(result.get(key), value)
    return result


def _selected(manifest: Manifest, labels: str, fields: str) -> bool:
    wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
    if any(labels_of(manifest).get(k) != v for k, v in wanted.items()):
        return False
    for part in filter(None, fields.split(",")):
        path, value = part.split("=", 1)
        found: Any = manifest
        for step in path.split("."):
            found = (found or {}).get(step)
        if found != value:
            return False
    return True


__all__ = ["JOBS", "FakeKube", "Killed", "namespace_of", "pods_of", "resource_of"]


def _is_made_by_us(manifest: Manifest) -> bool:
    return labels_of(manifest).get(names.LABEL_MANAGED_BY) == names.MANAGED_BY
