"""Freshness: whether a bot's last decision is up to date, and what keeps the next one."""

import re
from datetime import datetime, timedelta

from bot_operator.api.resources import from_time
from bot_operator.planning.conditions import ConditionSet
from bot_operator.signs.termination_messages import plain
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.timetable import Timetable, is_fresh_until
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason, Status
from bot_runtime.contract.failures import MESSAGE_MAX

_JOB_NAME = re.compile(r'^Error creating job: (?:jobs\.batch "[^"]*" is forbidden: )?')


def judge_freshness(
    conditions: ConditionSet, context: Context, found: Findings
) -> tuple[Status, Reason, str]:
    """Return SignalFresh: False once two schedules have brought nothing, with the reason found."""
    scheduled = conditions.get(Kind.INFERENCE_SCHEDULED)
    if scheduled.status != "True":
        return "Unknown", scheduled.reason, scheduled.message
    last = max((s.ts for s in found.active_signals), default=None)
    until = fresh_until(conditions, found)
    if until is not None and until > context.now:
        # The CronJob is resumed before that is noted: a run may have decided in between.
        noted = from_time(scheduled.last_transition_time)
        since = noted - timedelta(seconds=found.deadline_seconds)
        if last is not None and from_time(last) >= since:
            return "True", Reason.SIGNAL_RECEIVED, "the last decision is up to date"
        failure = found.failure
        text = f"it has failed: {failure.message}" if failure else "it is yet to come"
        return "Unknown", Reason.WAITING_FOR_SIGNAL, f"the first run since then: {text}"
    reason, why = _cause(context, found)
    since_when = "no decision of this version yet" if last is None else f"no decision since {last}"
    return "False", reason, f"{since_when}: {why}"


def fresh_until(conditions: ConditionSet, found: Findings) -> datetime | None:
    """Return when two schedules will have passed since the last decision, or since the start."""
    timetable = found.inference.timetable
    if not isinstance(timetable, Timetable):
        return None
    began = [conditions.get(Kind.INFERENCE_SCHEDULED).last_transition_time]
    candidate = found.candidate
    if not found.active_signals and candidate.is_complete and candidate.status.completion_time:
        began.append(candidate.status.completion_time)
    began.extend(s.ts for s in found.active_signals)
    return is_fresh_until(timetable, max(map(from_time, began)), found.deadline_seconds)


def _cause(context: Context, found: Findings) -> tuple[Reason, str]:
    """Return what keeps the decisions away: a pod that waits, a failed run, no run at all."""
    runs, seen = found.inference.runs, context.seen
    if runs.trouble is not None:
        return runs.trouble.reason, runs.trouble.message
    if runs.failure is not None:
        kind = runs.failure.failure_class.value
        return Reason.RUN_FAILED, f"the last run failed ({kind}): {runs.failure.message}"
    if runs.waits:
        return Reason.SIGNAL_STALE, "a run has no pod that runs yet"
    if seen.refusal is not None:
        words = plain(_JOB_NAME.sub("", seen.refusal), MESSAGE_MAX)
        return Reason.POD_REFUSED, f"the CronJob may not create its Job: {words}"
    fired = ((seen.cron_job or {}).get("status") or {}).get("lastScheduleTime")
    text = f"the CronJob last fired at {fired}" if fired else "the CronJob has never fired"
    return Reason.SIGNAL_STALE, f"{text}; see that kube-controller-manager runs"
