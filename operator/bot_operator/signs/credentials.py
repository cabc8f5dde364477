"""Credentials: what is found out about a named secret, without keeping any of its values."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot_operator.api.client import Kube
from bot_operator.api.errors import Forbidden
from bot_operator.api.resources import SECRETS, Manifest, Ref, from_time
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.secrets import Fault, SecretKind, describe_faults

FAST_SECONDS = 5.0
SLOW_SECONDS = 60.0
FAST_PERIOD_SECONDS = 600.0

_REASON_OF_FAULT = {
    Fault.MISSING: Reason.SECRET_KEY_MISSING,
    Fault.PLACEHOLDER: Reason.SECRET_PLACEHOLDER,
}


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """A secret as far as a plan may know it: nothing of a value is in here."""

    name: str
    wanted: SecretKind = EXCHANGE_SECRET
    """What it is to be."""
    exists: bool = True
    readable: bool = True
    kind: str = ""
    faults: Mapping[str, Fault] = field(default_factory=dict)
    """What is wrong with its values, by its keys."""
    changed_at: datetime | None = None
    """When anybody last wrote it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the credentials can be used."""

    valid: bool
    reason: Reason
    message: str


async def observe_secret(
    kube: Kube, namespace: str, name: str, wanted: SecretKind = EXCHANGE_SECRET
) -> SecretSeen:
    """Read the named secret and forget its values at once."""
    try:
        secret = await kube.get(Ref(SECRETS, namespace, name))
    except Forbidden:
        return SecretSeen(name, wanted, readable=False)
    if secret is None:
        return SecretSeen(name, wanted, exists=False)
    return _see(SecretSeen(name, wanted), secret)


def check_secret(seen: SecretSeen | None, namespace: str) -> Verdict:
    """Judge a secret; the message says what to run where it is not valid.

    None stands for an exchange's key that nobody has named.
    """
    if seen is None:
        return Verdict(True, Reason.NOT_NEEDED, f"{EXCHANGE_SECRET.field} is not set")
    what = f"secret {seen.name} in namespace {namespace}"
    command = seen.wanted.create_command(namespace, seen.name)
    again = f"kubectl delete secret {seen.name} --namespace {namespace} && {command}"
    if not seen.readable:
        message = f"{what}: the operator may not read it; its Role needs get on secrets"
        return Verdict(False, Reason.SECRET_FORBIDDEN, message)
    if not seen.exists:
        return Verdict(False, Reason.SECRET_MISSING, f"{what} does not exist; create it: {command}")
    if seen.kind != seen.wanted.type:
        found = f"{what} has type {seen.kind}, not {seen.wanted.type}"
        return Verdict(False, Reason.SECRET_WRONG_TYPE, f"{found}; create it again: {again}")
    if seen.faults:
        worst = min(seen.faults.values(), key=list(Fault).index)
        reason = _REASON_OF_FAULT.get(worst, Reason.SECRET_MALFORMED)
        found = f"{what}: {describe_faults(seen.faults)}"
        return Verdict(False, reason, f"{found}; create it again: {again}")
    return Verdict(True, Reason.AS_EXPECTED, f"{what} has its keys")


def find_fault(seen: SecretSeen | None, namespace: str) -> str | None:
    """Return why a secret that is named cannot be used, and what to run; None where it can."""
    verdict = check_secret(seen, namespace)
    return None if verdict.valid else verdict.message


def poll_seconds(invalid_since: datetime, now: datetime) -> float:
    """Return when to look again at a secret that has been invalid since then.

    Every 5 s for the first 10 minutes, then less and less often, at most every minute.
    """
    waited = (now - invalid_since).total_seconds()
    if waited < FAST_PERIOD_SECONDS:
        return FAST_SECONDS
    return min(SLOW_SECONDS, FAST_SECONDS * waited / FAST_PERIOD_SECONDS)


def _see(named: SecretSeen, secret: Manifest) -> SecretSeen:
    data: dict[str, str] = secret.get("data") or {}
    return replace(
        named,
        kind=str(secret.get("type", "Opaque")),
        faults=named.wanted.find_faults({key: base64.b64decode(data[key]) for key in data}),
        changed_at=_changed_at(secret),
    )


def _changed_at(secret: Manifest) -> datetime | None:
    metadata = secret["metadata"]
    times = [entry.get("time") for entry in metadata.get("managedFields") or ()]
    known = [from_time(t) for t in (*times, metadata.get("creationTimestamp")) if t]
    return max(known, default=None)
