"""The conditions, the state and the next look of a bot, from what its plan has found."""

from datetime import datetime

from bot_operator.conditions import ConditionSet
from bot_operator.credentials import poll_seconds
from bot_operator.plan import earliest
from bot_operator.refusals import describe, refusals_of
from bot_operator.resources import CONFIG_MAPS, CRON_JOBS, from_time
from bot_operator.tradingbot.candidate import has_learned
from bot_operator.tradingbot.checks import is_feed_trouble
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.freshness import fresh_until, judge_freshness
from bot_operator.tradingbot.models import (
    Finding,
    describe_failure,
    describe_fall_back,
    judge_age,
    judge_availability,
    stale_at,
    why_no_model,
)
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason, Status, TrainingCondition
from bot_runtime.contract.status import BotState, TradingBotStatus

LOOK_AGAIN_SECONDS = 10.0
"""How often a run is looked at while no pod of it runs: Events are not watched."""


def refuse(
    before: TradingBotStatus,
    conditions: ConditionSet,
    generation: int,
    reason: Reason,
    problem: str,
) -> TradingBotStatus:
    """Return the status of a bot whose spec cannot be acted on."""
    conditions.set(Kind.READY, "False", reason, problem)
    conditions.set(Kind.STALLED, "True", reason, problem)
    conditions.set(Kind.RECONCILING, "False", reason)
    update = {
        "observed_generation": generation,
        "state": "Stalled",
        "conditions": conditions.all(),
    }
    return before.model_copy(update=update)


def decide_conditions(conditions: ConditionSet, context: Context, found: Findings) -> None:
    """Set every condition; Ready, Stalled and Reconciling follow from the others."""
    valid: Status = "True" if found.secret.valid else "False"
    conditions.set(Kind.SECRETS_VALID, valid, found.secret.reason, found.secret.message)
    claim = found.claim
    conditions.set(Kind.STORAGE_READY, claim.status, claim.reason, claim.message)
    conditions.set(Kind.MODEL_AVAILABLE, *judge_availability(context, found))
    conditions.set(Kind.MODEL_FRESH, *judge_age(context, found))
    conditions.set(Kind.INFERENCE_SCHEDULED, *_inference_scheduled(context, found))
    conditions.set(Kind.SIGNAL_FRESH, *judge_freshness(conditions, context, found))
    degraded = _degraded(found)
    if degraded is None:
        conditions.set(Kind.DEGRADED, "False", Reason.AS_EXPECTED)
    else:
        conditions.set(Kind.DEGRADED, "True", *degraded)
    _decide_summary(conditions, context, found)


def state_of(conditions: ConditionSet, context: Context, found: Findings) -> BotState:
    """Return the one word for the column."""
    if not context.may_run:
        return "Suspended" if context.spec.suspend else "Stopped"
    if not found.secret.valid:
        return "WaitingForSecrets"
    if conditions.is_true(Kind.READY):
        return "Deciding"
    if found.claim.status == "False":
        return "WaitingForStorage"
    if conditions.is_true(Kind.STALLED):
        if found.active is None and found.candidate.has_failed:
            return "Failed"
        rejected = found.active is None and found.candidate.is_complete
        return "Rejected" if rejected else "Stalled"
    if found.active is None and (found.candidate.is_running or found.candidate.create):
        return "Training"
    return "Failed" if found.active is None and found.candidate.has_failed else "Pending"


def next_look(conditions: ConditionSet, context: Context, found: Findings) -> float | None:
    """Return the seconds until something changes by the passing of time alone."""
    since = from_time(conditions.get(Kind.SECRETS_VALID).last_transition_time)
    return earliest(
        None if found.secret.valid else poll_seconds(since, context.now),
        None if context.spec.suspend else found.claim.poll,
        _seconds_until(found.candidate.retry_at, context.now),
        _seconds_until(found.retraining.look_at(context.now), context.now),
        _seconds_until(fresh_until(conditions, found), context.now),
        _seconds_until(stale_at(context, found), context.now),
        LOOK_AGAIN_SECONDS if found.inference.runs.waits else None,
    )


def _inference_scheduled(context: Context, found: Findings) -> tuple[Status, Reason, str]:
    inference = found.inference
    refused = refusals_of(context.seen.refused, CONFIG_MAPS, CRON_JOBS)
    if refused:
        return "False", Reason.CHILD_REFUSED, describe(refused)
    if isinstance(inference.timetable, str):
        return "False", Reason.INVALID_SCHEDULE, inference.timetable
    if inference.timetable is None:
        return "False", Reason.WAITING_FOR_MODEL, "there is no version to serve yet"
    if context.spec.suspend:
        return "False", Reason.SUSPENDED, "the CronJob is suspended"
    if context.stopped_by is not None:
        return "False", Reason.STOPPED, context.stopped_by
    if not found.secret.valid:
        return "False", Reason.WAITING_FOR_SECRETS, "the CronJob is suspended"
    assert found.active is not None
    text = f"{inference.timetable.schedule} serves version {found.active.version}"
    return "True", Reason.CRON_JOB_APPLIED, text


def _degraded(found: Findings) -> Finding | None:
    """Return what is wrong with a bot that works, None where nothing is."""
    runs = found.inference.runs
    if runs.failure is not None:
        return Reason.RUN_FAILED, runs.failure.message
    if found.retraining.problem is not None:
        return Reason.INVALID_SCHEDULE, found.retraining.problem
    feed = [s for s in found.active_signals if is_feed_trouble(s)]
    if feed:
        return Reason.FEED_TROUBLE, "; ".join(f"{s.symbol}: {s.reason}" for s in feed)
    drifting = [s for s in found.active_signals if s.drift is not None]
    if drifting:
        what = "; ".join(f"{s.symbol}: {s.drift}" for s in drifting)
        version = drifting[0].model_version
        text = f"the market is no longer the one that {version} was judged on: {what}"
        return Reason.DRIFT, text
    trouble = _model_trouble(found)
    if trouble is None and found.claim.reason is Reason.CLAIM_SIZE_KEPT:
        return found.claim.reason, found.claim.message
    return trouble


def _model_trouble(found: Findings) -> Finding | None:
    """Return what is wrong with the newest version, None where it is the one that is served."""
    if found.active is None:
        return None
    if found.refused is not None:
        return Reason.FELL_BACK, describe_fall_back(found.refused, found.active.version)
    candidate = found.candidate
    if candidate.has_failed:
        return Reason.TRAINING_FAILED, describe_failure(found)
    version = candidate.status.version
    if version is not None and version.version != found.active.version and not version.promoted:
        why = "; ".join(version.reasons)
        text = f"version {version.version} did not pass the gate: {why}"
        return Reason.CANDIDATE_REJECTED, text
    return None


def _decide_summary(conditions: ConditionSet, context: Context, found: Findings) -> None:
    ready, reason, text = _ready(conditions, context, found)
    stalled = _halted(context) if not context.may_run else _stalled(conditions, context, found)
    if context.seen.refused:
        stalled = Reason.CHILD_REFUSED, describe(context.seen.refused)
        if ready != "True":
            reason, text = stalled
    conditions.set(Kind.READY, ready, reason, text)
    if stalled is not None:
        conditions.set(Kind.STALLED, "True", *stalled)
        conditions.set(Kind.RECONCILING, "False", stalled[0])
        return
    conditions.set(Kind.STALLED, "False", reason)
    if ready != "True":
        conditions.set(Kind.RECONCILING, "True", reason, text)
    elif found.candidate.is_pending and _owes_version(context, found):
        text = f"{why_no_model(found)[1]}; until then the version before it decides"
        conditions.set(Kind.RECONCILING, "True", Reason.TRAINING_RUNNING, text)
    else:
        conditions.set(Kind.RECONCILING, "False", reason)


def _halted(context: Context) -> Finding | None:
    """Return who has stopped the bot, None where that is its own spec: it is as asked for then."""
    if context.spec.suspend or context.stopped_by is None:
        return None
    return Reason.STOPPED, context.stopped_by


def _owes_version(context: Context, found: Findings) -> bool:
    """Tell whether what the spec asks for has never been learned: a repetition is no debt."""
    if not context.may_run or context.spec.model.pinned_version is not None:
        return False
    return not has_learned(context.seen.all_trainings, found.wanted)


def _ready(
    conditions: ConditionSet, context: Context, found: Findings
) -> tuple[Status, Reason, str]:
    if context.spec.suspend:
        return "True", Reason.SUSPENDED, "suspended: set spec.suspend to false to go on"
    if context.stopped_by is not None:
        return "False", Reason.STOPPED, context.stopped_by
    if not found.secret.valid:
        return "False", Reason.WAITING_FOR_SECRETS, found.secret.message
    if found.claim.status == "False":
        return "False", Reason.WAITING_FOR_STORAGE, found.claim.message
    for kind in (Kind.MODEL_AVAILABLE, Kind.INFERENCE_SCHEDULED):
        condition = conditions.get(kind)
        if condition.status != "True":
            return "False", condition.reason, condition.message
    if found.claim.status != "True":
        return "False", Reason.WAITING_FOR_STORAGE, found.claim.message
    if not found.active_signals:
        return "False", Reason.WAITING_FOR_SIGNAL, conditions.get(Kind.SIGNAL_FRESH).message
    return "True", Reason.BOT_READY, "decides on schedule"


def _stalled(conditions: ConditionSet, context: Context, found: Findings) -> Finding | None:
    """Return what keeps the bot from going on by itself, None where nothing does."""
    if not found.secret.valid:
        return found.secret.reason, found.secret.message
    if found.claim.status == "False":
        return found.claim.reason, found.claim.message
    scheduled = conditions.get(Kind.INFERENCE_SCHEDULED)
    if scheduled.reason is Reason.INVALID_SCHEDULE:
        return scheduled.reason, scheduled.message
    runs = found.inference.runs
    if runs.trouble is not None:
        return runs.trouble.reason, runs.trouble.message
    model = conditions.get(Kind.MODEL_AVAILABLE)
    if model.reason in {Reason.VERSION_UNUSABLE, Reason.NOT_BETTER_THAN_NAIVE}:
        return model.reason, model.message
    if not _owes_version(context, found):
        return None
    if found.candidate.has_failed and found.candidate.retry_at is None:
        return Reason.TRAINING_FAILED, describe_failure(found)
    return _training_stalled(found)


def _training_stalled(found: Findings) -> Finding | None:
    if not found.candidate.is_running:
        return None
    for condition in found.candidate.status.conditions:
        if condition.type == TrainingCondition.STALLED and condition.status == "True":
            return condition.reason, f"training {found.candidate.name}: {condition.message}"
    return None


def _seconds_until(at: datetime | None, now: datetime) -> float | None:
    if at is None or at <= now:
        return None
    return (at - now).total_seconds()
