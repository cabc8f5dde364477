"""The training that a bot wants: which attempt, whether it is made, retried or superseded."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot_operator.api.resources import (
    Manifest,
    Ref,
    annotations_of,
    from_time,
    is_deleting,
    is_true,
    ref_of,
    to_time,
)
from bot_operator.planning.conditions import CLOCKS_DIFFER
from bot_operator.planning.specs import Training
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.objects import build_training
from bot_operator.tradingbot.observe import BotSeen
from bot_runtime.contract import names
from bot_runtime.contract.conditions import TrainingCondition
from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.failures import FailureClass, LastFailure
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.names import training_name
from bot_runtime.contract.runconfig import training_digest
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.trainingstatus import ModelTrainingStatus

FIRST_BACKOFF_SECONDS = 60.0
LAST_BACKOFF_SECONDS = 6 * 3600.0
_ATTEMPT_DIGITS = 6
_CLOCK_ERROR_MAX = timedelta(days=1)
_ABOUT_THE_SECRET = frozenset({FailureClass.CREDENTIALS, FailureClass.CONFIGURATION})
"""Refused by the exchange, or by the preflight without asking it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the bot's spec asks of its training now."""

    bot: str
    spec: ModelTrainingSpec
    digest: str
    """Training digest of `spec`."""
    allowed: bool
    """Whether a training may be created now."""
    restart: bool
    """Whether an unfinished training must make way (its volume is made again)."""
    secret_changed_at: datetime | None
    active_training: str | None
    history_limit: int
    """How many ended trainings stay beside those in use."""
    in_use: frozenset[str]
    """Versions whose trainings stay: the active, the previous, the pinned one."""

    def name(self, attempt: int, scheduled_time: str | None) -> str:
        """Return the name of the wanted training's `attempt`, at a time of the schedule."""
        digest = self.digest
        if scheduled_time is not None:
            digest = digest_of({"training": digest, "scheduledTime": scheduled_time})
        return training_name(self.bot, digest, attempt)


def find_candidate(seen: BotSeen, before: TradingBotStatus, wish: Wish, now: datetime) -> Candidate:
    """Return the newest training of what the bot asks for; one without an object where none is."""
    there = {t.name: t for t in seen.trainings}
    recorded = before.candidate_training
    scheduled = _newest_time(seen, before, wish, now)
    newest = 1
    if recorded is not None and recorded.name == wish.name(recorded.attempt, scheduled):
        newest = recorded.attempt
    # Status is not the only truth: it may have been lost, the trainings not.
    attempts = (_attempt(name, wish, scheduled) for name in there)
    attempt = max((newest, *attempts))
    name = wish.name(attempt, scheduled)
    failed_before = _failure_before(seen, wish, attempt, scheduled)
    own = Candidate(name, attempt, scheduled, there.get(name), failed_before=failed_before)
    return _adopt(seen, wish, own)


def _attempt(name: str, wish: Wish, scheduled: str | None) -> int:
    """Return which attempt at the wanted training has a name; 0 where it is none of them."""
    number = name.rpartition("-")[2]
    attempt = int(number) if number.isdecimal() and len(number) <= _ATTEMPT_DIGITS else 0
    return attempt if wish.name(attempt, scheduled) == name else 0


def _failure_before(
    seen: BotSeen, wish: Wish, attempt: int, scheduled: str | None
) -> LastFailure | None:
    """Return why the attempt before this one failed; None where it was another spec's."""
    name = wish.name(attempt - 1, scheduled)
    before = next((t for t in seen.trainings if t.name == name), None)
    return None if before is None or _differs(before, wish) else before.status.last_failure


def _adopt(seen: BotSeen, wish: Wish, own: Candidate) -> Candidate:
    """Return the newest promoted training of a person's where it is newer than the bot's own.

    It must have learned exactly what the bot asks for, into the bot's own store.
    """
    if own.is_running:
        return own
    latest = "" if own.has_failed else own.status.completion_time or ""
    best = own
    for study in seen.studies:
        status = study.status
        if (
            status.version is not None
            and status.version.promoted
            and (status.completion_time or "") > latest
            and study.digest == wish.digest
        ):
            latest = status.completion_time or ""
            best = Candidate(study.name, 1, own.scheduled_time, study)
    return best


def _newest_time(seen: BotSeen, before: TradingBotStatus, wish: Wish, now: datetime) -> str | None:
    """Return the newest time of the schedule for which what the bot asks for was begun."""
    recorded = before.candidate_training
    begun = [
        (annotations_of(t.manifest).get(names.ANNOTATION_SCHEDULED_TIME), t.name)
        for t in seen.trainings
    ]
    if recorded is not None:
        begun.append((recorded.scheduled_time, recorded.name))
    # What a clock that was wrong by years has begun must not count for years.
    latest = to_time(now + _CLOCK_ERROR_MAX)
    return max(
        (
            time
            for time, name in begun
            if time is not None and time <= latest and name.startswith(wish.name(1, time))
        ),
        default=None,
    )


def plan_candidate(
    seen: BotSeen, current: Candidate, wish: Wish, due: datetime | None, now: datetime
) -> Candidate:
    """Return the training that the bot follows, and what to create and delete for it.

    `due` is the time of the schedule for which a training is to begin now.
    """
    training = current.training
    retry_at = _retry_at(current, wish, now) if training is not None else None
    following = None
    if due is not None:
        following = _begin(seen, wish, 1, to_time(due))
    elif training is None:
        if wish.allowed and wish.active_training != current.name:
            following = _begin(seen, wish, current.attempt, current.scheduled_time)
    elif retry_at is not None and retry_at <= now and wish.allowed:
        following = _begin(seen, wish, current.attempt + 1, current.scheduled_time)
    delete = _unwanted(seen, wish, (following or current).name)
    if wish.restart and training is not None and current.is_running:
        delete = (*delete, ref_of(training.manifest))
    if following is not None:
        return replace(following, delete=delete)
    return replace(current, delete=delete, retry_at=retry_at)


def _begin(seen: BotSeen, wish: Wish, attempt: int, scheduled_time: str | None) -> Candidate:
    name = wish.name(attempt, scheduled_time)
    create = build_training(seen.owner, name, wish.spec, scheduled_time)
    failed_before = _failure_before(seen, wish, attempt, scheduled_time)
    return Candidate(
        name, attempt, scheduled_time, None, create=create, failed_before=failed_before
    )


def has_learned(trainings: Iterable[Training], wanted: ModelTrainingSpec) -> bool:
    """Tell whether a training of what `wanted` asks for has ended with a version."""
    digest = training_digest(wanted)
    return any(t.status.version is not None and t.digest == digest for t in trainings)


def _retry_at(current: Candidate, wish: Wish, now: datetime) -> datetime | None:
    """Return when another attempt is due, None where nothing but a change can help."""
    status, training = current.status, current.training
    assert training is not None
    created = from_time(training.manifest["metadata"]["creationTimestamp"])
    if current.is_running:
        stuck = is_true(training.manifest, TrainingCondition.STALLED) and _differs(training, wish)
        return created if stuck else None
    if current.is_complete or status.completion_time is None:
        return None
    ended = from_time(status.completion_time)
    if ended > now + CLOCKS_DIFFER:
        ended = created  # noted by a clock that was wrong, maybe by years; this one is not ours
    failure = status.last_failure
    if _differs(training, wish):
        return ended
    if (
        failure is not None
        and failure.failure_class in _ABOUT_THE_SECRET
        and wish.secret_changed_at is not None
        and wish.secret_changed_at > (_data_began(status) or created)
    ):
        return ended
    if failure is not None and failure.retryable:
        return ended + timedelta(seconds=backoff_seconds(current.attempt))
    return None


def _data_began(status: ModelTrainingStatus) -> datetime | None:
    """Return when the step that reads the secret began: what is written later it may not know."""
    times = [step.start_time for step in status.steps if step.name == "Data"]
    return from_time(times[0]) if times and times[0] else None


def backoff_seconds(attempt: int) -> float:
    """Return how long after the failure of `attempt` the next one begins: 1 min to 6 h."""
    return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(attempt - 1, 16), LAST_BACKOFF_SECONDS)


def _differs(training: Training, wish: Wish) -> bool:
    """Tell whether the bot now asks for another spec than the training has."""
    spec = training.spec
    if isinstance(spec, str):
        return True
    # What a candidate is compared with is no reason to train again.
    aside = {"champion_version": None}
    return spec.model_copy(update=aside) != wish.spec.model_copy(update=aside)


def _unwanted(seen: BotSeen, wish: Wish, name: str) -> tuple[Ref, ...]:
    """Return unfinished trainings of another spec or attempt, and ended ones beyond the history."""
    unfinished: list[Manifest] = []
    history: list[tuple[str, Manifest]] = []
    for training in seen.trainings:
        if training.name in {name, wish.active_training}:
            continue
        status = training.status
        if status.completion_time is None:
            unfinished.append(training.manifest)
        elif status.version is None or status.version.version not in wish.in_use:
            history.append((status.completion_time, training.manifest))
    history.sort(key=lambda ended: ended[0], reverse=True)
    unwanted = [*unfinished, *(training for _, training in history[wish.history_limit :])]
    return tuple(ref_of(t) for t in unwanted if not is_deleting(t))
