"""Where a paper account's orders are written down, with what becomes of them. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bot_runtime.contract.trading import REGIMES
from bot_runtime.contract.tradingstatus import OrderPurpose
from bot_runtime.journal.entries import MarketRow
from bot_runtime.journal.order_entries import FillRow, OrderEventRow, OrderRow
from bot_runtime.journal.reading import Reader
from bot_runtime.trading.ids import order_id, position_id
from bot_runtime.trading.orders import TERMINAL, Order, OrderState, Purpose
from bot_runtime.trading.positions import Fill, Trade
from bot_runtime.trading.precision import Market, to_decimal
from bot_runtime.trading.walk import Followed
from bot_runtime.trading.worked_orders import Worked

PURPOSES: Final[dict[Purpose, OrderPurpose]] = {
    Purpose.ENTRY: "Entry",
    Purpose.SIGNAL: "Signal",
    Purpose.TIME: "Time",
    Purpose.STOP: "Stop",
    Purpose.TARGET: "Target",
    Purpose.INCREASE: "Increase",
    Purpose.DECREASE: "Decrease",
    Purpose.REMOVED: "Removed",
}
UNKNOWN: Final = "UNKNOWN"
"""Regime of an order that no view asked for."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The orders of one run, or of many that are gone through again.

    Attributes:
        owner: digits of the journal in the ids of orders.
        quote: asset that money is counted in.
        source: the model of paper fills.
        markets, market_rows: of every symbol that is traded or held, and since when.
        before: markets as they were until now: what is removed is counted in their steps.
        since_ms: close of the first candle that is settled.
        newest_ms: close of the newest candle of a symbol that was settled before.
        journal: what was written before; None where nothing was.
    """

    owner: str
    quote: str
    interval_ms: int
    source: str
    markets: Mapping[str, Market]
    market_rows: Mapping[str, MarketRow]
    before: Mapping[str, Market]
    since_ms: int
    newest_ms: Mapping[str, int]
    journal: Reader | None = None
    orders: dict[str, OrderRow] = field(default_factory=dict)
    events: list[OrderEventRow] = field(default_factory=list)
    fills: list[tuple[OrderRow, FillRow]] = field(default_factory=list)
    _executed: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    """By order: what was filled of it, of the base asset and of the quote asset."""

    def note(self, followed: Followed) -> None:
        """Write down what became of orders at a candle, and what was ordered at its close."""
        for worked in followed.orders:
            self._work(worked)
        over = {(worked.symbol, worked.opened_ms) for worked in followed.orders if _is_over(worked)}
        for symbol, trade in followed.trades:
            if (symbol, trade.opened_ms) not in over:
                self._cancel_target(symbol, trade)
        for plan in followed.plans:
            if plan.action.order is not None:
                self._place(plan.symbol, plan.action.order, plan.opened_ms)

    def position_of(self, symbol: str, opened_ms: int) -> str:
        """Return the id of a position: its entry's.

        Dust that is left of one, and sold when its symbol is removed, is a position of its own: no
        entry opened it, so it has the id of that sale.
        """
        name = position_id(self.owner, symbol, opened_ms)
        if self._known(name) is not None:
            return name
        removal = Order(Purpose.REMOVED, 0, opened_ms, 0.0, -1)
        return order_id(self.owner, symbol, removal, opened_ms)

    def quantity(self, symbol: str, lots: int, purpose: Purpose) -> Decimal:
        """Return a quantity of the base asset."""
        markets = self.before if purpose is Purpose.REMOVED else self.markets
        return markets[symbol].quantity(lots)

    def _known(self, name: str) -> OrderRow | None:
        row = self.orders.get(name)
        return row if row is not None or self.journal is None else self.journal.order(name)

    def _place(self, symbol: str, order: Order, opened_ms: int) -> OrderRow:
        """Return an order as it was first written: now, where it is new."""
        name = order_id(self.owner, symbol, order, opened_ms)
        row = self._known(name)
        if row is not None:
            return row
        opens = order.purpose is Purpose.ENTRY
        row = self.orders[name] = OrderRow(
            client_order_id=name,
            position_id=name if opens else self.position_of(symbol, opened_ms),
            purpose=PURPOSES[order.purpose],
            symbol=symbol,
            quantity=self.quantity(symbol, order.lots, order.purpose),
            share=order.share,
            regime=regime_word(order.regime),
            stop=order.stop if order.stop < math.inf else None,
            target=order.target if order.target < math.inf else None,
            holding_ms=order.holding_ms,
            candle_ms=order.placed_ms,
        )
        self._tell(row, order.placed_ms, OrderState.OPEN)
        return row

    def _work(self, worked: Worked) -> None:
        """Write down what became of an order at a candle."""
        row = self._place(worked.symbol, worked.order, worked.opened_ms)
        if worked.fill is not None:
            fill = self._filled(row, worked.fill)
            base, quote = self._executed_of(row)
            self._executed[row.client_order_id] = (
                base + fill.quantity,
                quote + fill.quote_quantity,
            )
            self.fills.append((row, fill))
        if worked.fill is not None or worked.state in TERMINAL:
            self._tell(row, worked.at_ms, worked.state)

    def _cancel_target(self, symbol: str, trade: Trade) -> None:
        """Write down that a target works no more that was filled in part, or refused, before."""
        target = Order(Purpose.TARGET, 0, trade.closed_ms, 0.0, trade.regime)
        row = self._known(order_id(self.owner, symbol, target, trade.opened_ms))
        if row is not None:
            self._tell(row, trade.closed_ms, OrderState.CANCELLED)

    def _filled(self, row: OrderRow, fill: Fill) -> FillRow:
        market, symbol = self.markets[row.symbol], row.symbol
        price, fee = market.price(fill.ticks), to_decimal(fill.fee)
        close_ms = fill.at_ms + self.interval_ms
        return FillRow(
            symbol=symbol,
            trade_id=f"{row.client_order_id}-{fill.at_ms}",
            client_order_id=row.client_order_id,
            side="BUY" if fill.purpose.is_buy else "SELL",
            price=price,
            quantity=self.quantity(symbol, fill.lots, fill.purpose),
            quote_quantity=to_decimal(market.notional(fill.lots, fill.ticks)),
            fee=fee,
            fee_asset=self.quote,
            fee_quote=fee,
            maker=fill.purpose is Purpose.TARGET,
            model_price=price,
            at_ms=fill.at_ms,
            candle_ms=self.newest_ms[symbol] if fill.purpose is Purpose.REMOVED else close_ms,
            market_ms=self.market_rows[symbol].since_ms,
        )

    def _executed_of(self, row: OrderRow) -> tuple[Decimal, Decimal]:
        name = row.client_order_id
        if name not in self._executed:
            is_new = self.journal is None or name in self.orders
            earlier = [] if is_new or self.journal is None else self.journal.fills_of(name)
            self._executed[name] = (
                sum((fill.quantity for fill in earlier), Decimal(0)),
                sum((fill.quote_quantity for fill in earlier), Decimal(0)),
            )
        return self._executed[name]

    def _tell(self, row: OrderRow, at_ms: int, state: OrderState) -> None:
        """Write down where an order stands."""
        told = row.client_order_id, at_ms, state.value, *self._executed_of(row)
        self.events.append(OrderEventRow(*told, self.source))


def _is_over(worked: Worked) -> bool:
    """Tell whether a target has come to its end in a candle."""
    return worked.order.purpose is Purpose.TARGET and worked.state in TERMINAL


def regime_word(regime: int) -> str:
    """Return a regime by its position in REGIMES; UNKNOWN where it is -1."""
    return REGIMES[regime] if regime >= 0 else UNKNOWN
