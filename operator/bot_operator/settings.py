"""Settings of the operator: one frozen object, read once from the environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot_operator.api.errors import SettingsError
from bot_runtime.contract.base import Image
from bot_runtime.contract.explanations import wanted

TRAINING_IMAGE = "BOTCRIPTO_TRAINING_IMAGE"
TREES_TRAINING_IMAGE = "BOTCRIPTO_TREES_TRAINING_IMAGE"
INFERENCE_IMAGE = "BOTCRIPTO_INFERENCE_IMAGE"
NAMESPACE = "BOTCRIPTO_NAMESPACE"
IDENTITY = "BOTCRIPTO_IDENTITY"
PORT = "BOTCRIPTO_PORT"
WORKERS = "BOTCRIPTO_WORKERS"
LEASE_SECONDS = "BOTCRIPTO_LEASE_SECONDS"
MAX_TRAININGS = "BOTCRIPTO_MAX_TRAININGS"
STOP = "BOTCRIPTO_STOP"

_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_IMAGE: TypeAdapter[str] = TypeAdapter(Image)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that one operator process is told."""

    training_image: str
    inference_image: str
    own_namespace: str
    """Namespace of the operator's own Lease."""
    scope: str | None
    """Namespace that is served; None for all."""
    identity: str = "operator"
    """Holder of the Lease: the pod's name, so that a restarted container goes on at once."""
    port: int = 8080
    workers: int = 32
    lease_seconds: int = 15
    max_trainings: int = 0
    """How many trainings run at once over everything that is served; 0 for no limit."""
    trees_training_image: str | None = None
    """Image of trainings without torch; None where `training_image` runs all of them."""
    stopped_by: str | None = None
    """Who has stopped everything, and how it goes on; None where nobody has."""


def load_settings(
    environment: Mapping[str, str] = os.environ,
    *,
    namespace: str | None = None,
    all_namespaces: bool = False,
) -> Settings:
    """Return the settings; SettingsError names the variable that is missing or wrong."""
    own = environment.get(NAMESPACE) or _own_namespace() or namespace
    if own is None:
        raise SettingsError(f"{NAMESPACE}: not set, and not in a pod; set it, or give --namespace")
    return Settings(
        training_image=_image(environment, TRAINING_IMAGE),
        inference_image=_image(environment, INFERENCE_IMAGE),
        own_namespace=own,
        scope=None if all_namespaces else namespace or own,
        identity=environment.get(IDENTITY) or f"{socket.gethostname()}-{os.getpid()}",
        port=_integer(environment, PORT, 8080, 0, 65_535),
        workers=_integer(environment, WORKERS, 32, 1, 100),
        lease_seconds=_integer(environment, LEASE_SECONDS, 15, 3, 120),
        max_trainings=_integer(environment, MAX_TRAININGS, 0, 0, 10_000),
        trees_training_image=_optional_image(environment, TREES_TRAINING_IMAGE),
        stopped_by=_stopper(environment),
    )


def _image(environment: Mapping[str, str], variable: str) -> str:
    value = environment.get(variable, "")
    try:
        return _IMAGE.validate_python(value)
    except ValidationError as e:
        problem = wanted(e.errors(include_url=False)[0])
        raise SettingsError(
            f"{variable}: found {value!r}; set the image of this release ({problem})"
        ) from e


def _optional_image(environment: Mapping[str, str], variable: str) -> str | None:
    return _image(environment, variable) if environment.get(variable) else None


def _integer(
    environment: Mapping[str, str], variable: str, default: int, least: int, most: int
) -> int:
    text = environment.get(variable, "")
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingsError(f"{variable}: found {text!r}; set a number from {least} to {most}")
    return int(text)


def _stopper(environment: Mapping[str, str]) -> str | None:
    text = environment.get(STOP, "")
    if text not in {"", "true", "false"}:
        raise SettingsError(f"{STOP}: found {text!r}; set true to stop every bot, or false")
    if text != "true":
        return None
    return f"stopped by {STOP} of the operator; to go on set it to false in its Deployment"


def _own_namespace() -> str | None:
    if not _ACCOUNT_NAMESPACE.is_file():
        return None
    return _ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()
