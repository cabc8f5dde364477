"""Retraining: when the bot is trained next, what is due now, what was missed. Pure.

All that is remembered is the next time and the schedule that it follows. A new schedule is counted
from the moment it is first seen, so an edit never begins a training for a time that has passed. A
drift is due since its first decision, a lost skill since it was found: the status remembers both.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot_operator.api.resources import from_time, uid_of
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.findings import LATEST_START, Context, Retraining
from bot_operator.tradingbot.timetable import Timetable, check_schedule
from bot_runtime.contract.digests import digest_of

BETWEEN_DRIFTS = timedelta(days=6)
"""From when on a new version is watched: six blocks of the seven of a week."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A schedule with the bot's own delay."""

    timetable: Timetable
    delay: timedelta
    text: str
    """All of it in words, to tell an edited schedule from the one before."""

    def after(self, at: datetime) -> datetime:
        """Return the first time after a moment."""
        return self.timetable.firing(at - self.delay, 1) + self.delay

    def last(self, at: datetime) -> datetime:
        """Return the newest time that is not after a moment."""
        return self.timetable.last(at - self.delay) + self.delay


def plan_retraining(context: Context, current: Candidate, *, may_train: bool) -> Retraining:
    """Return what schedule and drift ask for, given the training that the bot follows."""
    scheduled = _plan_schedule(context, current, may_train=may_train)
    if scheduled.due is not None or not may_train or current.is_running:
        return scheduled
    return replace(scheduled, due=_due_by_policy(context, current))


def _due_by_policy(context: Context, current: Candidate) -> datetime | None:
    """Return since when the version drifts or has lost its skill; None where that was answered.

    That time names the training, so that one drift begins one training, whatever becomes of it. A
    figure near its limit comes and goes: it must not train all day.
    """
    if context.spec.training.drift_policy != "Retrain":
        return None
    begun = _time(current.scheduled_time)
    active = context.before.active_model
    skill = None if active is None else active.live_skill
    causes = (None if skill is None else skill.lost_since, context.before.drift_since)
    times = [since for since in map(_time, causes) if since is not None]
    due = (s for s in times if begun is None or s - begun >= BETWEEN_DRIFTS)
    return next(due, None)


def _plan_schedule(context: Context, current: Candidate, *, may_train: bool) -> Retraining:
    spec = context.spec
    if spec.training.schedule is None:
        return Retraining()
    calendar = build_calendar(context)
    if isinstance(calendar, str):
        return Retraining(problem=calendar)
    if not context.may_run or spec.model.pinned_version is not None:
        return Retraining()  # counted anew when it goes on
    return _plan(context, calendar, current, may_train=may_train)


def build_calendar(context: Context) -> Calendar | str:
    """Return the calendar of the bot's trainings, or what is wrong with its schedule."""
    training = context.spec.training
    assert training.schedule is not None
    timetable = check_schedule("training", training.schedule, training.time_zone, context.now)
    if isinstance(timetable, str):
        return timetable
    share = int(digest_of(uid_of(context.owner))[:12], 16)
    delay = timedelta(seconds=share % (training.jitter_seconds + 1))
    text = f"{training.schedule} {training.time_zone}"
    if training.jitter_seconds:
        text += f" within {training.jitter_seconds} s"
    return Calendar(timetable, delay, text)


def _plan(
    context: Context, calendar: Calendar, current: Candidate, *, may_train: bool
) -> Retraining:
    before, now = context.before, context.now
    missed = _time(before.missed_training_time)
    known = _time(before.next_training_time)
    begun = _time(current.scheduled_time)
    # A clock that went back must not begin the same training again, nor wait for a far year.
    following = calendar.after(now if begun is None else max(now, begun))
    if before.training_schedule != calendar.text or known is None or known > now:
        return Retraining(calendar.text, following, missed_at=missed)
    due = max(known, calendar.last(now))
    if begun is not None and begun >= due:
        return Retraining(calendar.text, following, missed_at=None)
    if may_train and not current.is_running and _may_begin(context, due):
        return Retraining(calendar.text, following, due=due)
    if _may_begin(context, due):
        return Retraining(calendar.text, known, missed_at=missed)
    return Retraining(calendar.text, following, missed_at=due)


def _may_begin(context: Context, due: datetime) -> bool:
    catches_up = context.spec.training.missed_run_policy == "RunOnce"
    return catches_up or context.now - due < LATEST_START


def _time(text: str | None) -> datetime | None:
    return None if text is None else from_time(text)
