"""The ModelTraining resource: one immutable run, made by the operator for a bot or by a person."""

from pydantic import Field

from bot_runtime.contract.base import BotName, Image, Model, VersionName
from bot_runtime.contract.intervals import Timeframe
from bot_runtime.contract.podspec import PodSpec
from bot_runtime.contract.rules import Rule
from bot_runtime.contract.spec import (
    DecisionSpec,
    ExchangeSpec,
    ModelSpec,
    StorageSpec,
    Symbols,
)
from bot_runtime.contract.tradingbot import TrainingSpec


class BotReference(Model):
    """The bot that a training is for."""

    name: BotName = Field(description="Name of a TradingBot in the same namespace.")


class ModelTrainingSpec(TrainingSpec):
    """What to train, on which window, with which image, into which store, through which gate."""

    RULES = (
        Rule("self == oldSelf", "spec is immutable: a training is one run; create another one"),
    )

    bot_ref: BotReference | None = Field(
        default=None,
        description=(
            "The bot that this run is for; unset for a study of its own. A run on the bot's own "
            "claim (storage.existingClaim) is adopted by the bot when it passed the gate and "
            "learned exactly what the bot asks for."
        ),
    )
    exchange: ExchangeSpec = Field(description="Exchange that the candles come from.")
    symbols: Symbols
    timeframe: Timeframe = Field(
        description="Length of a candle: 1m is a minute, 1h an hour, 1d a day."
    )
    image: Image | None = Field(
        default=None,
        description="Image of the steps; unset: the one of the operator's release.",
    )
    model: ModelSpec = Field(
        default_factory=ModelSpec, description="What is learned, and by which candidates."
    )
    decision: DecisionSpec = Field(
        default_factory=DecisionSpec,
        description="Thresholds that the evaluation counts tradable candles with.",
    )
    champion_version: VersionName | None = Field(
        default=None,
        description="Version in the store that the new one is compared with on the same candles.",
    )
    storage: StorageSpec = Field(
        default_factory=StorageSpec,
        description="The volume that holds candles, versions and signals.",
    )
    pod: PodSpec = Field(default_factory=PodSpec, description="Where the training's pods may run.")
