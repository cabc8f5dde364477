"""Credentials: what is found out about a named secret, without keeping any of its values."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from bot_operator.api.client import Kube
from bot_operator.api.errors import Forbidden
from bot_operator.api.resources import SECRETS, Manifest, Ref, from_time
from bot_runtime.contract import secrets
from bot_runtime.contract.conditions import Reason

FAST_SECONDS = 5.0
SLOW_SECONDS = 60.0
FAST_PERIOD_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """A secret as far as a plan may know it: nothing of a value is in here."""

    name: str
    exists: bool = True
    readable: bool = True
    kind: str = ""
    missing: tuple[str, ...] = ()
    """Required keys that are not there."""
    placeholders: tuple[str, ...] = ()
    """Keys whose value stands for one."""
    changed_at: datetime | None = None
    """When anybody last wrote it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the credentials can be used."""

    valid: bool
    reason: Reason
    message: str


async def observe_secret(kube: Kube, namespace: str, name: str) -> SecretSeen:
    """Read the named secret and forget its values at once."""
    try:
        secret = await kube.get(Ref(SECRETS, namespace, name))
    except Forbidden:
        return SecretSeen(name, readable=False)
    if secret is None:
        return SecretSeen(name, exists=False)
    return _see(name, secret)


def check_secret(seen: SecretSeen | None, namespace: str) -> Verdict:
    """Judge the credentials; the message says what to run where they are not valid."""
    if seen is None:
        return Verdict(True, Reason.NOT_NEEDED, "exchange.credentialsSecret is not set")
    what = f"secret {seen.name} in namespace {namespace}"
    command = secrets.create_secret_command(namespace, seen.name)
    again = f"kubectl delete secret {seen.name} --namespace {namespace} && {command}"
    if not seen.readable:
        message = f"{what}: the operator may not read it; its Role needs get on secrets"
        return Verdict(False, Reason.SECRET_FORBIDDEN, message)
    if not seen.exists:
        return Verdict(False, Reason.SECRET_MISSING, f"{what} does not exist; create it: {command}")
    if seen.kind != secrets.EXCHANGE_SECRET_TYPE:
        found = f"{what} has type {seen.kind}, not {secrets.EXCHANGE_SECRET_TYPE}"
        return Verdict(False, Reason.SECRET_WRONG_TYPE, f"{found}; create it again: {again}")
    if seen.missing:
        found = f"{what} has no key {', '.join(seen.missing)}"
        return Verdict(False, Reason.SECRET_KEY_MISSING, f"{found}; create it again: {again}")
    if seen.placeholders:
        found = f"{what} has a placeholder in {', '.join(seen.placeholders)}"
        return Verdict(False, Reason.SECRET_PLACEHOLDER, f"{found}; put the real one: {again}")
    return Verdict(True, Reason.AS_EXPECTED, f"{what} has its keys")


def poll_seconds(invalid_since: datetime, now: datetime) -> float:
    """Return when to look again at a secret that has been invalid since then.

    Every 5 s for the first 10 minutes, then less and less often, at most every minute.
    """
    waited = (now - invalid_since).total_seconds()
    if waited < FAST_PERIOD_SECONDS:
        return FAST_SECONDS
    return min(SLOW_SECONDS, FAST_SECONDS * waited / FAST_PERIOD_SECONDS)


def _see(name: str, secret: Manifest) -> SecretSeen:
    data: dict[str, str] = secret.get("data") or {}
    return SecretSeen(
        name,
        kind=str(secret.get("type", "Opaque")),
        missing=tuple(key for key in secrets.REQUIRED_KEYS if key not in data),
        placeholders=tuple(
            key for key in secrets.REQUIRED_KEYS if key in data and _stands_for_one(data[key])
        ),
        changed_at=_changed_at(secret),
    )


def _stands_for_one(encoded: str) -> bool:
    try:
        return secrets.is_placeholder(base64.b64decode(encoded, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return False


def _changed_at(secret: Manifest) -> datetime | None:
    metadata = secret["metadata"]
    times = [entry.get("time") for entry in metadata.get("managedFields") or ()]
    known = [from_time(t) for t in (*times, metadata.get("creationTimestamp")) if t]
    return max(known, default=None)
