"""What the run that trades tells: states, never differences, so that no message is missed."""

from typing import Final, Literal

from pydantic import Field

from bot_runtime.contract.base import Model
from bot_runtime.contract.tradingstatus import ACTIONS_MAX, ActionStatus, TradingStatus

DOUBT_MAX: Final = 300
NO_MESSAGES: Final = "no messages: "
"""How a run's warning begins that says why nobody can be told of what it does."""

DoubtReason = Literal[
    "DailyLoss",
    "WeeklyLoss",
    "Drawdown",
    "LossStreak",
    "SignalMissing",
    "JournalUnavailable",
    "CandleWentBack",
]
"""Why nothing may be bought, or why the journal cannot be believed."""


class Doubt(Model):
    """Why a condition of trading does not hold."""

    reason: DoubtReason
    message: str = Field(max_length=DOUBT_MAX)


class TradeResult(Model):
    """What came of one candle.

    Attributes:
        state: of the account, as the status shows it.
        actions: the newest purchases and sales, oldest first; the last is the state's.
        entries: why nothing may be bought; None where something may.
        records: why the journal cannot be believed; None where it can.
    """

    state: TradingStatus
    actions: tuple[ActionStatus, ...] = Field(default=(), max_length=ACTIONS_MAX)
    entries: Doubt | None = None
    records: Doubt | None = None
