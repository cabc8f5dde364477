"""The TradingBot resource: what its author writes."""

import re
from typing import Literal

from pydantic import Field

from bot_runtime.contract.base import Image, Model, VersionName
from bot_runtime.contract.cron import CEL_NOT_FINER, Schedule, fires_finer_than
from bot_runtime.contract.execution import ExecutionSpec
from bot_runtime.contract.intervals import Duration, Timeframe, seconds_of
from bot_runtime.contract.journal import JournalSpec
from bot_runtime.contract.newer_fields import newer
from bot_runtime.contract.notifications import NotificationsSpec
from bot_runtime.contract.podspec import (
    INFERENCE_RESOURCES,
    TRAINING_RESOURCES,
    PodSpec,
    ResourcesSpec,
)
from bot_runtime.contract.rules import Rule
from bot_runtime.contract.spec import (
    DecisionSpec,
    ExchangeSpec,
    GateSpec,
    ModelSpec,
    StorageSpec,
    Symbols,
)
from bot_runtime.contract.timezones import TimeZone
from bot_runtime.contract.trading import (
    DEFAULT_CAPITAL,
    Capital,
    OwnRegimes,
    Risk,
    RiskSpec,
    TradingSettings,
)


class ImagesSpec(Model):
    """The images that the bot runs; unset takes those the operator was released with."""

    training: Image | None = Field(
        default=None,
        description="Image of the training steps; unset: the one of the operator's release.",
    )
    trees_training: Image | None = Field(
        default=None,
        description=(
            "Image of the training steps where GradientBoosting is the only candidate: it needs "
            "no torch. Unset: `training` where that is named, else the one of the operator's "
            "release."
        ),
    )
    inference: Image | None = Field(
        default=None,
        description="Image of the inference runs; unset: the one of the operator's release.",
    )


class BotModelSpec(ModelSpec):
    """What is learned, and which version is served."""

    pinned_version: VersionName | None = Field(
        default=None,
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
    gate: GateSpec = Field(
        default_factory=GateSpec, description="When a version that was trained is promoted."
    )
    refit: Literal["Newest", "Off"] = newer(
        "Newest",
        description=(
            "Newest: a version that passed the gate is fitted once more by the same recipe, to the "
            "newest candles too, and is served so. Off: it is served as it was judged."
        ),
    )


class BotTrainingSpec(TrainingSpec):
    """How and when the bot's models are trained."""

    RULES = (
        Rule(
            "!has(self.schedule) || !self.schedule.split(' ')[0].matches('[*,/-]')",
            "schedule fires more than once an hour: name one minute, such as 0 3 * * 0",
            lambda self: (
                self.schedule is None or re.search("[*,/-]", self.schedule.split(" ")[0]) is None
            ),
            field=".schedule",
        ),
    )

    schedule: Schedule | None = Field(
        default=None,
        description=(
            "Cron schedule of new trainings, in timeZone, at most once an hour (0 3 * * 0 is every "
            "Sunday at 3). Unset trains once, and again when the spec asks for another model."
        ),
    )
    time_zone: TimeZone = Field(default="Etc/UTC", description="IANA time zone of the schedule.")
    jitter_seconds: int = Field(
        default=0,
        ge=0,
        le=86_400,
        description=(
            "Longest delay after the schedule, in seconds; each bot has its own, always the same, "
            "so that a fleet does not train at once."
        ),
    )
    history_limit: int = Field(
        default=3,
        ge=0,
        le=100,
        description=(
            "How many ended ModelTrainings, and versions in the store, stay beside those in use: "
            "the newest."
        ),
    )
    max_model_age: Duration | None = Field(
        default=None,
        description=(
            "Age at which the served version counts as stale: condition ModelFresh becomes False. "
            "The bot decides on. Unset: it never does."
        ),
    )
    missed_run_policy: Literal["Skip", "RunOnce"] = Field(
        default="Skip",
        description=(
            "What becomes of a scheduled training that could not begin within 15 minutes (the "
            "operator was down, the secret or the volume missing, a training under way). Skip: it "
            "is left out. RunOnce: one training makes up for all that were missed."
        ),
    )
    drift_policy: Literal["Report", "Retrain"] = Field(
        default="Report",
        description=(
            "What follows when the market is no longer the one that the served version was judged "
            "on, or the version's forecasts are worse than naive ones. Report: "
            "condition Degraded with the reason Drift or SkillLost. Retrain: that, and one "
            "training, at most every six days."
        ),
    )


class InferenceSpec(Model):
    """How the promoted version is served."""

    schedule: Schedule | None = Field(
        default=None,
        description=(
            "Cron schedule of the decisions, in timeZone; unset fires at every close of a candle."
        ),
    )
    time_zone: TimeZone = Field(
        default="Etc/UTC",
        description="IANA time zone of `schedule`; candles close by UTC whatever it says.",
    )
    deadline_seconds: int = Field(
        default=120, ge=10, le=3600, description="Longest time of one run, in seconds."
    )
    resources: ResourcesSpec = Field(
        default=INFERENCE_RESOURCES, description="Compute resources of one run."
    )


class TradingBotSpec(Model):
    """One bot: its market, its models, its thresholds."""

    RULES = (
        Rule(
            "self.mode != 'Live' || has(self.exchange.credentialsSecret)",
            "mode Live needs exchange.credentialsSecret: name a Secret of type "
            "botcripto.io/exchange, or write mode: Paper",
            lambda self: self.mode != "Live" or self.exchange.credentials_secret is not None,
            field=".exchange.credentialsSecret",
            required=True,
        ),
        Rule(
            CEL_NOT_FINER,
            "inference.schedule is finer than the timeframe: no new candle would have closed; "
            "fire at most once a candle, or leave it out to fire at every close",
            lambda self: (
                self.inference.schedule is None
                or not fires_finer_than(self.inference.schedule, self.timeframe)
            ),
            field=".inference.schedule",
        ),
        Rule(
            "self.timeframe == '1m' ? self.execution.deadlineSeconds < 60 : "
            "self.timeframe == '3m' ? self.execution.deadlineSeconds < 180 : "
            "self.timeframe != '5m' || self.execution.deadlineSeconds < 300",
            "execution.deadlineSeconds is not below the timeframe: the run would meet the next; "
            "write fewer seconds than a candle lasts",
            lambda self: self.execution.deadline_seconds < seconds_of(self.timeframe),
            field=".execution.deadlineSeconds",
        ),
    )

    exchange: ExchangeSpec = Field(description="Where candles come from and orders would go.")
    symbols: Symbols
    timeframe: Timeframe = Field(
        description="Length of a candle: 1m is a minute, 1h an hour, 1d a day."
    )
    mode: Literal["Paper", "Live"] = Field(
        description=(
            "Paper trades on candles, without money; Live is not available yet and runs nothing."
        )
    )
    suspend: bool = Field(
        default=False,
        description="True stops inference and starts no training; a running training ends.",
    )
    images: ImagesSpec = Field(
        default_factory=ImagesSpec, description="Images that the bot's pods run."
    )
    update_strategy: Literal["Manual", "Auto"] = Field(
        default="Manual",
        description=(
            "What a new release of the operator does to images that are not named here. Manual: "
            "they stay, and status.availableImages names the new ones. Auto: the next runs and "
            "trainings take the new ones. No running pod is ended, and nothing is trained for it."
        ),
    )
    model: BotModelSpec = Field(
        default_factory=BotModelSpec, description="What is learned and which version is served."
    )
    training: BotTrainingSpec = Field(
        default_factory=BotTrainingSpec, description="How and when the models are trained."
    )
    inference: InferenceSpec = Field(
        default_factory=InferenceSpec, description="How the promoted version is served."
    )
    decision: DecisionSpec = Field(
        default_factory=DecisionSpec, description="Thresholds that turn predictions into decisions."
    )
    capital: Capital = newer(DEFAULT_CAPITAL)
    regimes: OwnRegimes = newer(())
    risk: Risk = newer(RiskSpec())
    execution: ExecutionSpec = newer(
        ExecutionSpec(), description="How orders are carried out, and the run that does so."
    )
    journal: JournalSpec = newer(
        JournalSpec(), description="Where the journal lies: what the bot saw, decided and did."
    )
    notifications: NotificationsSpec = newer(
        NotificationsSpec(), description="Whom the bot tells of its trades, limits and versions."
    )
    storage: StorageSpec = Field(
        default_factory=StorageSpec,
        description="The volume that holds the bot's candles, versions and signals.",
    )
    pod: PodSpec = Field(
        default_factory=PodSpec,
        description="Where the bot's pods may run, and how they pull images.",
    )

    @property
    def settings(self) -> TradingSettings:
        """Return what the core of trading reads beside `decision`."""
        return TradingSettings(capital=self.capital, regimes=self.regimes, risk=self.risk)
