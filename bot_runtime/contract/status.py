"""The status of a bot: what the operator tells. Nothing here changes without news."""

from typing import Final, Literal

from pydantic import Field

from bot_runtime.contract.base import Model, Number, Time, VersionName
from bot_runtime.contract.conditions import Conditions
from bot_runtime.contract.failures import MESSAGE_MAX, LastFailure
from bot_runtime.contract.imagesstatus import ImagesStatus
from bot_runtime.contract.results import Metrics, Warnings
from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.skillstatus import SKILL_TEXT_MAX, LiveSkill
from bot_runtime.contract.spec import Algorithm, Objective
from bot_runtime.contract.tradingstatus import TradingStatus


class ActiveObjective(Model):
    """One model of the active version."""

    name: Objective = Field(description="What this model predicts.")
    algorithm: Algorithm = Field(description="Algorithm that was better out of sample.")
    metrics: Metrics = Field(
        default_factory=dict, description="Metrics on unseen candles, each beside its naive one."
    )
    artifact_sha256: str = Field(
        max_length=64, description="SHA-256 of the manifest of the model's files."
    )


class ActiveModel(Model):
    """The version that inference serves."""

    version: VersionName = Field(description="Name of the version in the store.")
    training: str | None = Field(
        default=None, max_length=63, description="Name of the ModelTraining that made it."
    )
    trained_at: Time | None = Field(default=None, description="When the version was assembled.")
    artifact_digest: str | None = Field(
        default=None, max_length=64, description="SHA-256 of the version's manifest."
    )
    git_commit: str | None = Field(
        default=None, max_length=64, description="Commit of the code that trained it."
    )
    objectives: tuple[ActiveObjective, ...] = Field(
        default=(),
        max_length=3,
        description="The three models with their metrics.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    tradable_share: Number | None = Field(
        default=None,
        description="Share of unseen candles that the thresholds of its evaluation would trade.",
    )
    binding_threshold: str | None = Field(
        default=None,
        max_length=40,
        description="Threshold that refused most of the other candles.",
    )
    warnings: Warnings | None = Field(
        default=None,
        description=(
            "What its evaluation warned of, such as whether any setting of the thresholds would "
            "earn money on unseen candles."
        ),
    )
    live_skill: LiveSkill | None = Field(
        default=None,
        description="What its forecasts have been worth since it serves, beside naive ones.",
    )


class UnusableVersion(Model):
    """A version that inference could not load; another image tries it again, and so does a pin."""

    version: str = Field(max_length=80, description="Name of the version in the store.")
    time: Time = Field(description="When a run failed to load it.")
    message: str = Field(max_length=MESSAGE_MAX, description="What was wrong with the version.")
    image: str | None = Field(
        default=None, max_length=512, description="Image of the inference runs at that time."
    )

    def is_aside(self, image: str) -> bool:
        """Tell whether the version is not served by runs of this image."""
        return self.image is None or self.image == image


class CandidateTraining(Model):
    """The training that the bot follows."""

    name: str = Field(max_length=63, description="Name of the ModelTraining.")
    attempt: int = Field(
        default=1, ge=1, description="Number of the attempt at the same model, from 1."
    )
    next_attempt_time: Time | None = Field(
        default=None, description="When a failed training is tried again."
    )
    scheduled_time: Time | None = Field(
        default=None, description="Time of the schedule that it was begun for."
    )


class Children(Model):
    """Names of the objects that the bot owns."""

    claim: str | None = Field(
        default=None, max_length=63, description="Name of the PersistentVolumeClaim of the store."
    )
    cron_job: str | None = Field(
        default=None, max_length=63, description="Name of the CronJob that decides."
    )
    run_configuration: str | None = Field(
        default=None,
        max_length=253,
        description="Name of the ConfigMap that holds the run configuration served.",
    )
    training: str | None = Field(
        default=None, max_length=63, description="Name of the ModelTraining that the bot follows."
    )


POSITION_TEXT_MAX: Final = 900

RunOutcome = Literal["Signal", "Failed", "Unseen"]
"""Unseen: the run ended well, and its pod was deleted before its decision was read."""


class LastRun(Model):
    """The newest inference run that has ended."""

    job: str = Field(max_length=63, description="Name of its Job.")
    time: Time = Field(description="When the Job of the run was created.")
    outcome: RunOutcome = Field(
        description="Signal, Failed, or Unseen: its pod was deleted before its decision was read."
    )
    run_digest: str = Field(max_length=64, description="SHA-256 of its run configuration.")


class JournalGap(Model):
    """What is missing of a journal that is older than what was known of it."""

    recorded: int = Field(ge=0, description="Number of the newest run that was known of it.")
    found: int = Field(ge=0, description="Number of the run that was found in its place.")
    time: Time = Field(description="When that was found; a later risk.resumeAfter accepts it.")


BotState = Literal[
    "Pending",
    "WaitingForSecrets",
    "WaitingForStorage",
    "Training",
    "Rejected",
    "Failed",
    "Deciding",
    "Suspended",
    "Stopped",
    "Stalled",
]


class TradingBotStatus(Model):
    """What the operator knows of a bot."""

    observed_generation: int = Field(default=0, description="Generation that was last acted on.")
    state: BotState = Field(
        default="Pending", description="Summary for columns; programs read the conditions."
    )
    conditions: Conditions = ()
    images: ImagesStatus | None = Field(
        default=None, description="Images that the bot runs, resolved once."
    )
    available_images: ImagesStatus | None = Field(
        default=None,
        description=(
            "Images of the operator's release where they are others than those in use: set "
            "updateStrategy: Auto, or name them in spec.images, to take them."
        ),
    )
    active_model: ActiveModel | None = Field(
        default=None, description="Version that the bot serves."
    )
    previous_model: ActiveModel | None = Field(
        default=None,
        description="Version that was served before: taken where the active one cannot be loaded.",
    )
    unusable_versions: tuple[UnusableVersion, ...] = Field(
        default=(),
        max_length=5,
        description="Versions that could not be loaded, and that this image does not serve.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    candidate_training: CandidateTraining | None = Field(
        default=None, description="Training under way or last ended."
    )
    next_training_time: Time | None = Field(
        default=None, description="When the schedule trains the bot next."
    )
    training_schedule: str | None = Field(
        default=None,
        max_length=120,
        description="Schedule that nextTrainingTime follows; its edit alone trains nothing.",
    )
    drift_since: Time | None = Field(
        default=None,
        description=(
            "First decision since which the market has not been the one that the active version "
            "was judged on; unset where it is."
        ),
    )
    missed_training_time: Time | None = Field(
        default=None,
        description=(
            "The newest scheduled training that was left out because it could not begin in time; "
            "cleared when a scheduled one begins."
        ),
    )
    last_signal: StatusSignal | None = Field(
        default=None, description="The newest decision of all symbols."
    )
    signals: tuple[StatusSignal, ...] = Field(
        default=(),
        max_length=10,
        description="The newest decision of every symbol, by symbol.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    symbols: str | None = Field(
        default=None, max_length=440, description="Markets of the spec, as one text for columns."
    )
    equity: Number | None = Field(
        default=None, description="Equity in the quote asset, rounded, as one text for columns."
    )
    position: str | None = Field(
        default=None,
        max_length=POSITION_TEXT_MAX,
        description="What is held, as one text for columns; flat where nothing is.",
    )
    skill: str | None = Field(
        default=None,
        max_length=SKILL_TEXT_MAX,
        description=(
            "By how many % the losses of the active version have been below naive ones of late, "
            "as one text for columns."
        ),
    )
    trading: TradingStatus | None = Field(
        default=None,
        description=(
            "What the bot's trading has come to. It is written with the next news: an equity "
            "that moves by less than 0.1 % is none."
        ),
    )
    journal_gap: JournalGap | None = Field(
        default=None,
        description="Set while the journal lacks runs that were known of it, as a restored copy.",
    )
    last_run: LastRun | None = Field(default=None, description="The newest run that has ended.")
    unseen_runs: int = Field(
        default=0, ge=0, description="How many runs ended without anybody seeing their outcome."
    )
    last_failure: LastFailure | None = Field(
        default=None, description="The last failure; cleared on recovery."
    )
    children: Children | None = Field(
        default=None, description="Names of the objects that the bot owns."
    )
