"""Conditions of both resources: types, reasons, shape. Every reason is declared here alone."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from bot_runtime.contract.base import Model, Time


class BotCondition(StrEnum):
    """Conditions of a TradingBot; all are present from the first sight, `Unknown` until decided."""

    READY = "Ready"
    """Secrets valid, storage bound, a model active, CronJob applied, a first signal of it seen."""
    RECONCILING = "Reconciling"
    """True while the operator works towards the spec (kstatus); never True with Stalled."""
    STALLED = "Stalled"
    """True when nothing will move without a person's action, or only after a long wait."""
    SECRETS_VALID = "SecretsValid"
    """The named secret exists, has the right type and real values."""
    STORAGE_READY = "StorageReady"
    """The store's claim is bound."""
    MODEL_AVAILABLE = "ModelAvailable"
    """A version is promoted or pinned."""
    MODEL_FRESH = "ModelFresh"
    """The active version is younger than training.maxModelAge; Unknown without a version."""
    INFERENCE_SCHEDULED = "InferenceScheduled"
    """The CronJob serves the active version."""
    SIGNAL_FRESH = "SignalFresh"
    """The last signal is of the active version and no older than two schedules."""
    DEGRADED = "Degraded"
    """True when the bot works but something is wrong: feed trouble, a failed run, a rejection."""
    TRADING_ALLOWED = "TradingAllowed"
    """Something may be bought: no limit stands, and the run that trades does its work."""
    RECONCILED = "Reconciled"
    """The journal can be believed: it is there, whole, and as new as the candles."""


class TrainingCondition(StrEnum):
    """Conditions of a ModelTraining; all are present from the first sight."""

    READY = "Ready"
    """True when the run is complete (whether promoted or rejected)."""
    RECONCILING = "Reconciling"
    """True while steps run (kstatus); never True with Stalled."""
    STALLED = "Stalled"
    """True when the run waits for a person's action, or has failed for good."""
    SECRETS_VALID = "SecretsValid"
    """The named secret exists, has the right type and real values."""
    STORAGE_READY = "StorageReady"
    """The store's claim is bound."""
    COMPLETE = "Complete"
    """True when all five steps have succeeded; final."""
    FAILED = "Failed"
    """True when a step has failed for good; final."""
    PROMOTED = "Promoted"
    """True when the version passed the gate; False with the numbers when it did not; final."""


class Reason(StrEnum):
    """Reasons of conditions and Events: what is the case, in one word."""

    AS_EXPECTED = "AsExpected"
    """The condition holds and nothing is to be done."""
    PROGRESSING = "Progressing"
    """Work is under way; wait."""
    NOT_DECIDED = "NotDecided"
    """Nothing is known yet."""
    SUSPENDED = "Suspended"
    """spec.suspend is true: set it to false to go on."""
    STOPPED = "Stopped"
    """A setting of the operator or a label of the namespace stops every bot; see the message."""
    LIVE_NOT_AVAILABLE = "LiveNotAvailable"
    """mode Live is not available in this release: set mode Paper."""
    INVALID_SPEC = "InvalidSpec"
    """The spec could not be read; the message names the field."""
    CHILD_REFUSED = "ChildRefused"
    """The API server refuses an object that the operator makes (quota, policy, validation)."""
    INVALID_SCHEDULE = "InvalidSchedule"
    """The cron schedule never fires, or its time zone is unknown."""
    NOT_NEEDED = "NotNeeded"
    """The spec names nothing of this kind."""
    NEW_IMAGES = "NewImages"
    """The operator's release has other images than the bot runs: see spec.updateStrategy."""
    IMAGE_TOO_OLD = "ImageTooOld"
    """An image is of an earlier release and does not read a field of the spec; see the message."""
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, not a secret
    """The named secret does not exist: run the command in the message."""
    SECRET_KEY_MISSING = "SecretKeyMissing"  # noqa: S105 - a reason, not a secret
    """The secret lacks a key: the message names it."""
    SECRET_PLACEHOLDER = "SecretPlaceholder"  # noqa: S105 - a reason, not a secret
    """A value of the secret is a placeholder: put the real one."""
    SECRET_MALFORMED = "SecretMalformed"  # noqa: S105 - a reason, not a secret
    """A value of the secret is certainly no key: the message says why, and never the value."""
    SECRET_WRONG_TYPE = "SecretWrongType"  # noqa: S105 - a reason, not a secret
    """The secret is not of the type that a bot may use: re-create it with --type."""
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105 - a reason, not a secret
    """The operator may not read the secret: its Role lacks `get` on secrets."""
    CLAIM_PENDING = "ClaimPending"
    """The claim is not bound yet: a volume is being made, or waits for its first pod."""
    CLAIM_MISSING = "ClaimMissing"
    """storage.existingClaim names a claim that does not exist."""
    CLAIM_FOREIGN = "ClaimForeign"
    """The claim is another owner's, or not marked for bots: the message says how to adopt it."""
    CLAIM_LOST = "ClaimLost"
    """The volume behind the claim is gone."""
    CLAIM_SIZE_KEPT = "ClaimSizeKept"
    """The claim keeps its size: its StorageClass does not let it grow, or it was to shrink."""
    STORAGE_CLASS_MISSING = "StorageClassMissing"
    """The StorageClass does not exist, or there is no default one."""
    CLAIM_BOUND = "ClaimBound"
    """The claim is bound to a volume."""
    WAITING_FOR_SECRETS = "WaitingForSecrets"
    """Nothing runs until the secret is valid; it goes on by itself then."""
    WAITING_FOR_STORAGE = "WaitingForStorage"
    """Nothing runs until the claim can be used."""
    WAITING_FOR_MODEL = "WaitingForModel"
    """No version is promoted yet: a training is under way."""
    WAITING_FOR_SLOT = "WaitingForSlot"
    """As many trainings run as the operator lets run at once; the oldest goes first."""
    WAITING_FOR_SIGNAL = "WaitingForSignal"
    """The CronJob is in place and has not produced a signal of this version yet."""
    TRAINING_RUNNING = "TrainingRunning"
    """Steps of a training are running."""
    TRAINING_MISSED = "TrainingMissed"
    """A scheduled training could not begin in time and was left out; see missedRunPolicy."""
    TRAINING_FAILED = "TrainingFailed"
    """The last training failed; lastFailure says why and when it is tried again."""
    CANDIDATE_REJECTED = "CandidateRejected"
    """The last trained version did not pass the gate; the message has the numbers."""
    NOT_BETTER_THAN_NAIVE = "NotBetterThanNaive"
    """No version is active: the trained one is no better than naive forecasts."""
    MODEL_PROMOTED = "ModelPromoted"
    """A version passed the gate and is served."""
    VERSION_PINNED = "VersionPinned"
    """model.pinnedVersion is served."""
    VERSION_UNUSABLE = "VersionUnusable"
    """The active version cannot be loaded from the store; the message has the run's error."""
    FELL_BACK = "FellBack"
    """The newest version cannot be loaded; the one before it is served."""
    WITHIN_MAX_AGE = "WithinMaxAge"
    """The active version is younger than training.maxModelAge."""
    STALE = "Stale"
    """The active version is older than training.maxModelAge: see why no newer one passed."""
    NO_MODEL = "NoModel"
    """No version is active, or its age is not known."""
    GATE_PASSED = "GatePassed"
    """The version passed the gate."""
    GATE_REJECTED = "GateRejected"
    """The version did not pass the gate."""
    ALL_STEPS_SUCCEEDED = "AllStepsSucceeded"
    """All five steps succeeded."""
    STEP_FAILED = "StepFailed"
    """A step failed for good; lastFailure says which and why."""
    OUTCOME_LOST = "OutcomeLost"
    """A Job was deleted before anybody could read its outcome; the run is not judged."""
    IMAGE_PULL_FAILED = "ImagePullFailed"
    """An image cannot be pulled: the message names it."""
    UNSCHEDULABLE = "Unschedulable"
    """No node takes the pod: the scheduler's words are in the message."""
    POD_REFUSED = "PodRefused"
    """The API server refuses the pod (PodSecurity, quota, policy)."""
    VOLUME_UNAVAILABLE = "VolumeUnavailable"
    """The node cannot attach or mount a volume of the pod: the message has its words."""
    NODE_TROUBLE = "NodeTrouble"
    """The node cannot start the pod: the message has its words."""
    CRON_JOB_APPLIED = "CronJobApplied"
    """The CronJob stands as the spec asks."""
    SIGNAL_RECEIVED = "SignalReceived"
    """A signal of the active version was received."""
    SIGNAL_STALE = "SignalStale"
    """No signal for two schedules, and no run that failed or waits: the CronJob does not fire."""
    FEED_TROUBLE = "FeedTrouble"
    """The last run could not trust the exchange's candles and decided NO_TRADE."""
    DRIFT = "Drift"
    """The market is no longer the one that the active version was judged on; see driftPolicy."""
    SKILL_LOST = "SkillLost"
    """The active version's forecasts are worse than naive ones; see driftPolicy."""
    RUN_FAILED = "RunFailed"
    """The last inference run failed; lastFailure says why."""
    ENTRIES_ALLOWED = "EntriesAllowed"
    """No limit stands: what a signal asks for may be bought."""
    WAITING_FOR_TRADE = "WaitingForTrade"
    """No run that trades has ended yet."""
    TRADE_FAILED = "TradeFailed"
    """The last run that trades failed; the message has its words. Signals go on."""
    SIGNAL_MISSING = "SignalMissing"
    """The inference brought no signal for the newest candle: nothing was bought on it."""
    DAILY_LOSS = "DailyLoss"
    """The equity has fallen by dailyLossCap since 00:00 UTC; resets at the next."""
    WEEKLY_LOSS = "WeeklyLoss"
    """The equity has fallen by weeklyLossCap since Monday 00:00 UTC; resets at the next."""
    DRAWDOWN = "Drawdown"
    """The equity has fallen by maxDrawdown from its highest; set risk.resumeAfter to go on."""
    LOSS_STREAK = "LossStreak"
    """So many trades in a row lost; resets after cooldownCandles."""
    JOURNAL_UNAVAILABLE = "JournalUnavailable"
    """The journal cannot be used; the message says why and what to do. The bot goes on deciding."""
    JOURNAL_BEHIND = "JournalBehind"
    """The journal is older than what was known of it: a restored copy. See the message."""
    CANDLE_WENT_BACK = "CandleWentBack"
    """The exchange's newest candle is older than the newest settled one: nothing is bought."""
    QUOTE_ASSETS_DIFFER = "QuoteAssetsDiffer"
    """The symbols are paid for in different assets, and an account has one: nothing is traded."""
    ENTRY_FILLED = "EntryFilled"
    """Something was bought."""
    EXIT_FILLED = "ExitFilled"
    """Something was sold by a decision or at the end of its holding time."""
    STOP_HIT = "StopHit"
    """A stop was hit: the position was sold."""
    LIMIT_TRIPPED = "LimitTripped"
    """A limit of losses stops purchases; exits go on."""
    LIMIT_RESET = "LimitReset"
    """A limit of losses stands no more."""
    NOTIFICATIONS_UNAVAILABLE = "NotificationsUnavailable"
    """No messages are sent: the secret or Telegram's answer is in the message. Trading goes on."""
    BOT_READY = "BotReady"
    """The bot decides on schedule."""


CONDITION_MESSAGE_MAX: Final = 2048

Status = Literal["True", "False", "Unknown"]
"""Whether a condition holds."""


class Condition(Model):
    """A standard condition (metav1.Condition)."""

    type: str = Field(max_length=64, description="Type of the condition, such as Ready.")
    status: Status = Field(description="Whether it holds: True, False or Unknown.")
    reason: Reason = Field(description="Why, in one word of a closed list.")
    message: str = Field(
        default="", max_length=CONDITION_MESSAGE_MAX, description="Why, and what to do about it."
    )
    last_transition_time: Time = Field(description="When the status of the condition last changed.")
    observed_generation: int = Field(description="Generation of the spec that this is about.")


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        description="Standard conditions, by type.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]
