"""What is told of a bot's trading as Events: purchases, sales, limits that trip and reset. Pure."""

from datetime import timedelta

from bot_operator.api.resources import from_time
from bot_operator.planning.plans import Note, Weight
from bot_operator.signs.termination_messages import plain
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.trading_news import changed_limits, new_actions
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.failures import MESSAGE_MAX
from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.trading_words import tell_action, tell_reset, tell_tripped
from bot_runtime.contract.tradingstatus import ActionStatus, LimitStatus


def notes_of_trading(context: Context, found: Findings) -> tuple[Note, ...]:
    """Return what the newest run that trades has done and the status does not tell yet."""
    before, trades = context.before.trading, found.inference.trades
    created = from_time(str(context.owner["metadata"]["creationTimestamp"]))
    # The candle in which the bot was made may fill its first order: times are those of its opening.
    since = created - timedelta(seconds=seconds_of(context.spec.timeframe))
    tripped, reset = changed_limits(before, trades)
    return (
        *map(_tell_action, new_actions(before, trades, since)),
        *map(_tell_tripped, tripped),
        *map(_tell_reset, reset),
    )


def _tell_action(action: ActionStatus) -> Note:
    if action.is_purchase:
        return _note("Normal", Reason.ENTRY_FILLED, tell_action(action))
    reason = Reason.STOP_HIT if action.purpose == "Stop" else Reason.EXIT_FILLED
    return _note("Normal", reason, tell_action(action))


def _tell_tripped(limit: LimitStatus) -> Note:
    return _note("Warning", Reason.LIMIT_TRIPPED, tell_tripped(limit))


def _tell_reset(limit: LimitStatus) -> Note:
    return _note("Normal", Reason.LIMIT_RESET, tell_reset(limit))


def _note(kind: Weight, reason: Reason, text: str) -> Note:
    return Note(kind, reason, plain(text, MESSAGE_MAX))
