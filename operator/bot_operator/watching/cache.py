"""A slim cache of owners and children: what watches and our own writes have last said.

It is never behind what this process has written, but may be behind others. What it holds is safe to
act on, because every write is checked by the API server; what it lacks is confirmed by a live read
before anything follows from the absence.
"""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable

from bot_operator.api.client import Kube
from bot_operator.api.resources import (
    MODEL_TRAININGS,
    OWNERS,
    PODS,
    TRADING_BOTS,
    Manifest,
    Ref,
    Resource,
    labels_of,
    name_of,
    namespace_of,
    resource_of,
    uid_of,
)
from bot_operator.watching.gone import Gone
from bot_runtime.contract import names

_REMEMBERED_DELETIONS = 10_000
_READ_OF_PODS = ("nodeName", "activeDeadlineSeconds")
"""Fields of a pod's spec that plans read."""


class Cache:
    """The newest known state of every child, without what no plan reads."""

    def __init__(self) -> None:
        self._objects: dict[tuple[Resource, str, str], Manifest] = {}
        self._owned: dict[tuple[str, str, str], dict[tuple[Resource, str, str], None]] = (
            defaultdict(dict)
        )
        self._deleted: OrderedDict[str, float] = OrderedDict()
        """Uids of what is gone, with the version from which on such an object is there again."""
        self._doubted: set[Ref] = set()
        self._gone = Gone()
        self._stored: dict[tuple[Resource, str, str], Manifest] = {}
        self._queued: set[tuple[Resource, str, str]] = set()
        self.starting: set[str] = set()
        """Uids of trainings that this process has decided to begin."""

    def put(self, manifest: Manifest) -> None:
        """Take a state of an object, unless a newer one or its deletion is known."""
        key = _key(manifest)
        known = self._objects.get(key)
        if _version(manifest) < self._deleted.get(uid_of(manifest), 0):
            return
        if (
            known is not None
            and uid_of(known) == uid_of(manifest)
            and _version(known) > _version(manifest)
        ):
            return
        self._unlink(key)
        self._objects[key] = slim(manifest)
        status = manifest.get("status")
        if isinstance(status, dict) and status.get("state") == "Queued":
            self._queued.add(key)
        for owner in _owners(manifest):
            self._owned[owner][key] = None

    def knows(self, manifest: Manifest) -> bool:
        """Tell whether this very state of an object is known already."""
        known = self._objects.get(_key(manifest))
        return (
            known is not None
            and uid_of(known) == uid_of(manifest)
            and _version(known) == _version(manifest) > 0
        )

    def drop(self, manifest: Manifest) -> None:
        """Take note that an object is gone from our watch, as of this state of it.

        One that is deleted never has a newer state; one that has lost its label does.
        """
        self._drop(manifest, _version(manifest))

    def _drop(self, manifest: Manifest, until: float) -> None:
        self._deleted[uid_of(manifest)] = until
        while len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)
        key = _key(manifest)
        known = self._objects.get(key)
        if known is not None and uid_of(known) == uid_of(manifest):
            self._lose(key)
        owner = _teller(manifest)
        if owner is not None and owner in self._objects:
            self._gone.remember(owner, slim(manifest))

    def gone(self, subject: Manifest, controller: str) -> tuple[Manifest, ...]:
        """Return the Jobs, or ended pods, of the controller of this uid that are gone lately.

        `subject` is the bot or training that tells of them, or a child with its labels.
        """
        owner = _teller(subject)
        return () if owner is None else self._gone.of(owner, controller)

    def drop_named(self, ref: Ref) -> None:
        """Take note that the API server has no such object, whatever the watches still say."""
        known = self.get(ref)
        if known is not None and ref.uid == uid_of(known):
            self._drop(known, math.inf)

    async def read_owner(self, kube: Kube, ref: Ref) -> Manifest | None:
        """Return the owner, read live where it is unknown or was doubted; None where it is gone.

        Only this process writes its status, and every answer to such a write is put in here: so
        what was recorded is not overlooked. A newer spec comes with its event.
        """
        known = self.get(ref)
        if known is not None and ref not in self._doubted:
            return known
        owner = await kube.get(ref)
        if owner is not None:
            self.put(owner)
        self._doubted.discard(ref)
        return owner

    def doubt(self, ref: Ref) -> None:
        """Have the owner read live next time: a write may have succeeded without an answer."""
        self._doubted.add(ref)

    def mark_deleting(self, ref: Ref) -> None:
        """Take note that we have asked for an object's deletion, ahead of the watch."""
        known = self.get(ref)
        if known is not None:
            metadata = {"deletionTimestamp": "requested", **known["metadata"]}
            self._objects[(ref.resource, ref.namespace, ref.name)] = {**known, "metadata": metadata}

    def get(self, ref: Ref) -> Manifest | None:
        """Return the named object, None where none is known."""
        return self._objects.get((ref.resource, ref.namespace, ref.name))

    def note_stored(self, manifest: Manifest) -> None:
        """Take note of what the API server answered to an apply, other than what was sent."""
        key = _key(manifest)
        if key in self._objects:
            self._stored[key] = slim(manifest)

    def stored(self, ref: Ref) -> Manifest | None:
        """Return the last answer that was noted of an object, None where there is none."""
        return self._stored.get((ref.resource, ref.namespace, ref.name))

    def all(self, resource: Resource) -> list[Manifest]:
        """Return all known objects of a kind."""
        return [found for key, found in self._objects.items() if key[0] == resource]

    def queued(self) -> list[Manifest]:
        """Return the trainings that wait for a slot."""
        return [self._objects[key] for key in self._queued]

    def note_start(self, uid: str, *, starts: bool) -> None:
        """Take note of whether a training begins or goes on, ahead of the API server's answer."""
        if starts and uid not in self._deleted:
            self.starting.add(uid)
        else:
            self.starting.discard(uid)

    def of_bot(self, namespace: str, bot: str) -> list[Manifest]:
        """Return all known children of a bot, those of its trainings included."""
        return self._children((names.LABEL_BOT, namespace, bot))

    def of_training(self, namespace: str, training: str) -> list[Manifest]:
        """Return all known children of a training."""
        return self._children((names.LABEL_TRAINING, namespace, training))

    def replace(
        self, resource: Resource, listed: Iterable[Manifest], version: int
    ) -> list[Manifest]:
        """Take a full list made at `version`; return the objects that it corrected."""
        corrected = []
        seen = set()
        for manifest in listed:
            key = _key(manifest)
            seen.add(key)
            known = self._objects.get(key)
            if known is None or _version(known) < _version(manifest):
                corrected.append(manifest)
            self.put(manifest)
        for key in [k for k in self._objects if k[0] == resource and k not in seen]:
            if _version(self._objects[key]) <= version:
                corrected.append(self._objects[key])
                self._lose(key)
        return corrected

    def _lose(self, key: tuple[Resource, str, str]) -> None:
        """Drop an object that is gone, and all that was kept because of it."""
        self.starting.discard(uid_of(self._objects[key]))
        self._doubted.discard(Ref(*key))
        self._gone.forget(key)
        self._stored.pop(key, None)
        self._unlink(key)

    def _children(self, owner: tuple[str, str, str]) -> list[Manifest]:
        return [self._objects[key] for key in self._owned.get(owner, ())]

    def _unlink(self, key: tuple[Resource, str, str]) -> None:
        known = self._objects.pop(key, None)
        self._queued.discard(key)
        if known is None:
            return
        for owner in _owners(known):
            self._owned[owner].pop(key, None)
            if not self._owned[owner]:
                del self._owned[owner]


def slim(manifest: Manifest) -> Manifest:
    """Return the object without what no plan reads: thousands of them fit into the memory."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "managedFields"}
    slimmed = {**manifest, "metadata": metadata}
    if manifest["kind"] == PODS.kind:
        spec = manifest.get("spec", {})
        slimmed["spec"] = {key: spec.get(key) for key in _READ_OF_PODS}
    slimmed.pop("data", None)
    return slimmed


def _owners(manifest: Manifest) -> list[tuple[str, str, str]]:
    namespace = namespace_of(manifest)
    labels = dict(labels_of(manifest))
    if resource_of(manifest) == MODEL_TRAININGS:
        labels[names.LABEL_BOT] = (manifest.get("spec", {}).get("botRef") or {}).get("name", "")
    return [
        (label, namespace, labels[label])
        for label in (names.LABEL_BOT, names.LABEL_TRAINING)
        if labels.get(label)
    ]


def _teller(manifest: Manifest) -> tuple[Resource, str, str] | None:
    """Return the bot or training whose status tells of an object: itself, or by its labels."""
    if resource_of(manifest) in OWNERS:
        return _key(manifest)
    for resource, label in (
        (MODEL_TRAININGS, names.LABEL_TRAINING),
        (TRADING_BOTS, names.LABEL_BOT),
    ):
        if labels_of(manifest).get(label):
            return resource, namespace_of(manifest), labels_of(manifest)[label]
    return None


def _key(manifest: Manifest) -> tuple[Resource, str, str]:
    return (resource_of(manifest), namespace_of(manifest), name_of(manifest))


def _version(manifest: Manifest) -> int:
    # The API conventions promise since Kubernetes 1.35 what etcd has always done: versions of
    # one kind are integers that grow.
    version = str(manifest["metadata"].get("resourceVersion", "0"))
    return int(version) if version.isdecimal() else 0
