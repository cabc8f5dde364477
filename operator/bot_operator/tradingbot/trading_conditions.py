"""What is said of a bot's trading: may something be bought, and can its journal be believed? Pure.

The runs that trade tell both. What the newest one said stands until another one says otherwise,
also when its pod is gone.
"""

from datetime import timedelta
from typing import get_args

from bot_operator.api.resources import from_time, to_time
from bot_operator.planning.conditions import ConditionSet
from bot_operator.signs.termination_messages import plain
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.models import Cause
from bot_operator.tradingbot.notifications import with_silence
from bot_operator.tradingbot.trading_obstacles import find_obstacle, is_journal_away
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason, Status
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.status import JournalGap
from bot_runtime.contract.traderesult import DOUBT_MAX, Doubt, DoubtReason

_TOLD_BY_RUNS = {
    Reason.ENTRIES_ALLOWED,
    Reason.AS_EXPECTED,
    Reason.TRADE_FAILED,
    Reason.JOURNAL_BEHIND,
    *map(Reason, get_args(DoubtReason)),
}
_NONE_YET = "no run that trades has ended yet"


def judge_trading(
    conditions: ConditionSet, context: Context, found: Findings
) -> tuple[Status, Reason, str]:
    """Return what TradingAllowed says."""
    obstacle = find_obstacle(context) or _find_stop(context)
    if obstacle is not None:
        return "False", *obstacle
    status, reason, message = _judge_runs(conditions, found)
    return status, reason, with_silence(message, context, found.inference.trades)


def _judge_runs(conditions: ConditionSet, found: Findings) -> tuple[Status, Reason, str]:
    """Return what the runs say of it."""
    scheduled = conditions.get(Kind.INFERENCE_SCHEDULED)
    if scheduled.status != "True":
        return "Unknown", scheduled.reason, scheduled.message
    trades = found.inference.trades
    if trades.trouble is not None:
        return "False", trades.trouble.reason, trades.trouble.message
    if trades.failure is not None:
        return "False", *_describe(trades.failure)
    if trades.result is None:
        return _as_before(conditions, Kind.TRADING_ALLOWED)
    if trades.result.entries is not None:
        return "False", *_to_cause(trades.result.entries)
    return "True", Reason.ENTRIES_ALLOWED, "no limit stands"


def judge_records(
    conditions: ConditionSet, context: Context, found: Findings
) -> tuple[Status, Reason, str]:
    """Return what Reconciled says."""
    obstacle = find_obstacle(context)
    if obstacle is not None:
        is_away = obstacle[0] is Reason.JOURNAL_UNAVAILABLE and is_journal_away(context)
        return "False" if is_away else "Unknown", *obstacle
    trades, gap = found.inference.trades, found.journal_gap
    doubt = trades.records or (trades.result.records if trades.result is not None else None)
    if doubt is not None:
        return "False", *_to_cause(doubt)
    if gap is not None:
        return "False", Reason.JOURNAL_BEHIND, _describe_gap(gap, context.name)
    if trades.failure is not None:
        return "Unknown", *_describe(trades.failure)
    if trades.result is None:
        return _as_before(conditions, Kind.RECONCILED)
    return "True", Reason.AS_EXPECTED, "the journal is as new as the last run that trades"


def _find_stop(context: Context) -> Cause | None:
    """Return who has asked that no run begins."""
    if context.spec.suspend:
        return Reason.SUSPENDED, "no run trades; what is held stays as it is"
    if context.stopped_by is not None:
        return Reason.STOPPED, context.stopped_by
    return None


def _as_before(conditions: ConditionSet, kind: Kind) -> tuple[Status, Reason, str]:
    """Return what the last run said of it; what else was said of it no longer holds."""
    before = conditions.before(kind)
    if before is None or before.reason not in _TOLD_BY_RUNS:
        return "Unknown", Reason.WAITING_FOR_TRADE, _NONE_YET
    return before.status, before.reason, before.message


def _describe(failure: LastFailure) -> Cause:
    kind = failure.failure_class.value
    return Reason.TRADE_FAILED, f"the last run that trades failed ({kind}): {failure.message}"


def _to_cause(doubt: Doubt) -> Cause:
    return Reason(doubt.reason), plain(doubt.message, DOUBT_MAX)


def _describe_gap(gap: JournalGap, bot: str) -> str:
    later = to_time(from_time(gap.time) + timedelta(seconds=1))
    other = "another " if gap.found == gap.recorded else ""
    return (
        f"the journal is at run {gap.found}, and {other}run {gap.recorded} was known: its volume "
        "or database was restored or replaced, and what was done in between is not in it. Restore "
        f"a newer copy, or go on with this one: kubectl patch bot {bot} --type merge "
        f"""-p '{{"spec":{{"risk":{{"resumeAfter":"{later}"}}}}}}'"""
    )
