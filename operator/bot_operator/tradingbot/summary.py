"""The conditions, the state and the next look of a bot, from what its plan has found."""

from collections.abc import Sequence
from datetime import datetime

from bot_operator.api.resources import CONFIG_MAPS, CRON_JOBS, from_time
from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.plans import earliest
from bot_operator.planning.refusals import describe, refusals_of
from bot_operator.signs.credentials import SLOW_SECONDS, poll_seconds
from bot_operator.signs.pod_waits import POD_LOOK_SECONDS
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.flaws import FLAWS
from bot_operator.tradingbot.freshness import fresh_until, judge_freshness
from bot_operator.tradingbot.images import describe_unread
from bot_operator.tradingbot.models import judge_age, judge_availability, stale_at
from bot_operator.tradingbot.notifications import is_secret_faulty
from bot_operator.tradingbot.precedence import Case, Finding, findings_of
from bot_operator.tradingbot.trading_conditions import judge_records, judge_trading
from bot_operator.tradingbot.trading_obstacles import is_journal_away
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason, Status
from bot_runtime.contract.status import BotState, TradingBotStatus


def refuse(
    before: TradingBotStatus,
    conditions: ConditionSet,
    generation: int,
    reason: Reason,
    problem: str,
) -> TradingBotStatus:
    """Return the status of a bot whose spec cannot be acted on."""
    state = _tell(conditions, [Finding(reason, problem, reason, "Stalled")])
    update = {
        "observed_generation": generation,
        "state": state,
        "conditions": conditions.all(),
    }
    return before.model_copy(update=update)


def decide_conditions(conditions: ConditionSet, context: Context, found: Findings) -> BotState:
    """Set every condition and return the word for the column; both follow from the findings."""
    valid: Status = "True" if found.secret.valid else "False"
    conditions.set(Kind.SECRETS_VALID, valid, found.secret.reason, found.secret.message)
    claim = found.claim
    conditions.set(Kind.STORAGE_READY, claim.status, claim.reason, claim.message)
    conditions.set(Kind.MODEL_AVAILABLE, *judge_availability(context, found))
    conditions.set(Kind.MODEL_FRESH, *judge_age(context, found))
    conditions.set(Kind.INFERENCE_SCHEDULED, *_inference_scheduled(context, found))
    conditions.set(Kind.SIGNAL_FRESH, *judge_freshness(conditions, context, found))
    conditions.set(Kind.TRADING_ALLOWED, *judge_trading(conditions, context, found))
    conditions.set(Kind.RECONCILED, *judge_records(conditions, context, found))
    flaw = next(filter(None, (check(found) for check in FLAWS)), None)
    if flaw is None:
        conditions.set(Kind.DEGRADED, "False", Reason.AS_EXPECTED)
    else:
        conditions.set(Kind.DEGRADED, "True", *flaw)
    return _tell(conditions, findings_of(Case(conditions, context, found)))


def _tell(conditions: ConditionSet, findings: Sequence[Finding]) -> BotState:
    """Set Ready, Stalled and Reconciling, and return the word for the column.

    Each is told by the first finding that has something to say of it. A bot that is as asked is
    Ready by the last one: what stands before it keeps nothing from deciding.
    """
    first, last = findings[0], findings[-1]
    state = next(f.state for f in findings if f.state is not None)
    stalled = next(((f.stalled, f.message) for f in findings if f.stalled is not None), None)
    as_asked = state in {"Suspended", "Deciding"}
    ready = last if as_asked else first
    conditions.set(Kind.READY, "True" if as_asked else "False", ready.reason, ready.message)
    if stalled is not None:
        conditions.set(Kind.STALLED, "True", *stalled)
        conditions.set(Kind.RECONCILING, "False", stalled[0])
        return "Stalled" if state in {"Training", "Pending"} else state
    conditions.set(Kind.STALLED, "False", ready.reason)
    if first is last:
        conditions.set(Kind.RECONCILING, "False", ready.reason)
    else:
        conditions.set(Kind.RECONCILING, "True", first.reason, first.message)
    return state


def next_look(conditions: ConditionSet, context: Context, found: Findings) -> float | None:
    """Return the seconds until something changes by the passing of time alone."""
    since = from_time(conditions.get(Kind.SECRETS_VALID).last_transition_time)
    return earliest(
        None if found.secret.valid else poll_seconds(since, context.now),
        _journal_look(conditions, context),
        SLOW_SECONDS if is_secret_faulty(context) else None,
        None if context.spec.suspend else found.claim.poll,
        _seconds_until(found.candidate.retry_at, context.now),
        _seconds_until(found.retraining.look_at(context.now), context.now),
        _seconds_until(fresh_until(conditions, found), context.now),
        _seconds_until(stale_at(context, found), context.now),
        POD_LOOK_SECONDS if found.inference.runs.waits else None,
    )


def _journal_look(conditions: ConditionSet, context: Context) -> float | None:
    """Return when to look again at a secret of the journal that cannot be used."""
    if not is_journal_away(context):
        return None
    since = from_time(conditions.get(Kind.RECONCILED).last_transition_time)
    return poll_seconds(since, context.now)


def _inference_scheduled(context: Context, found: Findings) -> tuple[Status, Reason, str]:
    inference = found.inference
    refused = refusals_of(context.seen.refused, CONFIG_MAPS, CRON_JOBS)
    if refused:
        return "False", Reason.CHILD_REFUSED, describe(refused)
    if not context.may_serve:
        text = describe_unread(context.unread, context.images, context.release)
        return "False", Reason.IMAGE_TOO_OLD, text
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


def _seconds_until(at: datetime | None, now: datetime) -> float | None:
    if at is None or at <= now:
        return None
    return (at - now).total_seconds()
