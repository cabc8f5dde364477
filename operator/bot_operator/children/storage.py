"""The volume claim of a store: how it is made, and what its state means."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot_operator.api.client import Kube
from bot_operator.api.errors import Forbidden, Invalid
from bot_operator.api.resources import (
    CLAIMS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    Manifest,
    Ref,
    controller_uid,
    from_time,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
    uid_of,
)
from bot_operator.children.child import build_child, is_made_for
from bot_operator.watching.cache import Cache
from bot_runtime.contract import names
from bot_runtime.contract.conditions import Reason, Status
from bot_runtime.contract.quantities import quantity_value
from bot_runtime.contract.spec import StorageSpec

_WAITS_FOR_POD = frozenset({"WaitForFirstConsumer", "WaitForPodScheduled"})
_OF_CLAIMS = "involvedObject.kind=PersistentVolumeClaim"
_FAILED_BINDING = "FailedBinding"
"""Told as Normal although nothing goes on: there is no StorageClass, and no volume that fits."""
_SILENCE_SECONDS = 10.0
"""How long a pending claim may be without any event before pods are tried on it."""


@dataclass(frozen=True, slots=True)
class ClaimSeen:
    """A claim and the events about it (only read while it is pending)."""

    name: str
    claim: Manifest | None
    events: tuple[Manifest, ...] = ()
    refusal: str | None = None
    """Why the API server would not let it grow to the size that is asked for."""
    holder: Manifest | None = None
    """The bot or training that the claim was made for, while it lives."""


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """What the state of the claim means."""

    status: Status
    reason: Reason
    message: str
    usable: bool
    """Whether pods may be created: they may be what a claim waits for."""
    delete: tuple[Ref, ...] = ()
    apply: tuple[Manifest, ...] = ()
    poll: float | None = None


def store_claim(owner_name: str, storage: StorageSpec) -> str:
    """Return the name of the claim that a store lives on."""
    return storage.existing_claim or names.claim_name(owner_name)


def find_holder(cache: Cache, claim: Manifest | None) -> Manifest | None:
    """Return the bot or training that a claim of ours was made for, None where it is gone."""
    labels = {} if claim is None else labels_of(claim)
    if claim is None or labels.get(names.LABEL_MANAGED_BY) != names.MANAGED_BY:
        return None
    for resource, label in (
        (MODEL_TRAININGS, names.LABEL_TRAINING),
        (TRADING_BOTS, names.LABEL_BOT),
    ):
        owner = cache.get(Ref(resource, namespace_of(claim), labels.get(label, "")))
        if owner is not None and is_made_for(claim, owner):
            return owner
    return None


async def observe_claim(
    kube: Kube, namespace: str, name: str, known: Manifest | None, *, diagnose: bool
) -> ClaimSeen:
    """Read the claim (unless `known` from the cache) and, to diagnose a pending one, its events."""
    claim = known or await kube.get(Ref(CLAIMS, namespace, name))
    if claim is None or _phase(claim) != "Pending" or not diagnose:
        return ClaimSeen(name, claim)
    return ClaimSeen(name, claim, tuple(await kube.events_about(claim, _OF_CLAIMS)))


async def observe_growth(kube: Kube, seen: ClaimSeen, storage: StorageSpec) -> ClaimSeen:
    """Ask the API server whether a bound claim may grow to the size that `storage` asks for.

    Only the StorageClass knows, which an operator of one namespace may not read.
    """
    claim = seen.claim
    if storage.existing_claim is not None or claim is None or _phase(claim) != "Bound":
        return seen
    if quantity_value(storage.size) <= quantity_value(_requested(claim)):
        return seen
    try:
        await kube.patch(ref_of(claim), {"spec": _requests(storage.size)}, dry_run=True)
    except (Forbidden, Invalid) as e:
        return replace(seen, refusal=e.message)
    return seen


def build_claim(owner: Manifest, labels: dict[str, str], storage: StorageSpec) -> Manifest:
    """Return the claim of `owner`, which goes with it unless it is to be retained."""
    spec: Manifest = {
        "accessModes": [storage.access_mode],
        **_requests(storage.size),
    }
    if storage.storage_class_name is not None:
        spec["storageClassName"] = storage.storage_class_name
    name = store_claim(name_of(owner), storage)
    content = {"spec": spec}
    owned = storage.reclaim_policy == "Delete"
    return build_child(CLAIMS, name, owner, labels, content, owned=owned)


def plan_claim(
    owner: Manifest, labels: dict[str, str], storage: StorageSpec, seen: ClaimSeen, now: datetime
) -> ClaimVerdict:
    """Return what to do about the claim, and what to say of it."""
    if storage.existing_claim is not None:
        return _judge_existing(owner, seen, now)
    wanted = build_claim(owner, labels, storage)
    if seen.claim is None:
        text = f"claim {seen.name} is not bound yet"
        return ClaimVerdict("Unknown", Reason.CLAIM_PENDING, text, usable=False, apply=(wanted,))
    if not is_made_for(seen.claim, owner):
        text = (
            f"claim {seen.name} was made for another owner; adopt it by storage.existingClaim: "
            f"{seen.name}, or delete it"
        )
        return ClaimVerdict("False", Reason.CLAIM_FOREIGN, text, usable=False, poll=5.0)
    if is_deleting(seen.claim):
        text = f"claim {seen.name} is being deleted; it is made again when it is gone"
        return ClaimVerdict("False", Reason.CLAIM_PENDING, text, usable=False, poll=5.0)
    return _plan_own(wanted, seen, seen.claim, now)


def _plan_own(wanted: Manifest, seen: ClaimSeen, claim: Manifest, now: datetime) -> ClaimVerdict:
    verdict = _judge(seen, claim, now)
    if _phase(claim) != "Pending":
        return _plan_bound(wanted, seen, claim, verdict)
    if _digest(wanted) != _digest(claim):
        # The spec of a claim is immutable; nothing is lost with an unbound one.
        text = f"claim {seen.name} is not bound and is made again as the spec asks"
        return ClaimVerdict(
            "Unknown", Reason.CLAIM_PENDING, text, usable=False, delete=(ref_of(claim),)
        )
    return replace(verdict, apply=(wanted,))


def _plan_bound(
    wanted: Manifest, seen: ClaimSeen, claim: Manifest, verdict: ClaimVerdict
) -> ClaimVerdict:
    """Return what becomes of a claim that has a volume: it can grow, and nothing else."""
    has, size = _requested(claim), wanted["spec"]["resources"]["requests"]["storage"]
    kept = _keep(wanted, claim)
    words, reason, target = [verdict.message], verdict.reason, kept
    if quantity_value(size) < quantity_value(has):
        reason = Reason.CLAIM_SIZE_KEPT
        words.append(f"a claim never shrinks from {has} to {size}; set storage.size to {has}")
    elif quantity_value(size) > quantity_value(has) and seen.refusal is not None:
        reason = Reason.CLAIM_SIZE_KEPT
        words.append(f"it keeps {has} instead of {size}: {seen.refusal}")
    elif quantity_value(size) > quantity_value(has):
        target = {**kept, "spec": {**kept["spec"], **_requests(size)}}
        words.append(f"it grows from {has} to {size}")
    others = {k: v for k, v in wanted["spec"].items() if k != "resources"}
    if any(claim["spec"].get(key) != value for key, value in others.items()):
        words.append("a bound claim keeps its StorageClass and access mode")
    return replace(verdict, reason=reason, message="; ".join(words), apply=(target,))


def _requests(size: str) -> Manifest:
    return {"resources": {"requests": {"storage": size}}}


def _requested(claim: Manifest) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def _judge_existing(owner: Manifest, seen: ClaimSeen, now: datetime) -> ClaimVerdict:
    namespace = namespace_of(owner)
    if seen.claim is None:
        text = (
            f"claim {seen.name} does not exist in namespace {namespace}; create it, or leave "
            "storage.existingClaim out"
        )
        return ClaimVerdict("False", Reason.CLAIM_MISSING, text, usable=False, poll=15.0)
    text = _why_not_adoptable(owner, seen, seen.claim)
    if text:
        return ClaimVerdict("False", Reason.CLAIM_FOREIGN, text, usable=False, poll=15.0)
    return _judge(seen, seen.claim, now)


def _why_not_adoptable(owner: Manifest, seen: ClaimSeen, claim: Manifest) -> str:
    """Return why a claim may not be adopted, empty where it may.

    Who may write a bot need not have a right to every volume of the namespace: a claim is a store
    of ours that nobody else holds, or its owner has marked it for bots.
    """
    labels = labels_of(claim)
    if labels.get(names.LABEL_MANAGED_BY) != names.MANAGED_BY:
        if labels.get(names.LABEL_ADOPT) == names.ADOPT_ALLOWED:
            return ""
        return (
            f"claim {seen.name} is not marked for bots; who owns it may run: kubectl label pvc "
            f"{seen.name} --namespace {namespace_of(owner)} "
            f"{names.LABEL_ADOPT}={names.ADOPT_ALLOWED}"
        )
    if seen.holder is None or uid_of(seen.holder) in {uid_of(owner), controller_uid(owner)}:
        return ""
    bot = (owner["spec"].get("botRef") or {}).get("name")
    if seen.holder["kind"] == names.TRADING_BOT_KIND and name_of(seen.holder) == bot:
        return ""
    holder = f"{seen.holder['kind'].lower()} {name_of(seen.holder)}"
    return f"claim {seen.name} is the store of {holder}; name another one, or delete {holder} first"


def _judge(seen: ClaimSeen, claim: Manifest, now: datetime) -> ClaimVerdict:
    phase = _phase(claim)
    if phase == "Bound":
        text = f"claim {seen.name} is bound"
        return ClaimVerdict("True", Reason.CLAIM_BOUND, text, usable=True)
    if phase == "Lost":
        text = f"the volume of claim {seen.name} is gone; delete the claim to begin with a new one"
        return ClaimVerdict("False", Reason.CLAIM_LOST, text, usable=False, poll=60.0)
    latest = max(seen.events, key=_event_time, default=None)
    if latest is None:
        age = (now - from_time(claim["metadata"]["creationTimestamp"])).total_seconds()
        text = f"claim {seen.name} is not bound yet"
        usable = age > _SILENCE_SECONDS
        poll = 15.0 if usable else 2.0
        return ClaimVerdict("Unknown", Reason.CLAIM_PENDING, text, usable, poll=poll)
    return _judge_event(seen.name, latest)


def _judge_event(name: str, latest: Manifest) -> ClaimVerdict:
    reason, words = str(latest.get("reason", "")), str(latest.get("message", ""))
    if reason in _WAITS_FOR_POD:
        text = f"claim {name} is bound when its first pod is scheduled"
        return ClaimVerdict("Unknown", Reason.CLAIM_PENDING, text, usable=True, poll=15.0)
    if latest.get("type") != "Warning" and reason != _FAILED_BINDING:
        text = f"a volume for claim {name} is being made"
        return ClaimVerdict("Unknown", Reason.CLAIM_PENDING, text, usable=False, poll=5.0)
    text = f"claim {name} is not bound: {words}; correct storage.storageClassName, or the cluster"
    missing = "not found" in words or "no storage class is set" in words
    found = Reason.STORAGE_CLASS_MISSING if missing else Reason.CLAIM_PENDING
    return ClaimVerdict("False", found, text, usable=False, poll=15.0)


def _keep(wanted: Manifest, claim: Manifest) -> Manifest:
    """Return the wanted claim with the spec that the bound one has and keeps."""
    spec = {key: claim["spec"][key] for key in wanted["spec"] if key in claim["spec"]}
    annotations = {
        **wanted["metadata"]["annotations"],
        names.ANNOTATION_SPEC_DIGEST: _digest(claim),
    }
    return {**wanted, "metadata": {**wanted["metadata"], "annotations": annotations}, "spec": spec}


def _digest(manifest: Manifest) -> str:
    annotations = manifest["metadata"].get("annotations") or {}
    return str(annotations.get(names.ANNOTATION_SPEC_DIGEST, ""))


def _phase(claim: Manifest) -> str:
    return str(claim.get("status", {}).get("phase", "Pending"))


def _event_time(event: Manifest) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or ""
    )
