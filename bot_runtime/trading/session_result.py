"""What a run that trades tells at its end: the state, and what keeps purchases away. Pure."""

from dataclasses import dataclass
from typing import Final

from bot_runtime.contract.traderesult import DOUBT_MAX, Doubt, DoubtReason, TradeResult
from bot_runtime.contract.trading import RuleName
from bot_runtime.journal.reading import Reader
from bot_runtime.market.candles import utc
from bot_runtime.trading.session_state import SessionState
from bot_runtime.trading.session_status import describe, standing, trading_status

_REASONS: Final[dict[RuleName, DoubtReason]] = {
    RuleName.DAILY_LOSS: "DailyLoss",
    RuleName.WEEKLY_LOSS: "WeeklyLoss",
    RuleName.DRAWDOWN: "Drawdown",
    RuleName.LOSS_STREAK: "LossStreak",
}
"""Limits that stop all symbols."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """What a run found beside candles and signals.

    Attributes:
        newest_ms: close of the newest candle by the exchange's clock.
        went_back: whether that is older than the newest settled one.
        room_is_short: whether the journal's volume has too little room to begin something new.
        has_signals: whether the inference has brought its signals.
        is_behind: whether a long pause is made good, and more candles are to come.
    """

    newest_ms: int
    went_back: bool
    room_is_short: bool
    has_signals: bool
    is_behind: bool = False


def result_of(
    state: SessionState, journal: Reader, settled_ms: int | None, doubts: Doubts
) -> TradeResult:
    """Return the result of a run after its rows were committed."""
    records = _records(settled_ms, doubts)
    entries = records or _entries(state, settled_ms, doubts)
    return TradeResult(
        state=trading_status(state, journal.identity, settled_ms, journal.last_equity()),
        actions=state.actions,
        entries=entries,
        records=records,
    )


def _records(settled_ms: int | None, doubts: Doubts) -> Doubt | None:
    if not doubts.went_back or settled_ms is None:
        return None
    text = (
        f"the exchange's newest candle closed at {utc(doubts.newest_ms)}, and one of "
        f"{utc(settled_ms)} is settled already; nothing is done until a newer one has closed: look "
        "at the exchange's clock, or move the journal away to begin anew"
    )
    return _doubt("CandleWentBack", text)


def _entries(state: SessionState, settled_ms: int | None, doubts: Doubts) -> Doubt | None:
    if doubts.room_is_short:
        text = "the journal's volume has less than 16 MiB free; make room, or let it grow"
        return _doubt("JournalUnavailable", f"{text}. What is open is settled all the same")
    for trip in standing(state, settled_ms or 0):
        if not trip.symbol:
            return _doubt(_REASONS[trip.limit], describe(trip))
    if doubts.is_behind:
        text = "a long pause is made good in several runs: nothing is bought until the newest"
        return _doubt("SignalMissing", f"{text} candle is reached, and what is open is settled")
    if not doubts.has_signals:
        text = "the inference brought no signal in time; see lastFailure. Nothing was bought on"
        return _doubt("SignalMissing", f"{text} this candle, and all else was done")
    return None


def _doubt(reason: DoubtReason, text: str) -> Doubt:
    return Doubt(reason=reason, message=text[:DOUBT_MAX])
