"""What came of a part of a paper account's walk, as rows of its journal. Pure."""

from collections.abc import Iterable, Iterator

from bot_runtime.contract.assets import base_of
from bot_runtime.journal.entries import LimitRow
from bot_runtime.journal.order_entries import LedgerRow, TradeRow
from bot_runtime.trading.changed_settings import Adjustment
from bot_runtime.trading.positions import Trade
from bot_runtime.trading.precision import to_decimal
from bot_runtime.trading.session_desk import PURPOSES, Desk, regime_word
from bot_runtime.trading.trips import FOREVER, Trip
from bot_runtime.trading.walk import Followed


def ledger_of(
    desk: Desk, given: Iterable[Adjustment], parts: Iterable[Followed]
) -> Iterator[LedgerRow]:
    """Yield what every fill and every change of settings brings of an asset, or takes.

    A run changes settings once, before its first candle, of which the changes have their name.
    """
    for change in (*given, *(change for part in parts for change in part.adjusted)):
        asset = base_of(change.symbol) if change.symbol else desk.quote
        what = change.symbol or "capital"
        yield LedgerRow(f"adjustment {what} {desk.since_ms}", asset, change.amount)
    for _, fill in desk.fills:
        sign = 1 if fill.side == "BUY" else -1
        yield LedgerRow(fill.trade_id, base_of(fill.symbol), sign * fill.quantity)
        yield LedgerRow(fill.trade_id, desk.quote, -sign * fill.quote_quantity - fill.fee)


def trades_of(desk: Desk, trades: Iterable[tuple[str, Trade]]) -> Iterator[TradeRow]:
    """Yield the positions that were closed."""
    for symbol, trade in trades:
        yield TradeRow(
            position_id=desk.position_of(symbol, trade.opened_ms),
            symbol=symbol,
            opened_ms=trade.opened_ms,
            closed_ms=trade.closed_ms,
            quantity=desk.quantity(symbol, trade.lots, trade.purpose),
            paid=to_decimal(trade.paid),
            received=to_decimal(trade.received),
            fees=to_decimal(trade.fees),
            profit=to_decimal(trade.profit),
            reason=PURPOSES[trade.purpose],
            candles=(trade.closed_ms - trade.opened_ms) // desk.interval_ms,
            regime=regime_word(trade.regime),
        )


def limits_of(trips: Iterable[Trip], resets: Iterable[Trip]) -> Iterator[LimitRow]:
    """Yield the limits that have tripped and those that were reset, as they happened."""
    rows = [_limit(trip, "Tripped", trip.at_ms) for trip in trips]
    rows += [_limit(trip, "Reset", trip.resets_ms) for trip in resets]
    yield from sorted(rows, key=lambda row: row.at_ms)


def _limit(trip: Trip, event: str, at_ms: int) -> LimitRow:
    resets_ms = None if trip.resets_ms == FOREVER else trip.resets_ms
    symbol = trip.symbol or None
    return LimitRow(trip.limit, event, symbol, trip.value, trip.threshold, at_ms, resets_ms)
