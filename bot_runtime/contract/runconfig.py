"""The run configuration: the one file that goes down to every step, and how it is derived.

The same pure functions derive it in the operator and on a laptop, from the same resource.
"""

from typing import Any, Final

from pydantic import Field

from bot_runtime.contract.base import Model
from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.execution import ExecutionRun
from bot_runtime.contract.intervals import Duration, Timeframe
from bot_runtime.contract.journal import JournalRun
from bot_runtime.contract.modeltraining import BotReference, ModelTrainingSpec
from bot_runtime.contract.newer_fields import newer, newer_fields
from bot_runtime.contract.signal import CONTRACT_VERSION
from bot_runtime.contract.spec import (
    DecisionSpec,
    ExchangeSpec,
    GateSpec,
    ModelSpec,
    StorageSpec,
    Symbols,
)
from bot_runtime.contract.trading import (
    DEFAULT_CAPITAL,
    Capital,
    OwnRegimes,
    Risk,
    RiskSpec,
    TradingSettings,
)
from bot_runtime.contract.tradingbot import TradingBotSpec


class RunConfiguration(Model):
    """Everything that a step needs to know; the same for all five steps of a training.

    Capital, regimes, risk, execution and journal are a bot's: a training has their defaults.
    """

    contract_version: int = CONTRACT_VERSION
    namespace: str = Field(max_length=63)
    owner: str = Field(max_length=63, description="Bot that decides, or training that learns.")
    exchange: ExchangeSpec
    symbols: Symbols
    timeframe: Timeframe
    model: ModelSpec
    decision: DecisionSpec
    capital: Capital = newer(DEFAULT_CAPITAL)
    regimes: OwnRegimes = newer(())
    risk: Risk = newer(RiskSpec())
    execution: ExecutionRun = newer(ExecutionRun())
    journal: JournalRun = newer(JournalRun())
    training: "TrainingRun | None" = None
    inference: "InferenceRun | None" = None

    @property
    def digest(self) -> str:
        """Sha256 of the canonical JSON: names the ConfigMap and stands in every signal."""
        return digest_of(self.to_json())

    @property
    def settings(self) -> TradingSettings:
        """Return what the core of trading reads beside `decision`."""
        return TradingSettings(capital=self.capital, regimes=self.regimes, risk=self.risk)


class TrainingRun(Model):
    """The part that only the steps of a training read."""

    name: str = Field(max_length=63)
    lookback: Duration
    gate: GateSpec
    champion_version: str | None = None


class InferenceRun(Model):
    """The part that the run of a candle reads: always pinned to one version."""

    model_version: str = Field(max_length=80)
    deadline_seconds: int


def training_spec_of(
    bot_name: str,
    bot: TradingBotSpec,
    *,
    image: str,
    claim: str,
    champion_version: str | None,
) -> ModelTrainingSpec:
    """Return the spec of the training that `bot` wants, on the bot's own volume."""
    model = ModelSpec.model_validate(bot.model.model_dump(exclude={"pinned_version"}))
    return ModelTrainingSpec(
        bot_ref=BotReference(name=bot_name),
        exchange=bot.exchange,
        symbols=bot.symbols,
        timeframe=bot.timeframe,
        image=image,
        model=model,
        decision=bot.decision,
        champion_version=champion_version,
        storage=StorageSpec(existing_claim=claim, access_mode=bot.storage.access_mode),
        pod=bot.pod,
        lookback=bot.training.lookback,
        resources=bot.training.resources,
        deadline_seconds=bot.training.deadline_seconds,
        gate=bot.training.gate,
        refit=bot.training.refit,
    )


def training_digest(spec: ModelTrainingSpec) -> str:
    """Return the digest of what touches the model: a change of anything else trains nothing.

    The credentials' name, thresholds, resources, placement and the image are left out: none of
    them changes what is learned from which candles.
    """
    return _digest_of_learned(spec.to_json(), spec.lookback)


def learned_digest(configuration: RunConfiguration) -> str:
    """Return the training digest of what the steps of a training with this configuration learn."""
    assert configuration.training is not None
    return _digest_of_learned(configuration.to_json(), configuration.training.lookback)


def _digest_of_learned(subject: dict[str, Any], lookback: str) -> str:
    exchange = {k: v for k, v in subject["exchange"].items() if k != "credentialsSecret"}
    return digest_of(
        {
            "exchange": exchange,
            "symbols": subject["symbols"],
            "timeframe": subject["timeframe"],
            "model": subject["model"],
            "lookback": lookback,
        }
    )


def training_run(namespace: str, name: str, spec: ModelTrainingSpec) -> RunConfiguration:
    """Return the run configuration of the training `name`."""
    return RunConfiguration(
        namespace=namespace,
        owner=name,
        exchange=spec.exchange,
        symbols=spec.symbols,
        timeframe=spec.timeframe,
        model=spec.model,
        decision=spec.decision,
        training=TrainingRun(
            name=name,
            lookback=spec.lookback,
            gate=spec.gate,
            champion_version=spec.champion_version,
        ),
    )


def inference_run(
    namespace: str, name: str, bot: TradingBotSpec, model_version: str
) -> RunConfiguration:
    """Return the run configuration that serves `model_version` for the bot `name`."""
    return RunConfiguration(
        namespace=namespace,
        owner=name,
        exchange=bot.exchange,
        symbols=bot.symbols,
        timeframe=bot.timeframe,
        model=ModelSpec.model_validate(bot.model.model_dump(exclude={"pinned_version"})),
        decision=bot.decision,
        capital=bot.capital,
        regimes=bot.regimes,
        risk=bot.risk,
        execution=bot.execution.run,
        journal=bot.journal.run,
        inference=InferenceRun(
            model_version=model_version, deadline_seconds=bot.inference.deadline_seconds
        ),
    )


RunConfiguration.model_rebuild()

NEWER_FIELDS: Final = newer_fields(RunConfiguration)
"""Fields that an image of this release reads and one of the first release refuses."""
