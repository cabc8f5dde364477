"""The TradingBot resource: what its author writes."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bot_runtime.contract.cron import (
    SCHEDULE_MAX_LENGTH,
    SCHEDULE_NOT_FINER_MESSAGE,
    SCHEDULE_NOT_FINER_RULE,
    SCHEDULE_PATTERN,
)
from bot_runtime.contract.intervals import Timeframe
from bot_runtime.contract.model import Image, Model, ObjectName, rules
from bot_runtime.contract.names import BOT_NAME_MAX
from bot_runtime.contract.spec import (
    INFERENCE_RESOURCES,
    TRAINING_RESOURCES,
    DecisionSpec,
    Duration,
    ExchangeSpec,
    GateSpec,
    ModelSpec,
    PodSpec,
    ResourcesSpec,
    StorageSpec,
    Symbols,
)


class ImagesSpec(Model):
    """The pair of images that the bot runs; unset takes the pair the operator was released with."""

    training: Image | None = Field(default=None, description="Image of the training steps.")
    inference: Image | None = Field(default=None, description="Image of the inference runs.")


class BotModelSpec(ModelSpec):
    """What is learned, and which version is served."""

    pinned_version: str | None = Field(
        default=None,
        max_length=80,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description="Serve this version of the store instead of the last promoted one (roll back).",
    )


class TrainingSpec(Model):
    """How the models are trained."""

    lookback: Duration = Field(
        default="180d",
        description="Window of candles to learn from, back from the last closed one.",
    )
    resources: ResourcesSpec = Field(
        default=TRAINING_RESOURCES, description="Compute resources of each training step."
    )
    deadline_seconds: int = Field(
        default=21_600, ge=60, le=604_800, description="Longest time of one step, in seconds."
    )
    gate: GateSpec = Field(default_factory=GateSpec, description="When a version is promoted.")


class InferenceSpec(Model):
    """How the promoted version is served."""

    schedule: (
        Annotated[
            str, Field(min_length=9, max_length=SCHEDULE_MAX_LENGTH, pattern=SCHEDULE_PATTERN)
        ]
        | None
    ) = Field(
        default=None,
        description="Cron schedule of the decisions; unset fires at every close of a candle.",
    )
    time_zone: str = Field(
        default="Etc/UTC",
        min_length=3,
        max_length=40,
        pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+\-]+)*$",
        description="IANA time zone of the schedule.",
    )
    deadline_seconds: int = Field(
        default=120, ge=10, le=3600, description="Longest time of one run, in seconds."
    )
    resources: ResourcesSpec = Field(
        default=INFERENCE_RESOURCES, description="Compute resources of a run."
    )


class TradingBotSpec(Model):
    """One bot: its market, its models, its thresholds."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.mode != 'Live' || has(self.exchange.credentialsSecret)",
                "mode Live needs exchange.credentialsSecret: name a Secret of type "
                "botcripto.io/exchange, or set mode: Paper",
            ),
            (SCHEDULE_NOT_FINER_RULE, SCHEDULE_NOT_FINER_MESSAGE),
        )
    )

    exchange: ExchangeSpec = Field(description="Where candles come from and orders would go.")
    symbols: Symbols
    timeframe: Timeframe = Field(description="Length of a candle.")
    mode: Literal["Paper", "Live"] = Field(
        description="Paper decides without orders; Live is not available yet and runs nothing."
    )
    suspend: bool = Field(
        default=False,
        description="True stops inference and starts no training; a running training ends.",
    )
    images: ImagesSpec = Field(default_factory=ImagesSpec, description="Images that the bot runs.")
    model: BotModelSpec = Field(
        default_factory=BotModelSpec, description="What is learned and which version is served."
    )
    training: TrainingSpec = Field(
        default_factory=TrainingSpec, description="How the models are trained."
    )
    inference: InferenceSpec = Field(
        default_factory=InferenceSpec, description="How the promoted version is served."
    )
    decision: DecisionSpec = Field(
        default_factory=DecisionSpec, description="Thresholds of the decisions."
    )
    storage: StorageSpec = Field(default_factory=StorageSpec, description="The bot's volume.")
    pod: PodSpec = Field(default_factory=PodSpec, description="Placement of the bot's pods.")


BOT_RULES = rules(
    (
        f"self.metadata.name.size() <= {BOT_NAME_MAX} && "
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        f"metadata.name: at most {BOT_NAME_MAX} characters, a-z first, then a-z, 0-9 and -, "
        "so that every child's name fits",
    )
)
"""Rules on the whole object: CEL sees metadata.name only there."""

__all__ = [
    "BOT_RULES",
    "BotModelSpec",
    "ImagesSpec",
    "InferenceSpec",
    "ObjectName",
    "TradingBotSpec",
    "TrainingSpec",
]
