"""Views for people: what a table has with words in place of numbers, and what decided on each row.

`named_fills` is `fills` with its names, and with the model version and the commit of its run.
`named_decisions` has the decisions of `candles`, each with the reason that was last told. Views are
made anew after every migration.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, Text, inspect, select, type_coerce
from sqlalchemy.sql.selectable import FromClause

from bot_runtime.journal.column_types import Name
from bot_runtime.journal.columns import metadata
from bot_runtime.journal.tables import candles, configurations, explanations, names, runs

PREFIX: Final = "named_"
_SETTLED: Final = ("symbol", "candle_ms", "run_id", "open", "high", "low", "close", "volume")


class View(NamedTuple):
    """What is shown of a table; `query` has the view's columns, with their types."""

    name: str
    table: Table
    query: Select[Any]


def views() -> tuple[View, ...]:
    """Return every view, in the order in which a journal is read."""
    shown = [t for t in metadata.sorted_tables if t not in (names, explanations)]
    found = []
    for table in shown:
        left_out = set(table.columns.keys()) - set(_SETTLED) if table is candles else set()
        found.append(View(PREFIX + table.name, table, _shown(table, left_out)))
        if table is candles:
            found.append(View(f"{PREFIX}decisions", table, _decisions()))
    return tuple(found)


def name_all(connection: Connection) -> None:
    """Make every view anew, in the transaction that is under way."""
    for name in inspect(connection).get_view_names():
        if name.startswith(PREFIX):
            connection.exec_driver_sql(f"DROP VIEW {name}")
    for view in views():
        text = view.query.compile(connection, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS {text}")


def _decisions() -> Select[Any]:
    """Return the decisions, each with the newest explanation up to its candle."""
    told = explanations.alias()
    newest = (
        select(told.c.candle_ms)
        .where(told.c.symbol == candles.c.symbol, told.c.candle_ms <= candles.c.candle_ms)
        .order_by(told.c.candle_ms.desc())
        .limit(1)
        .scalar_subquery()
    )
    own = (explanations.c.symbol == candles.c.symbol) & (explanations.c.candle_ms == newest)
    rules = type_coerce(explanations.c.rules, Text).label("rules")  # as JSON
    return (
        _shown(candles, set(_SETTLED) - {"symbol", "candle_ms", "run_id"})
        .add_columns(explanations.c.candle_ms.label("told_ms"), explanations.c.reason, rules)
        .select_from(candles.outerjoin(explanations, own))
        .where(candles.c.outcome.is_not(None))
    )


def _shown(table: Table, left_out: set[str]) -> Select[Any]:
    columns = [_named(table, c) for c in table.columns if c.name not in left_out]
    if table is runs:
        digest = select(configurations.c.run_digest).where(
            configurations.c.id == runs.c.configuration_id
        )
        columns.append(digest.scalar_subquery().label("run_digest"))
    elif "run_id" in table.columns:
        columns += [_of_run(table, column) for column in ("model_version", "git_commit")]
    return select(*columns)


def _named(table: FromClause, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column, or the word that its number stands for."""
    if not isinstance(column.type, Name):
        return column
    word = names.alias()
    found = select(word.c.name).where(word.c.id == column)
    return found.correlate(table).scalar_subquery().label(column.key)


def _of_run(table: Table, column: str) -> ColumnElement[Any]:
    """Return a word that a row's run names."""
    word, run = names.alias(), runs.alias()
    joined = run.join(word, word.c.id == run.c[column])
    found = select(word.c.name).select_from(joined).where(run.c.run_id == table.c.run_id)
    return found.correlate(table).scalar_subquery().label(column)
