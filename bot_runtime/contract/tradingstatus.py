"""What a bot's trading has come to: the parts that its run's last message and its status share."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from bot_runtime.contract.base import Model, Number, Time
from bot_runtime.contract.trading import RuleName

POSITIONS_MAX: Final = 10
LIMITS_MAX: Final = 8
ACTIONS_MAX: Final = 4

Amount = Annotated[str, StringConstraints(max_length=40)]
"""An exact amount as text: no digit is lost on the way."""

OrderPurpose = Literal[
    "Entry", "Signal", "Time", "Stop", "Target", "Increase", "Decrease", "Removed"
]
"""Why something was bought or sold."""


class AccountStatus(Model):
    """The account, in the quote asset, at the close of the newest settled candle."""

    equity: Amount = Field(description="Cash and what is held at the last close.")
    cash: Amount = Field(description="What is not in positions.")
    exposure: Number = Field(description="Share of the equity that is in positions, 0 to 1.")
    peak: Amount = Field(description="Highest equity, from which maxDrawdown is measured.")
    day_start: Amount = Field(description="Equity at 00:00 UTC, for dailyLossCap.")
    week_start: Amount = Field(description="Equity at Monday 00:00 UTC, for weeklyLossCap.")


class PositionStatus(Model):
    """What is held of one symbol."""

    symbol: str = Field(max_length=41, description="Market that it is in.")
    quantity: Amount = Field(description="Quantity of the base asset.")
    entry_price: Amount = Field(description="Average price that was paid, fees included.")
    stop_price: Amount | None = Field(
        default=None, description="Price that sells it at a loss; unset: there is none."
    )
    target_price: Amount | None = Field(
        default=None, description="Price that sells it at a profit; unset: there is none."
    )
    opened_at: Time = Field(description="When it was opened.")


class ActionStatus(Model):
    """One purchase or sale."""

    order: str = Field(max_length=36, description="Client id of its order.")
    symbol: str = Field(max_length=41, description="Market that it was in.")
    purpose: OrderPurpose = Field(
        description=(
            "Entry and Increase buy. A sale is by Signal, Time (end of the holding time), Stop, "
            "Target, Decrease, or Removed (the symbol left the spec)."
        )
    )
    quantity: Amount = Field(description="Quantity of the base asset.")
    price: Amount = Field(description="Price in the quote asset.")
    time: Time = Field(description="Opening time of the candle that it was filled in.")
    profit: Amount | None = Field(
        default=None, description="Net profit of the trade that it closed, in the quote asset."
    )

    @property
    def is_purchase(self) -> bool:
        """Tell whether it was bought; else it was sold."""
        return self.purpose in {"Entry", "Increase"}


class LimitStatus(Model):
    """A limit that stands: nothing is bought until it resets. No limit stops an exit."""

    limit: RuleName = Field(description="Name of the limit.")
    symbol: str | None = Field(
        default=None, max_length=41, description="Market that it stands for; unset: all of them."
    )
    value: Number = Field(description="What was found.")
    threshold: Number = Field(description="What was allowed.")
    tripped_at: Time = Field(description="Close of the candle that tripped it.")
    resets_at: Time | None = Field(
        default=None, description="When it resets; unset: by risk.resumeAfter alone."
    )


class JournalStatus(Model):
    """The journal, as the newest run left it."""

    id: str = Field(max_length=36, description="Name that the journal was given when it began.")
    sequence: int = Field(ge=0, description="Number of the run; a restored copy has a lower one.")
    schema_version: str = Field(alias="schema", max_length=32, description="Version of its tables.")


class TotalsStatus(Model):
    """What the journal has counted since it began."""

    orders: int = Field(default=0, ge=0, description="How many orders were placed.")
    fills: int = Field(default=0, ge=0, description="How many purchases and sales there were.")
    trades: int = Field(default=0, ge=0, description="How many positions were closed.")
    missed: int = Field(default=0, ge=0, description="Candles that no run has decided on.")


class TradingStatus(Model):
    """What a bot's trading has come to."""

    settled_at: Time | None = Field(
        default=None, description="Close of the newest candle that is settled."
    )
    account: AccountStatus | None = Field(
        default=None, description="The account in the quote asset."
    )
    positions: tuple[PositionStatus, ...] = Field(
        default=(),
        max_length=POSITIONS_MAX,
        description="What is held, by symbol.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    limits: tuple[LimitStatus, ...] = Field(
        default=(),
        max_length=LIMITS_MAX,
        description="Limits that stand, those of all symbols first.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    last_action: ActionStatus | None = Field(
        default=None, description="The newest purchase or sale."
    )
    journal: JournalStatus | None = Field(
        default=None, description="The journal, as the newest run left it."
    )
    totals: TotalsStatus = Field(
        default_factory=TotalsStatus, description="What was counted since the journal began."
    )
