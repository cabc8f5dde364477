"""From a tuple that the runtime speaks of to a row of a table, and back: field by field."""

from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, select
from sqlalchemy.sql.selectable import FromClause

from bot_runtime.journal import entries, order_entries, order_tables, run_entries, tables
from bot_runtime.journal.column_types import Name
from bot_runtime.journal.interned_names import InternedNames

EntryT = TypeVar("EntryT", bound=NamedTuple)

TABLES: Final[dict[type, Table]] = {
    run_entries.RunStart: tables.runs,
    run_entries.RunRow: tables.runs,
    entries.MarketRow: tables.markets,
    entries.CandleRow: tables.candles,
    entries.DecisionRow: tables.candles,
    order_entries.OrderRow: order_tables.orders,
    order_entries.OrderEventRow: order_tables.order_events,
    order_entries.FillRow: order_tables.fills,
    order_entries.LedgerRow: order_tables.ledger,
    order_entries.TradeRow: order_tables.trades,
    entries.EquityRow: tables.equity,
    entries.AccountRow: tables.accounts,
    entries.LimitRow: tables.limits,
    entries.OutboxRow: tables.outbox,
}
"""Where the rows of each kind lie."""

SORTED_BY: Final[dict[Table, tuple[str, ...]]] = {
    tables.runs: ("run_id",),
    tables.markets: ("symbol", "since_ms"),
    tables.candles: ("symbol", "candle_ms"),
    order_tables.orders: ("candle_ms", "client_order_id"),
    order_tables.order_events: ("event_id",),
    order_tables.fills: ("at_ms", "symbol", "trade_id"),
    order_tables.ledger: ("run_id", "source", "asset"),
    order_tables.trades: ("closed_ms", "position_id"),
    tables.equity: ("candle_ms",),
    tables.accounts: ("candle_ms",),
    tables.limits: ("limit_id",),
    tables.outbox: ("created_ms", "key"),
}
"""In which order rows are read: as they happened."""

_BESIDE: Final = {tables.candles: tables.explanations, tables.runs: tables.configurations}
"""Tables with the fields that a table does not have itself."""


@cache
def columns_of(kind: type[NamedTuple]) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of a kind's fields."""
    table = TABLES[kind]
    return tuple(
        table.c[field] if field in table.c else _BESIDE[table].c[field] for field in kind._fields
    )


@cache
def _words_of(kind: type[NamedTuple]) -> tuple[int, ...]:
    """Return the positions of the fields that are kept as numbers of words."""
    columns = enumerate(columns_of(kind))
    return tuple(place for place, column in columns if isinstance(column.type, Name))


def query_of(kind: type[EntryT]) -> Select[Any]:
    """Return what reads all rows of a kind, in any order."""
    table, columns = TABLES[kind], columns_of(kind)
    source: FromClause = table
    if any(column.table is not table for column in columns):
        source = table.outerjoin(_BESIDE[table])
    found = select(*columns).select_from(source)
    return found.where(table.c.outcome.is_not(None)) if kind is entries.DecisionRow else found


def sorted_query_of(kind: type[EntryT]) -> Select[Any]:
    """Return what reads all rows of a kind, as they happened."""
    table = TABLES[kind]
    return query_of(kind).order_by(*[table.c[name] for name in SORTED_BY[table]])


def encode(entry: NamedTuple, names: InternedNames) -> dict[str, Any]:
    """Return the values of an entry's row; words that are new are added to the journal."""
    table = TABLES[type(entry)]
    values = {}
    for field, value in zip(entry._fields, entry, strict=True):
        if field in table.c:
            is_word = value is not None and isinstance(table.c[field].type, Name)
            values[field] = names.add(value) if is_word else value
    return values


def decode(kind: type[EntryT], row: Row[Any], names: InternedNames) -> EntryT:
    """Return the entry of a row that `query_of` has read."""
    values = list(row)
    for place in _words_of(kind):
        if values[place] is not None:
            values[place] = names.word(values[place])
    return kind._make(values)
