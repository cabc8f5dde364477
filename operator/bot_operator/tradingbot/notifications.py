"""Whether people are told of what a bot does, and why not where its spec asks for it. Pure.

What keeps messages away keeps no purchase away. So it stands behind what TradingAllowed says.
"""

from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.plans import Note
from bot_operator.signs.credentials import find_fault
from bot_operator.tradingbot.findings import Context
from bot_operator.tradingbot.trades import TradesVerdict
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Condition, Reason
from bot_runtime.contract.traderesult import NO_MESSAGES

_MARK = f"; {NO_MESSAGES}"


def secret_of_messages(context: Context) -> str | None:
    """Return the secret to mount; None where none is named, or what is named cannot be used."""
    return None if _find_fault(context) is not None else context.spec.notifications.secret


def is_secret_faulty(context: Context) -> bool:
    """Tell whether a secret is named that cannot be used."""
    return _find_fault(context) is not None


def with_silence(message: str, context: Context, trades: TradesVerdict) -> str:
    """Return what is said of trading, and behind it why no messages are sent, if none are.

    `message` may be what was said before: then what stood behind it is the last that was known.
    """
    bare, _, known = message.partition(_MARK)
    if context.spec.notifications.secret is None:
        return bare
    told = known if trades.result is None else trades.silence
    why = _find_fault(context) or told
    return f"{bare}{_MARK}{why}" if why else bare


def notes_of_silence(conditions: ConditionSet) -> tuple[Note, ...]:
    """Return an Event where it has become known that no messages are sent, or for another cause."""
    before, now = conditions.before(Kind.TRADING_ALLOWED), conditions.get(Kind.TRADING_ALLOWED)
    why = _silence_of(now)
    if not why or (before is not None and why == _silence_of(before)):
        return ()
    return (Note("Warning", Reason.NOTIFICATIONS_UNAVAILABLE, f"{NO_MESSAGES}{why}"),)


def _find_fault(context: Context) -> str | None:
    return find_fault(context.seen.telegram_secret, context.namespace)


def _silence_of(condition: Condition) -> str:
    return condition.message.partition(_MARK)[2]
