"""Why a decision was taken: the rows that belong to one candle of one symbol."""

from typing import NamedTuple

from sqlalchemy import select

from bot_runtime.journal.entries import CandleRow, DecisionRow, LimitRow
from bot_runtime.journal.order_entries import FillRow, OrderEventRow, OrderRow, TradeRow
from bot_runtime.journal.order_tables import order_events, orders, trades
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.row_coding import query_of, sorted_query_of
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.journal.tables import candles, explanations, limits, runs


class Followed(NamedTuple):
    """An order and what came of it; `trade` is its position, where that is closed."""

    order: OrderRow
    events: tuple[OrderEventRow, ...]
    fills: tuple[FillRow, ...]
    trade: TradeRow | None


class Why(NamedTuple):
    """One decision with all that stood around it.

    Attributes:
        decision: None where the candle was settled and nothing was asked.
        told: the decision that was last explained, up to this one.
        configuration: the run configuration, JSON.
        limits: those that stood at the candle's close.
    """

    candle: CandleRow
    decision: DecisionRow | None
    told: DecisionRow | None
    run: RunRow
    configuration: str
    orders: tuple[Followed, ...]
    limits: tuple[LimitRow, ...]


def why(reader: Reader, symbol: str, at_ms: int) -> Why | None:
    """Return the first candle of a symbol that closed at a time or after it; None after the last.

    Raises StoreUnavailableError where the volume does not give the journal.
    """
    of_symbol = candles.c.symbol == reader.number_of(symbol)
    later = sorted_query_of(CandleRow).where(of_symbol, candles.c.candle_ms >= at_ms)
    candle = next(reader.read(CandleRow, later.limit(1)), None)
    if candle is None:
        return None
    at_ms = candle.candle_ms
    this = of_symbol & (candles.c.candle_ms == at_ms)
    run_id = select(candles.c.run_id).where(this).scalar_subquery()
    run = next(reader.read(RunRow, query_of(RunRow).where(runs.c.run_id == run_id)))
    explained = query_of(DecisionRow).where(of_symbol, explanations.c.candle_ms <= at_ms)
    explained = explained.order_by(candles.c.candle_ms.desc()).limit(1)
    return Why(
        candle=candle,
        decision=reader.decided(symbol, at_ms),
        told=next(reader.read(DecisionRow, explained), None),
        run=run,
        configuration=reader.configuration(run.run_digest),
        orders=tuple(_orders(reader, symbol, at_ms)),
        limits=tuple(_standing(reader, symbol, at_ms)),
    )


def _orders(reader: Reader, symbol: str, at_ms: int) -> list[Followed]:
    placed = (orders.c.symbol == reader.number_of(symbol)) & (orders.c.candle_ms == at_ms)
    found = []
    for order in list(reader.read(OrderRow, sorted_query_of(OrderRow).where(placed))):
        own = order.client_order_id
        told = sorted_query_of(OrderEventRow).where(order_events.c.client_order_id == own)
        closed = query_of(TradeRow).where(trades.c.position_id == order.position_id)
        events = tuple(reader.read(OrderEventRow, told))
        trade = next(reader.read(TradeRow, closed), None)
        found.append(Followed(order, events, tuple(reader.fills_of(own)), trade))
    return found


def _standing(reader: Reader, symbol: str, at_ms: int) -> list[LimitRow]:
    """Return the limits that stopped a symbol's entries at a time."""
    standing: dict[tuple[str, str | None], LimitRow] = {}
    for row in reader.read(LimitRow, sorted_query_of(LimitRow).where(limits.c.at_ms <= at_ms)):
        standing.pop((row.limit, row.symbol), None)
        if row.event == "Tripped" and (row.resets_ms is None or row.resets_ms > at_ms):
            standing[row.limit, row.symbol] = row
    return [row for row in standing.values() if row.symbol in (None, symbol)]
