"""What a journal keeps of a paper account between two runs, beside its rows."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from bot_runtime.contract.explanations import explain_first
from bot_runtime.contract.tradingstatus import ACTIONS_MAX, ActionStatus, TotalsStatus
from bot_runtime.journal.reading import Reader
from bot_runtime.market.candles import utc
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.trading.account_state import AccountState


class SessionState(BaseModel):
    """The account, what was counted since the journal began, and what was done last.

    Attributes:
        account: None before the first candle.
        actions: the newest purchases and sales, oldest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: AccountState | None = None
    totals: TotalsStatus = TotalsStatus()
    actions: tuple[ActionStatus, ...] = ()

    @classmethod
    def of(cls, journal: Reader) -> "SessionState":
        """Return the state that a journal keeps; that before the first candle where it has none.

        Raises ConfigurationError where this release cannot read it.
        """
        row = journal.last_state()
        try:
            return cls() if row is None else cls.model_validate_json(row.state)
        except ValidationError as e:
            at = utc(row.candle_ms) if row is not None else ""
            raise ConfigurationError(
                f"journal: the account's state of {at} is not one of this release: "
                f"{explain_first(e, whole='state')}; run the image that wrote it or a newer one"
            ) from e

    def to_text(self) -> str:
        """Return the state as JSON: the same text for the same state."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)

    def after(
        self, account: AccountState, counted: TotalsStatus, actions: Sequence[ActionStatus]
    ) -> "SessionState":
        """Return the state after a run that has counted and done this much more."""
        more = counted.model_dump()
        totals = {name: n + more[name] for name, n in self.totals.model_dump().items()}
        newest = (*self.actions, *actions)[-ACTIONS_MAX:]
        return SessionState(account=account, totals=TotalsStatus(**totals), actions=newest)
