"""What of a bot's trading is news, and what its status tells of it. Pure."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from bot_operator.api.resources import from_time, to_time
from bot_operator.signs.termination_messages import plain
from bot_operator.tradingbot.findings import Context
from bot_operator.tradingbot.trades import TradesVerdict
from bot_runtime.contract.status import POSITION_TEXT_MAX, JournalGap, TradingBotStatus
from bot_runtime.contract.tradingstatus import ActionStatus, LimitStatus, TradingStatus

EQUITY_STEP = Decimal("0.001")
"""Share by which an equity moves before that alone is news."""
_EQUITY_DIGITS = 6


def find_gap(context: Context, trades: TradesVerdict) -> JournalGap | None:
    """Return what the journal lacks of what was known of it.

    It stands until the journal has passed what was known, or somebody accepts it by a
    `risk.resumeAfter` that is later than when it was found.
    """
    before, gap = context.before, context.before.journal_gap
    accepted = context.spec.risk.resume_after
    if gap is not None and accepted is not None and from_time(accepted) > from_time(gap.time):
        gap = None
    state = None if trades.result is None else trades.result.state
    if state is None or state.journal is None:
        return gap
    found = state.journal.sequence
    if gap is not None:
        return gap if found <= gap.recorded else None
    known = before.trading
    if known is None or known.journal is None:
        return None
    recorded = known.journal.sequence
    # What has lost its last run alone gives the same number to the next one.
    is_same = found == recorded and state.settled_at == known.settled_at
    if found > recorded or is_same:
        return None
    return JournalGap(recorded=recorded, found=found, time=to_time(context.now))


def without_noise(status: TradingBotStatus, before: TradingBotStatus) -> TradingBotStatus:
    """Return the status with the trading as it stood, where nothing in it is worth a write.

    Every run settles another candle. Where something else is written, that is told along with it.
    """
    found = status.trading
    if found is None or found == before.trading or _is_news(before.trading, found):
        return status
    same = {"trading": before.trading, "equity": before.equity, "position": before.position}
    calm = status.model_copy(update=same)
    return calm if calm.to_json() == before.to_json() else status


def equity_text(trading: TradingStatus) -> str | None:
    """Return the equity for a column: six significant digits."""
    equity = None if trading.account is None else _to_number(trading.account.equity)
    if equity is None:
        return None
    rounded = Decimal(f"{equity:.{_EQUITY_DIGITS}g}")
    return f"{rounded:f}"[:24]


def position_text(trading: TradingStatus) -> str:
    """Return what is held for a column."""
    held = [f"{p.symbol} {p.quantity}" for p in trading.positions]
    return plain(", ".join(held) or "flat", POSITION_TEXT_MAX)


def new_actions(
    before: TradingStatus | None, trades: TradesVerdict, since: datetime
) -> tuple[ActionStatus, ...]:
    """Return the purchases and sales that the status does not tell of yet, oldest first.

    A bot of which nothing was known has those of candles that open at `since` or later: a journal
    on a claim that was kept has older ones.
    """
    if trades.result is None:
        return ()
    last = trades.result.state.last_action
    told = trades.result.actions or (() if last is None else (last,))
    known = None if before is None else before.last_action
    if known in told:
        return told[told.index(known) + 1 :]
    after = since if known is None else from_time(known.time)
    return tuple(action for action in told if from_time(action.time) >= after)


def changed_limits(
    before: TradingStatus | None, trades: TradesVerdict
) -> tuple[tuple[LimitStatus, ...], tuple[LimitStatus, ...]]:
    """Return the limits that have tripped since the status, and those that stand no more."""
    if trades.result is None:
        return (), ()
    stood = {_name(limit): limit for limit in (() if before is None else before.limits)}
    stand = {_name(limit): limit for limit in trades.result.state.limits}
    tripped = tuple(limit for name, limit in stand.items() if name not in stood)
    reset = tuple(limit for name, limit in stood.items() if name not in stand)
    return tripped, reset


def _name(limit: LimitStatus) -> tuple[str, str | None, str]:
    return limit.limit, limit.symbol, limit.tripped_at


def _is_news(before: TradingStatus | None, found: TradingStatus) -> bool:
    if before is None or _loud_part(before) != _loud_part(found):
        return True
    if before.account is None or found.account is None:
        return before.account != found.account
    was, now = _to_number(before.account.equity), _to_number(found.account.equity)
    if was is None or now is None:
        return before.account.equity != found.account.equity
    return abs(now - was) >= EQUITY_STEP * abs(was) and now != was


def _loud_part(trading: TradingStatus) -> TradingStatus:
    """Return the trading without what every run changes."""
    journal = trading.journal
    return trading.model_copy(
        update={
            "settled_at": None,
            "account": None,
            "journal": None if journal is None else journal.model_copy(update={"sequence": 0}),
            "limits": tuple(limit.model_copy(update={"value": ""}) for limit in trading.limits),
        }
    )


def _to_number(text: str) -> Decimal | None:
    """Return an amount as a number; None for what is none: messages come from outside."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
