"""The rows that a journal should have, by its own candles, filters, settings and predictions."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from bot_runtime.arrays import Times, Values
from bot_runtime.backtest.replay import Replayed, replay
from bot_runtime.journal.entries import LimitRow
from bot_runtime.journal.order_entries import LedgerRow, TradeRow
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.run_entries import Identity
from bot_runtime.trading.account_state import AccountState
from bot_runtime.trading.changed_settings import Adjustment
from bot_runtime.trading.ids import owner_of
from bot_runtime.trading.rule_results import binding
from bot_runtime.trading.session_desk import Desk
from bot_runtime.trading.session_markets import market_of_row
from bot_runtime.trading.session_rows import ledger_of, limits_of, trades_of
from bot_runtime.trading.walk import Followed


class DecidedAgain(NamedTuple):
    """What the predictions of a decision make of it.

    Attributes:
        refused_by: rule that kept away what the view asked for; None where none did.
    """

    symbol: str
    candle_ms: int
    side: str
    share: float
    refused_by: str | None


class Marks(NamedTuple):
    """Cash and equity after every candle, (n,), each the float nearest to what they are."""

    close_ms: Times
    cash: Values
    equity: Values


@dataclass(slots=True)
class RowsAgain:
    """What a journal should have; what happened is in the order in which it did.

    Attributes:
        desk: has the orders, their events and fills.
        account: what the account knows after the last candle; None before the first.
    """

    identity: Identity
    desk: Desk | None = None
    decisions: list[DecidedAgain] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    trades: list[TradeRow] = field(default_factory=list)
    limits: list[LimitRow] = field(default_factory=list)
    account: AccountState | None = None
    _marks: list[Marks] = field(default_factory=list)

    @property
    def marks(self) -> Marks:
        """Return cash and equity of all candles."""
        columns = zip(*self._marks, strict=True) if self._marks else ([], [], [])
        return Marks(*(np.concatenate([np.empty(0, np.int64), *parts]) for parts in columns))

    def add(self, part: Replayed) -> None:
        """Write down what a stretch came to."""
        desk, followed = self._desk(part), part.followed
        filled = len(desk.fills)
        desk.note(followed)
        new = replace(desk, fills=desk.fills[filled:])
        self.ledger += ledger_of(new, self._given(part), [followed])
        self.trades += trades_of(desk, followed.trades)
        self.limits += limits_of(followed.trips, followed.resets)
        self.decisions += _decided(part)
        self._marks.append(Marks(followed.close_ms, followed.cash, followed.equity))
        self.desk, self.account = desk, part.state

    def _given(self, part: Replayed) -> tuple[Adjustment, ...]:
        """Return what the account was given where it began."""
        if self.account is not None:
            return ()
        capital = Decimal(part.strategy.settings.capital)
        return (Adjustment(part.stretch.begin_ms, "", capital),)

    def _desk(self, part: Replayed) -> Desk:
        """Return the desk of a stretch; what was written down before lies on it."""
        stretch, costs = part.stretch, part.strategy.costs
        markets = {s: market_of_row(row, costs) for s, row in stretch.markets.items()}
        of_stretch: dict[str, Any] = {
            "interval_ms": part.strategy.interval_ms,
            "source": stretch.configuration.execution.paper_fills,
            "markets": markets,
            "market_rows": stretch.markets,
            "before": {} if self.desk is None else self.desk.markets,
            "since_ms": stretch.begin_ms,
            "newest_ms": part.newest_ms,
        }
        if self.desk is not None:
            return replace(self.desk, **of_stretch)
        owner, quote = owner_of(self.identity.journal_id), self.identity.owner.quote
        return Desk(owner=owner, quote=quote, **of_stretch)


def rows_again(journal: Reader) -> RowsAgain:
    """Return the rows that a journal should have."""
    rows = RowsAgain(journal.identity)
    for part in replay(journal):
        rows.add(part)
    return rows


def _decided(part: Replayed) -> Iterator[DecidedAgain]:
    refused = _refused(part.followed)
    for symbol, decisions in part.decisions.items():
        views = part.views[symbol]
        for row, decision in enumerate(decisions):
            at = symbol, decision.candle_ms
            yield DecidedAgain(*at, views.decision(row), float(views.share[row]), refused.get(at))


def _refused(followed: Followed) -> dict[tuple[str, int], str]:
    """Return by which rule plans were refused, by symbol and candle."""
    bound = ((plan.symbol, plan.close_ms, binding(plan.action.rules)) for plan in followed.plans)
    return {(symbol, at_ms): str(rule.rule) for symbol, at_ms, rule in bound if rule is not None}
