"""Where a journal is not what its own candles, filters, settings and predictions make of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from bot_runtime.backtest.replayed_rows import RowsAgain, rows_again
from bot_runtime.contract.signal import DecisionReason
from bot_runtime.journal.entries import CandleRow, DecisionRow, EquityRow, LimitRow
from bot_runtime.journal.order_entries import (
    FillRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    TradeRow,
)
from bot_runtime.journal.reading import Reader
from bot_runtime.market.candles import utc
from bot_runtime.trading.session_state import SessionState

_KEYS: Final[dict[type, tuple[str, ...]]] = {
    OrderRow: ("client_order_id",),
    OrderEventRow: ("client_order_id", "at_ms", "state", "executed"),
    FillRow: ("symbol", "trade_id"),
    LedgerRow: ("source", "asset"),
    TradeRow: ("position_id",),
    LimitRow: ("at_ms", "limit", "symbol", "event"),
}
"""What names a row of each kind."""
_RowT = TypeVar("_RowT", OrderRow, OrderEventRow, FillRow, LedgerRow, TradeRow, LimitRow)
_NAMES: Final[dict[type, str]] = {
    OrderRow: "order",
    OrderEventRow: "event of the order",
    FillRow: "fill",
    LedgerRow: "ledger entry",
    TradeRow: "trade of the position",
    LimitRow: "limit",
}


class Compared(NamedTuple):
    """How much was compared, and what differs, in words, the first of each kind of row."""

    candles: int
    decisions: int
    fills: int
    differences: tuple[str, ...]


def compare_with_replay(journal: Reader) -> Compared:
    """Return where a journal differs from what its own material makes of it."""
    again = rows_again(journal)
    decided = {(row.symbol, row.candle_ms): row for row in journal.all(DecisionRow)}
    checks: tuple[Iterator[str], ...] = (
        _undecided(journal, decided),
        _decisions(decided, again),
        _rows(OrderRow, journal, [] if again.desk is None else list(again.desk.orders.values())),
        _rows(OrderEventRow, journal, [] if again.desk is None else again.desk.events),
        _rows(FillRow, journal, [] if again.desk is None else [f for _, f in again.desk.fills]),
        _rows(LedgerRow, journal, again.ledger),
        _rows(TradeRow, journal, again.trades),
        _rows(LimitRow, journal, again.limits),
        _marks(journal, again),
        _account(journal, again),
    )
    firsts = (next(check, None) for check in checks)
    fills = 0 if again.desk is None else len(again.desk.fills)
    candles = len(again.marks.close_ms)
    return Compared(candles, len(decided), fills, tuple(text for text in firsts if text))


def _undecided(journal: Reader, decided: Mapping[tuple[str, int], DecisionRow]) -> Iterator[str]:
    for row in journal.all(CandleRow):
        if (row.symbol, row.candle_ms) not in decided:
            yield f"decision of {row.symbol} at {utc(row.candle_ms)}: is missing"


def _decisions(decided: Mapping[tuple[str, int], DecisionRow], again: RowsAgain) -> Iterator[str]:
    """Yield the decisions that their predictions do not lead to."""
    for view in again.decisions:
        row = decided[view.symbol, view.candle_ms]
        what = f"decision of {row.symbol} at {utc(row.candle_ms)}"
        for name, found, expected in (
            ("side", row.side, view.side),
            ("share", row.share, view.share),
        ):
            if found != expected:
                yield _differs(what, name, found, expected)
        is_refused = row.outcome not in set(DecisionReason)
        if row.outcome != view.refused_by and (is_refused or view.refused_by is not None):
            yield _differs(what, "outcome", row.outcome, view.refused_by or "no refusal")


def _rows(kind: type[_RowT], journal: Reader, expected: Sequence[_RowT]) -> Iterator[str]:
    """Yield the rows of a kind that differ, or that one side alone has."""
    found = {_key(row): row for row in journal.all(kind)}
    wanted = {_key(row): row for row in expected}
    for key, row in wanted.items():
        own = found.get(key)
        if own is None:
            yield f"{_named(row)}: is missing"
            continue
        for name, was, now in zip(kind._fields, own, row, strict=True):
            if was != now:
                yield _differs(_named(row), name, was, now)
    for key, row in found.items():
        if key not in wanted:
            yield f"{_named(row)}: nothing has led to it"


def _marks(journal: Reader, again: RowsAgain) -> Iterator[str]:
    """Yield the candles after which cash or equity differ; a row holds until the next."""
    rows, marks = list(journal.all(EquityRow)), again.marks
    at = np.array([row.candle_ms for row in rows], dtype=np.int64)
    for close_ms in at[~np.isin(at, marks.close_ms)].tolist():
        yield f"equity at {utc(close_ms)}: no candle closed then"
    place = np.searchsorted(at, marks.close_ms, side="right") - 1
    for name, expected in (("cash", marks.cash), ("equity", marks.equity)):
        column = np.array([np.nan, *(float(getattr(row, name)) for row in rows)])
        found = column[place + 1]
        for n in np.flatnonzero(found != expected).tolist():
            what = f"equity at {utc(int(marks.close_ms[n]))}"
            yield _differs(what, name, float(found[n]), float(expected[n]))


def _account(journal: Reader, again: RowsAgain) -> Iterator[str]:
    """Yield in what the account, as the next run finds it, differs."""
    state = SessionState.of(journal)
    counted = {
        "orders": 0 if again.desk is None else len(again.desk.orders),
        "fills": 0 if again.desk is None else len(again.desk.fills),
        "trades": len(again.trades),
    }
    for name, expected in counted.items():
        found = getattr(state.totals, name)
        if found != expected:
            yield _differs("account", name, found, expected)
    own, account = state.account, again.account
    if own is None or account is None:
        if own is not account:
            yield "account: is missing" if own is None else "account: nothing has led to it"
        return
    for name in type(own).model_fields:
        if getattr(own, name) != getattr(account, name):
            yield _differs("account", name, getattr(own, name), getattr(account, name))


def _differs(what: str, name: str, found: Any, expected: Any) -> str:
    return f"{what}: {name} is {_plain(found)}, and by what led to it {_plain(expected)}"


def _plain(value: Any) -> str:
    return "unset" if value is None else str(value)


def _key(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _KEYS[type(row)])


def _named(row: Any) -> str:
    """Return a row as a message names it."""
    words = [utc(part) if isinstance(part, int) else str(part) for part in _key(row) if part]
    return f"{_NAMES[type(row)]} {' '.join(words)}"
