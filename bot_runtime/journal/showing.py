"""A journal's tables as people read them: columns with words, typed, row by row."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from bot_runtime.journal.named_views import PREFIX, views
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.row_coding import SORTED_BY


class Shown(NamedTuple):
    """A table: the type of each column (int, float, bool, str, Decimal), and its rows.

    A value is None where there is none.
    """

    name: str
    columns: dict[str, type]
    rows: Iterator[tuple[Any, ...]]


def show(reader: Reader) -> Iterator[Shown]:
    """Yield every table; its rows are to be read before the next one is asked for.

    Raises StoreUnavailableError where the volume does not give the journal.
    """
    for view in views():
        columns = {
            str(column.key): column.type.python_type for column in view.query.selected_columns
        }
        sorted_by = [view.table.c[name] for name in SORTED_BY.get(view.table, ())]
        found = reader.execute(view.query.order_by(*sorted_by))
        yield Shown(view.name.removeprefix(PREFIX), columns, map(tuple, found))
