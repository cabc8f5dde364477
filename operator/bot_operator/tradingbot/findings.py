"""What the stages of a bot's plan hand to each other."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot_operator.api.resources import Manifest, Ref, name_of, namespace_of, to_time
from bot_operator.children.storage import ClaimVerdict
from bot_operator.signs.credentials import Verdict
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.observe import BotSeen
from bot_operator.tradingbot.runs import RunsVerdict
from bot_operator.tradingbot.timetable import Timetable
from bot_operator.tradingbot.trades import TradesVerdict
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.imagesstatus import ImagesStatus
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.status import (
    ActiveModel,
    JournalGap,
    TradingBotStatus,
    UnusableVersion,
)
from bot_runtime.contract.tradingbot import TradingBotSpec

LATEST_START = timedelta(minutes=15)
"""How late a training may begin: longer than the operator's restart and than its full list."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a plan starts from."""

    seen: BotSeen
    spec: TradingBotSpec
    """As far as the bot's images read it."""
    before: TradingBotStatus
    images: ImagesStatus
    release: ImagesStatus
    """Images that the bot would run if it took those of the operator's release."""
    now: datetime
    stopped_by: str | None = None
    """Who has stopped every bot, and how they go on."""
    unread: tuple[str, ...] = ()
    """Fields that the bot's images do not read; `spec` has their defaults."""

    @property
    def may_run(self) -> bool:
        """Whether neither the bot's own spec nor anybody above it has stopped it."""
        return not self.spec.suspend and self.stopped_by is None

    @property
    def may_serve(self) -> bool:
        """Whether a CronJob may be there: by another spec than asked none begins, one goes on."""
        return not self.unread or self.seen.cron_job is not None

    @property
    def available_images(self) -> ImagesStatus | None:
        """The images of the release where they are others than those in use."""
        return None if self.release == self.images else self.release

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
class Retraining:
    """What the schedule asks for now; empty where there is none, or where it does not count."""

    schedule: str | None = None
    next_at: datetime | None = None
    """In the past while a due training waits until it may begin."""
    due: datetime | None = None
    """Time of the schedule for which a training is to begin now."""
    missed_at: datetime | None = None
    problem: str | None = None
    """What is wrong with the schedule."""

    @property
    def next_time(self) -> str | None:
        """`next_at` as a status shows it."""
        return None if self.next_at is None else to_time(self.next_at)

    @property
    def missed_time(self) -> str | None:
        """`missed_at` as a status shows it."""
        return None if self.missed_at is None else to_time(self.missed_at)

    def look_at(self, now: datetime) -> datetime | None:
        """Return when the passing of time alone changes something."""
        if self.next_at is None or self.next_at > now:
            return self.next_at
        # It is due and waits: after this it is missed, or waits for what wakes the bot anyway.
        return self.next_at + LATEST_START


@dataclass(frozen=True, slots=True)
class Inference:
    """How the active version is served, and what its runs say; empty where nothing is served."""

    timetable: Timetable | str | None = None
    """A text says what is wrong with the schedule."""
    runs: RunsVerdict = field(default_factory=RunsVerdict)
    trades: TradesVerdict = field(default_factory=TradesVerdict)
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
    retraining: Retraining
    candidate: Candidate
    active: ActiveModel | None
    unusable: tuple[UnusableVersion, ...]
    """Versions that could not be loaded."""
    image: str
    """Image of the inference runs."""
    inference: Inference
    signals: tuple[StatusSignal, ...]
    deadline_seconds: int
    """Longest time of one run."""
    journal_gap: JournalGap | None = None
    """What the journal lacks of what was known of it."""

    @property
    def active_signals(self) -> tuple[StatusSignal, ...]:
        """The signals of the version that is active."""
        if self.active is None:
            return ()
        return tuple(s for s in self.signals if s.model_version == self.active.version)

    @property
    def unusable_names(self) -> frozenset[str]:
        """The names of the versions that runs of this image cannot load."""
        return frozenset(u.version for u in self._aside)

    @property
    def refused(self) -> UnusableVersion | None:
        """The newest promoted version where it is not served because it could not be loaded."""
        newest = self.candidate.status.version
        if newest is None or (self.active and newest.version == self.active.version):
            return None
        return next((u for u in self._aside if u.version == newest.version), None)

    @property
    def _aside(self) -> tuple[UnusableVersion, ...]:
        return tuple(u for u in self.unusable if u.is_aside(self.image))

    @property
    def failure(self) -> LastFailure | None:
        """The failure to show: what keeps a run, else the last run's, else the training's."""
        runs = self.inference.runs
        if runs.trouble is not None:
            return runs.trouble.failure
        return self.candidate.failure if runs.failure is None else runs.failure
