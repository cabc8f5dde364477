"""The ModelTraining resource: one immutable run, made by the operator for a bot or by a person."""

from pydantic import ConfigDict, Field

from bot_runtime.contract.intervals import Timeframe
from bot_runtime.contract.model import Image, Model, ObjectName, rules
from bot_runtime.contract.names import TRAINING_NAME_MAX
from bot_runtime.contract.spec import (
    DecisionSpec,
    ExchangeSpec,
    ModelSpec,
    PodSpec,
    StorageSpec,
    Symbols,
)
from bot_runtime.contract.tradingbot import TrainingSpec


class BotReference(Model):
    """The bot that a training is for."""

    name: ObjectName = Field(description="Name of a TradingBot in the same namespace.")


class ModelTrainingSpec(TrainingSpec):
    """What to train, on which window, with which image, into which store, through which gate."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "spec is immutable: a training is one run; create another one")
        )
    )

    bot_ref: BotReference | None = Field(default=None, description="The bot this run is for.")
    exchange: ExchangeSpec = Field(description="Where candles come from.")
    symbols: Symbols
    timeframe: Timeframe = Field(description="Length of a candle.")
    image: Image | None = Field(
        default=None, description="Image of the steps; unset takes the operator's release."
    )
    model: ModelSpec = Field(default_factory=ModelSpec, description="What is learned.")
    decision: DecisionSpec = Field(
        default_factory=DecisionSpec,
        description="Thresholds that the evaluation counts tradable candles with.",
    )
    champion_version: str | None = Field(
        default=None,
        max_length=80,
        description="Version in the store that the new one is compared with on the same candles.",
    )
    storage: StorageSpec = Field(default_factory=StorageSpec, description="The store's volume.")
    pod: PodSpec = Field(default_factory=PodSpec, description="Placement of the pods.")


TRAINING_RULES = rules(
    (
        f"self.metadata.name.size() <= {TRAINING_NAME_MAX} && "
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        f"metadata.name: at most {TRAINING_NAME_MAX} characters, a-z first, then a-z, 0-9 and -, "
        "so that every Job's name fits",
    )
)
"""Rules on the whole object: CEL sees metadata.name only there."""
