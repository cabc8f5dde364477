"""What a paper account has come to, in words: one block of lines, or one line a candle."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.contract.tradingstatus import ActionStatus, LimitStatus, PositionStatus
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.last_run import LastRun
from bot_runtime.journal.order_entries import FillRow, TradeRow
from bot_runtime.trading.session_decisions import MISSED

_PLAIN: Final = 100
"""From this amount on two decimals are enough for people."""


def account_lines(result: TradeResult, quote: str) -> Iterator[tuple[str, str]]:
    """Yield a heading and a text for each thing that is to be known of an account."""
    state = result.state
    if state.account is None:
        yield "account", "no candle is settled yet"
    else:
        equity, cash = (rounded(text) for text in (state.account.equity, state.account.cash))
        invested = f"{float(state.account.exposure):.1%} invested"
        yield "equity", f"{equity} {quote}, cash {cash}, {invested}, at {state.settled_at}"
        held = [_position(position) for position in state.positions]
        yield from (("position", text) for text in held or ["none"])
        if state.last_action is not None:
            yield "last", _action(state.last_action, quote)
        yield from (("limit", _limit(limit)) for limit in state.limits)
    yield from doubts(result)


def doubts(result: TradeResult) -> Iterator[tuple[str, str]]:
    """Yield why nothing is bought, and why the journal cannot be believed."""
    if result.records is not None:
        yield "journal", f"{result.records.reason}: {result.records.message}"
    if result.entries is not None and result.entries != result.records:
        yield "no entry", f"{result.entries.reason}: {result.entries.message}"


def candle_line(run: LastRun, result: TradeResult, quote: str) -> str:
    """Return what one run has come to: equity, what was filled, what was decided and why."""
    account, settled = result.state.account, result.state.settled_at
    equity = "no candle is settled yet" if account is None else f"{rounded(account.equity)} {quote}"
    closed = {(trade.symbol, trade.closed_ms): trade for trade in run.trades}
    parts = [
        *_missed(run.decisions),
        *(_fill(fill, closed.get((fill.symbol, fill.at_ms))) for fill in run.fills),
        *(_decision(row) for row in _newest(run.decisions)),
        *_ordered(run),
    ]
    return f"{settled or '-'}  {equity}  {'; '.join(parts) or 'this candle is settled already'}"


def rounded(amount: str | Decimal) -> str:
    """Return an amount as people read it: of a large one two decimals."""
    exact = Decimal(amount)
    return f"{exact:.2f}" if abs(exact) >= _PLAIN else f"{exact:f}"


def _position(held: PositionStatus) -> str:
    bounds = {"stop": held.stop_price, "target": held.target_price}
    told = "".join(f", {name} {price}" for name, price in bounds.items() if price is not None)
    bought = f"{held.quantity} bought at {rounded(held.entry_price)}"
    return f"{held.symbol} {bought}{told}, since {held.opened_at}"


def _action(action: ActionStatus, quote: str) -> str:
    verb = "bought" if action.is_purchase else "sold"
    profit = "" if action.profit is None else f", profit {action.profit} {quote}"
    done = f"{verb} {action.quantity} at {action.price} ({action.purpose})"
    return f"{action.symbol} {done} at {action.time}{profit}"


def _limit(limit: LimitStatus) -> str:
    whose = f" of {limit.symbol}" if limit.symbol else ""
    until = (
        f"resets at {limit.resets_at}" if limit.resets_at else "resets by risk.resumeAfter alone"
    )
    found = f"found {limit.value}, allowed {limit.threshold}"
    return f"{limit.limit}{whose} stands since {limit.tripped_at}: {found}; {until}"


def _missed(decisions: tuple[DecisionRow, ...]) -> Iterator[str]:
    candles = {row.candle_ms for row in decisions if row.outcome == MISSED}
    if candles:
        yield f"settled {len(candles)} candles that no run has decided on"


def _newest(decisions: tuple[DecisionRow, ...]) -> Iterator[DecisionRow]:
    newest_ms = max((row.candle_ms for row in decisions), default=0)
    return (row for row in decisions if row.candle_ms == newest_ms and row.outcome != MISSED)


def _decision(row: DecisionRow) -> str:
    """Return a decision; its numbers where it is another one than at the candle before."""
    side = f" {row.side}" if row.side else ""
    return f"{row.symbol}{side} {(row.reason or row.outcome).rstrip('.')}"


def _ordered(run: LastRun) -> Iterator[str]:
    """Yield the orders that work from the next open; a stop is told as the sale that it was."""
    filled = {fill.client_order_id for fill in run.fills}
    for order in run.orders:
        if order.client_order_id not in filled:
            yield f"ordered {order.purpose} of {order.quantity:f} {order.symbol}"


def _fill(fill: FillRow, closed: TradeRow | None) -> str:
    verb = "bought" if fill.side == "BUY" else "sold"
    done = f"{verb} {fill.quantity:f} {fill.symbol} at {fill.price:f}"
    if closed is None or fill.side == "BUY":
        return done
    return f"{done} ({closed.reason}), profit {rounded(closed.profit)}"
