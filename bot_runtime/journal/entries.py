"""The rows of a journal, as the rest of the runtime speaks of them.

A candle is named by its close, `candle_ms`. Times are milliseconds UTC, money and quantities are
Decimal, words are those of the contract. Which run wrote a row is not said here: the journal adds
the run that is under way.
"""

from decimal import Decimal
from typing import NamedTuple

from bot_runtime.journal.order_entries import (
    FillRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    TradeRow,
)


class CandleRow(NamedTuple):
    """A candle, exactly as it was settled on."""

    symbol: str
    candle_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Rule(NamedTuple):
    """One rule of a decision: `value` was found, `threshold` asked for."""

    rule: str
    value: float
    threshold: float
    passed: bool


class DecisionRow(NamedTuple):
    """What was decided at a candle's close, or that nothing was.

    Attributes:
        outcome: Missed, NoSignal, or the word of the reason or of the rule that decided.
        side: the view; `share` of the equity that it asks for.
        prob_up, p10, p50, p90, risk_score, volatility: predictions, as the decision took them.
        reason, rules: stored where the outcome differs from the candle before or an order follows;
            None on other rows that are read.
    """

    symbol: str
    candle_ms: int
    outcome: str
    side: str | None = None
    share: float | None = None
    regime: str | None = None
    prob_up: float | None = None
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    risk_score: float | None = None
    volatility: float | None = None
    reason: str | None = None
    rules: tuple[Rule, ...] | None = None


class MarketRow(NamedTuple):
    """What a market takes, from a candle on; a row for every change."""

    symbol: str
    since_ms: int
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    min_notional: Decimal


class EquityRow(NamedTuple):
    """Cash and equity from a candle on; a row for every change."""

    candle_ms: int
    cash: Decimal
    equity: Decimal


class AccountRow(NamedTuple):
    """What the account knows from a candle on, as JSON; a row for every change."""

    candle_ms: int
    state: str


class LimitRow(NamedTuple):
    """A limit that tripped or was reset; `symbol` is None where it stops all of them."""

    limit: str
    event: str
    symbol: str | None
    value: float
    threshold: float
    at_ms: int
    resets_ms: int | None


class OutboxRow(NamedTuple):
    """A notification; `key` is the same for the same news.

    Attributes:
        created_ms: when that happened which it tells.
        sent_ms: None until it was sent; what is older than a day is sent no more.
    """

    key: str
    kind: str
    text: str
    created_ms: int
    sent_ms: int | None = None
    attempts: int = 0


class Rows(NamedTuple):
    """All that one run writes, beside its own row; each in the order in which it happened."""

    markets: tuple[MarketRow, ...] = ()
    candles: tuple[CandleRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    order_events: tuple[OrderEventRow, ...] = ()
    fills: tuple[FillRow, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    equity: tuple[EquityRow, ...] = ()
    accounts: tuple[AccountRow, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
