"""What a paper account's run tells of itself: the state as a bot's status shows it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from bot_runtime.contract.tradingstatus import (
    LIMITS_MAX,
    AccountStatus,
    ActionStatus,
    JournalStatus,
    LimitStatus,
    OrderPurpose,
    PositionStatus,
    TradingStatus,
)
from bot_runtime.journal.entries import EquityRow
from bot_runtime.journal.order_entries import FillRow, OrderRow, TradeRow
from bot_runtime.journal.run_entries import Identity
from bot_runtime.market.candles import utc
from bot_runtime.trading.account_state import BookState
from bot_runtime.trading.positions import NEVER
from bot_runtime.trading.precision import to_decimal
from bot_runtime.trading.session_state import SessionState
from bot_runtime.trading.trips import FOREVER, Trip

DIGITS: Final = 8
"""Behind the point, of what is told; the journal has all of them."""


def trading_status(
    state: SessionState, identity: Identity, settled_ms: int | None, equity: EquityRow | None
) -> TradingStatus:
    """Return the state of an account whose newest candle closed at `settled_ms`.

    Before the first candle there is a journal and nothing else.
    """
    journal = JournalStatus(
        id=identity.journal_id, sequence=identity.sequence, schema_version=identity.schema
    )
    account = state.account
    if account is None or equity is None or settled_ms is None:
        return TradingStatus(journal=journal)
    limits = account.limits
    invested = 1 - equity.cash / equity.equity if equity.equity > 0 else Decimal(0)
    return TradingStatus(
        settled_at=utc(settled_ms),
        account=AccountStatus(
            equity=amount_text(equity.equity),
            cash=amount_text(equity.cash),
            exposure=f"{invested:.6g}",
            peak=amount_text(to_decimal(limits.peak)),
            day_start=amount_text(to_decimal(limits.day)),
            week_start=amount_text(to_decimal(limits.week)),
        ),
        positions=tuple(_positions(account.books)),
        limits=tuple(map(limit_of, standing(state, settled_ms)))[:LIMITS_MAX],
        last_action=state.actions[-1] if state.actions else None,
        journal=journal,
        totals=state.totals,
    )


def standing(state: SessionState, at_ms: int) -> list[Trip]:
    """Return the limits that stand at a time, those of all symbols first."""
    if state.account is None:
        return []
    trips = state.account.limits.standing_at(at_ms)
    return sorted(trips, key=lambda trip: (trip.symbol, trip.at_ms))


def describe(trip: Trip) -> str:
    """Return what a limit that stands has found, and when it resets."""
    if trip.resets_ms == FOREVER:
        until = "set risk.resumeAfter to a time to go on from it"
    else:
        until = f"it resets at {utc(trip.resets_ms)}"
    found = f"found {trip.value:.4g}, allowed is {trip.threshold:.4g}"
    return f"{trip.limit} tripped at {utc(trip.at_ms)}: {found}; {until}; exits go on"


def action_of(order: OrderRow, fill: FillRow, trades: Sequence[TradeRow]) -> ActionStatus:
    """Return a purchase or a sale, with the profit of the trade that it closed."""
    closed = (
        trade.profit
        for trade in trades
        if fill.side == "SELL" and (trade.symbol, trade.closed_ms) == (fill.symbol, fill.at_ms)
    )
    profit = next(closed, None)
    return ActionStatus(
        order=order.client_order_id,
        symbol=fill.symbol,
        purpose=cast("OrderPurpose", order.purpose),
        quantity=amount_text(fill.quantity),
        price=amount_text(fill.price),
        time=utc(fill.at_ms),
        profit=None if profit is None else amount_text(profit),
    )


def _positions(books: Mapping[str, BookState]) -> Iterator[PositionStatus]:
    for symbol, held in sorted(books.items()):
        position = held.position
        if position is None:
            continue
        bought = position.bought * held.lot
        yield PositionStatus(
            symbol=symbol,
            quantity=amount_text(position.lots * held.lot),
            entry_price=amount_text(to_decimal(position.paid) / bought),
            stop_price=amount_text(position.stop * held.tick) if position.stop else None,
            target_price=(
                None if position.target == NEVER else amount_text(position.target * held.tick)
            ),
            opened_at=utc(position.opened_ms),
        )


def limit_of(trip: Trip) -> LimitStatus:
    """Return a limit that has tripped, as a status shows it."""
    return LimitStatus(
        limit=trip.limit,
        symbol=trip.symbol or None,
        value=f"{trip.value:.6g}",
        threshold=f"{trip.threshold:.6g}",
        tripped_at=utc(trip.at_ms),
        resets_at=None if trip.resets_ms == FOREVER else utc(trip.resets_ms),
    )


def amount_text(amount: Decimal) -> str:
    """Return an amount as people read it: without an exponent, 8 decimals at most."""
    text = f"{round(amount, DIGITS):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
