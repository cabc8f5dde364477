"""Specs and statuses as models: what cannot be read becomes a sentence, never an exception.

Fields of another release are passed over: going back to an older operator under newer CRDs must
neither stop a bot nor forget its status. What a user mistypes the API server refuses or prunes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pydantic import ValidationError

from bot_operator.api.resources import Manifest, name_of
from bot_runtime.contract.base import Model
from bot_runtime.contract.explanations import explain
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import training_digest
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.contract.trainingstatus import ModelTrainingStatus

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Bot:
    """A TradingBot as it was observed; its spec and status are read once, when asked for."""

    manifest: Manifest

    @property
    def name(self) -> str:
        """Name of the bot."""
        return name_of(self.manifest)

    @cached_property
    def spec(self) -> TradingBotSpec | str:
        """The spec, or what is wrong with it, field by field."""
        return _read_spec(TradingBotSpec, self.manifest)

    @cached_property
    def status(self) -> TradingBotStatus:
        """The status, without what this release cannot read of it."""
        return _read_status(TradingBotStatus, self.manifest)


@dataclass(frozen=True)
class Training:
    """A ModelTraining as it was observed; its spec and status are read once, when asked for."""

    manifest: Manifest

    @property
    def name(self) -> str:
        """Name of the training."""
        return name_of(self.manifest)

    @cached_property
    def spec(self) -> ModelTrainingSpec | str:
        """The spec, or what is wrong with it, field by field."""
        return _read_spec(ModelTrainingSpec, self.manifest)

    @cached_property
    def digest(self) -> str | None:
        """Training digest of the spec; None where the spec cannot be read."""
        return None if isinstance(self.spec, str) else training_digest(self.spec)

    @cached_property
    def status(self) -> ModelTrainingStatus:
        """The status, without what this release cannot read of it."""
        return _read_status(ModelTrainingStatus, self.manifest)


def _read_spec(model: type[M], manifest: Manifest) -> M | str:
    try:
        return model.model_validate(manifest.get("spec") or {}, extra="ignore")
    except ValidationError as e:
        return explain(e, prefix="spec")


def _read_status(model: type[M], manifest: Manifest) -> M:
    """Return the status without what cannot be read of it: fields, and entries of lists."""
    given = manifest.get("status") or {}
    try:
        return model.model_validate(given, extra="ignore")
    except ValidationError as e:
        readable = _without(given, e)
    try:
        return model.model_validate(readable, extra="ignore")
    except ValidationError:
        return model()


def _without(given: Any, error: ValidationError) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {}
    kept = dict(given)
    entries: dict[str, set[int]] = {}
    for problem in error.errors(include_url=False):
        field, entry = (*problem["loc"][:2], None)[:2]
        if isinstance(entry, int):
            entries.setdefault(str(field), set()).add(entry)
        else:
            kept.pop(str(field), None)
    for field, unreadable in entries.items():
        if field in kept:
            kept[field] = [e for n, e in enumerate(kept[field]) if n not in unreadable]
    return kept
