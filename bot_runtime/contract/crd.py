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
from bot_runtime.contract.printer_columns import BOT_COLUMNS, TRAINING_COLUMNS, Column
from bot_runtime.contract.rules import Rule, with_rules
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.structural import Schema, build_schema
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.contract.trainingstatus import ModelTrainingStatus

API_NAME_MAX: Final = 253
"""What the API server itself allows; bounds the cost of the CEL rules on the name."""

NOT_OBSERVED: Final = -1
"""The generation that no object has: the operator has not looked at it yet."""


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


TRADING_BOT = Kind(
    name=TRADING_BOT_KIND,
    plural=TRADING_BOT_PLURAL,
    short_names=("bot", "bots"),
    description="A trading bot: trains its models, promotes a version and decides on schedule.",
    spec=TradingBotSpec,
    status=TradingBotStatus,
    name_max=BOT_NAME_MAX,
    columns=BOT_COLUMNS,
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
    columns=TRAINING_COLUMNS,
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
