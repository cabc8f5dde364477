"""What the stages of a bot's plan hand to each other."""

from dataclasses import dataclass, field
from datetime import datetime

from bot_operator.credentials import Verdict
from bot_operator.resources import Manifest, Ref, name_of, namespace_of
from bot_operator.storage import ClaimVerdict
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.checks import Timetable
from bot_operator.tradingbot.observe import BotSeen
from bot_operator.tradingbot.runs import RunsVerdict
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.signal import StatusSignal
from bot_runtime.contract.status import ActiveModel, ImagesStatus, TradingBotStatus
from bot_runtime.contract.tradingbot import TradingBotSpec


@dataclass(frozen=True, slots=True)
class Context:
    """What a plan starts from."""

    seen: BotSeen
    spec: TradingBotSpec
    before: TradingBotStatus
    images: ImagesStatus
    now: datetime

    @property
    def owner(self) -> Manifest:
        """The bot."""
        return self.seen.owner

    @property
    def name(self) -> str:
        """Name of the bot."""
        return name_of(self.seen.owner)

    @property
    def namespace(self) -> str:
        """Namespace of the bot."""
        return namespace_of(self.seen.owner)


@dataclass(frozen=True, slots=True)
class Inference:
    """How the active version is served, and what its runs say; empty where nothing is served."""

    timetable: Timetable | str | None = None
    """A text says what is wrong with the schedule."""
    runs: RunsVerdict = field(default_factory=RunsVerdict)
    symbols: tuple[str, ...] = ()
    configuration: Manifest | None = None
    cron_job: Manifest | None = None
    delete: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What the stages found."""

    secret: Verdict
    claim: ClaimVerdict
    wanted: ModelTrainingSpec
    candidate: Candidate
    active: ActiveModel | None
    inference: Inference
    signals: tuple[StatusSignal, ...]
    deadline_seconds: int
    """Longest time of one run."""

    @property
    def active_signals(self) -> tuple[StatusSignal, ...]:
        """The signals of the version that is active."""
        if self.active is None:
            return ()
        return tuple(s for s in self.signals if s.model_version == self.active.version)

    @property
    def failure(self) -> LastFailure | None:
        """The failure to show: what keeps a run, else the last run's, else the training's."""
        runs = self.inference.runs
        if runs.trouble is not None:
            return runs.trouble.failure
        if runs.failure is not None or self.candidate.training is None:
            return runs.failure
        return self.candidate.status.last_failure
