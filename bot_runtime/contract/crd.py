"""The CustomResourceDefinitions of both kinds, built from their models."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.names import (
    BOT_NAME_MAX,
    GROUP,
    MODEL_TRAINING_KIND,
    MODEL_TRAINING_PLURAL,
    OWNER_NAME_PATTERN,
    TRADING_BOT_KIND,
    TRADING_BOT_PLURAL,
    TRAINING_NAME_MAX,
    VERSION,
)
from bot_runtime.contract.rules import Rule, with_rules
from bot_runtime.contract.status import ModelTrainingStatus, TradingBotStatus
from bot_runtime.contract.structural import Schema, build_schema
from bot_runtime.contract.tradingbot import TradingBotSpec

API_NAME_MAX: Final = 253
"""What the API server itself allows; bounds the cost of the CEL rules on the name."""

NOT_OBSERVED: Final = -1
"""The generation that no object has: the operator has not looked at it yet."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; priority 1 shows only with `-o wide`."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the column as the CRD spells it."""
        column: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
        }
        return {**column, "priority": self.priority} if self.priority else column


@dataclass(frozen=True, slots=True)
class Kind:
    """What a CRD says beyond its spec and status."""

    name: str
    plural: str
    short_names: tuple[str, ...]
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    name_max: int
    columns: tuple[Column, ...]
    selectable: tuple[str, ...]


def _condition(type_: str, part: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{part}'


AGE = Column("Age", ".metadata.creationTimestamp", "Time since creation.", "date")

TRADING_BOT = Kind(
    name=TRADING_BOT_KIND,
    plural=TRADING_BOT_PLURAL,
    short_names=("bot", "bots"),
    description="A trading bot: trains its models, promotes a version and decides on schedule.",
    spec=TradingBotSpec,
    status=TradingBotStatus,
    name_max=BOT_NAME_MAX,
    columns=(
        Column("Mode", ".spec.mode", "Paper or Live."),
        Column("Symbols", ".spec.symbols", "Markets."),
        Column("Ready", _condition("Ready"), "Whether the bot decides on schedule."),
        Column("State", ".status.state", "Where the bot stands."),
        Column("Model", ".status.activeModel.version", "Version that is served."),
        Column("Decision", ".status.lastSignal.decision", "The newest decision."),
        Column("Signal-Age", ".status.lastSignal.ts", "Time since that decision.", "date"),
        AGE,
        Column("Reason", _condition("Ready", "reason"), "Why it is Ready or not.", priority=1),
        Column("Training", ".status.candidateTraining.name", "Newest ModelTraining.", priority=1),
        # Not a date: kubectl shows one that is yet to come as <invalid>.
        Column("Next-Training", ".status.nextTrainingTime", "When it trains next.", priority=1),
        Column("Failure", ".status.lastFailure.class", "Kind of the last failure.", priority=1),
        Column("Message", ".status.lastFailure.message", "The last failure.", priority=1),
    ),
    selectable=(".spec.mode", ".status.state"),
)

MODEL_TRAINING = Kind(
    name=MODEL_TRAINING_KIND,
    plural=MODEL_TRAINING_PLURAL,
    short_names=("mt",),
    description="One immutable training run: candles, three models, evaluation, verdict.",
    spec=ModelTrainingSpec,
    status=ModelTrainingStatus,
    name_max=TRAINING_NAME_MAX,
    columns=(
        Column("Bot", ".spec.botRef.name", "Bot that the run is for."),
        Column("State", ".status.state", "Where the run stands."),
        Column("Ready", _condition("Ready"), "Whether the run is complete."),
        Column("Version", ".status.version.version", "Version that the run made."),
        Column("Promoted", _condition("Promoted"), "Whether the version passed the gate."),
        Column("Failure", ".status.lastFailure.class", "Kind of the failure."),
        AGE,
        Column("Reason", _condition("Ready", "reason"), "Why it is Ready or not.", priority=1),
        Column("Message", ".status.lastFailure.message", "The failure.", priority=1),
        Column("Completed", ".status.completionTime", "Since it ended.", "date", priority=1),
    ),
    selectable=(".spec.botRef.name", ".status.state"),
)

KINDS: Final = (TRADING_BOT, MODEL_TRAINING)


def build_crd(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition (apiextensions.k8s.io/v1) of `kind`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short_names),
                "categories": ["botcripto"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.to_json() for column in kind.columns],
                    "selectableFields": [{"jsonPath": path} for path in kind.selectable],
                    "schema": {"openAPIV3Schema": _build_root(kind)},
                }
            ],
        },
    }


def _build_root(kind: Kind) -> Schema:
    name = {"type": "string", "maxLength": API_NAME_MAX}
    root: Schema = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": kind.name},
            "metadata": {"type": "object", "properties": {"name": name}},
            "spec": build_schema(kind.spec),
            "status": _build_status(kind.status),
        },
    }
    # On the whole object: CEL sees metadata.name only there.
    return with_rules(root, (_name_rule(kind.name_max),))


def _build_status(status: type[BaseModel]) -> Schema:
    """Return the schema of a status: nothing has a default but what says that nobody has looked.

    An object without a status is `Current` to kstatus, one of another generation is not: so it is
    right from the moment of its creation.
    """
    schema = build_schema(status, defaults=False)
    schema["default"] = {"observedGeneration": NOT_OBSERVED}
    schema["properties"]["observedGeneration"]["default"] = NOT_OBSERVED
    return schema


def _name_rule(longest: int) -> Rule:
    return Rule(
        f"self.metadata.name.size() <= {longest} && "
        f"self.metadata.name.matches(r'^{OWNER_NAME_PATTERN}$')",
        f"metadata.name: write at most {longest} characters, a-z first, then a-z, 0-9 and -, "
        "so that the name of every child fits",
        field=".metadata.name",
    )
