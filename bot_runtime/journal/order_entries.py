"""The rows of orders and of what came of them, as the rest of the runtime speaks of them."""

from decimal import Decimal
from typing import NamedTuple


class OrderRow(NamedTuple):
    """An order that was decided on at the close of `candle_ms`.

    Attributes:
        position_id: client order id of the entry that opened the position.
        stop, target: distances, shares of the entry's price; None where there is none.
        holding_ms: 0 where the position is held for as long as the views ask for it.
    """

    client_order_id: str
    position_id: str
    purpose: str
    symbol: str
    quantity: Decimal
    share: float
    regime: str
    stop: float | None
    target: float | None
    holding_ms: int
    candle_ms: int


class OrderEventRow(NamedTuple):
    """What was told of an order: its state, and what was executed by then."""

    client_order_id: str
    at_ms: int
    state: str
    executed: Decimal
    quote_executed: Decimal
    source: str
    code: str | None = None
    text: str | None = None


class FillRow(NamedTuple):
    """A quantity that was bought or sold.

    Attributes:
        model_price: what the fill model says; the price itself on paper.
        candle_ms: the candle it was filled in.
        market_ms: since when the market took what it took then.
    """

    symbol: str
    trade_id: str
    client_order_id: str
    side: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_quote: Decimal
    maker: bool
    model_price: Decimal
    at_ms: int
    candle_ms: int
    market_ms: int


class LedgerRow(NamedTuple):
    """What a fill or an adjustment brings of an asset; negative where it takes."""

    source: str
    asset: str
    delta: Decimal


class TradeRow(NamedTuple):
    """A position that was closed; `paid`, `received` and `profit` are net of fees."""

    position_id: str
    symbol: str
    opened_ms: int
    closed_ms: int
    quantity: Decimal
    paid: Decimal
    received: Decimal
    fees: Decimal
    profit: Decimal
    reason: str
    candles: int
    regime: str
