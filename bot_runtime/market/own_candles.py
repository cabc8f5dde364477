"""A user's own candles of one market: read from one file or many, sorted, joined and checked.

docs/candles.md says what is read. What cannot be read for certain is refused, by file and row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Times, Values
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, utc
from bot_runtime.market.file_columns import find_columns, read_numbers
from bot_runtime.market.file_tables import read_table
from bot_runtime.market.file_times import read_times
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.files import reading

LARGEST_HOLE_MS: Final = 7 * 86_400_000
"""A wider hole is a wrong time or a missing file; the longest outage known took 34 hours."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnCandles:
    """What the files of one market hold, at least one candle.

    Attributes:
        file: their name in messages: the file's, or that of the first one and how many more.
        candles: checked, in time order.
        units: what times are written in: seconds, milliseconds, dates ...
        notes: what was taken for granted or left out, in a few words each.
    """

    file: str
    candles: Candles
    units: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Rows of one file or many, with where each is from; not checked.

    Attributes:
        times: (n,) ms since 1970.
        values: (n, 5) open, high, low, close, volume.
        file: (n,) the number of the file.
        row: (n,) the row in that file, counted from 1.
    """

    times: Times
    values: Values
    file: Rows
    row: Rows

    def __getitem__(self, rows: Rows) -> "_Table":
        return _Table(self.times[rows], self.values[rows], self.file[rows], self.row[rows])

    def candles(self, interval_ms: int) -> Candles:
        return Candles(interval_ms, self.times, *(column.copy() for column in self.values.T))


def read_own_candles(
    paths: Sequence[Path], symbol: str | None = None, interval_ms: int | None = None
) -> OwnCandles:
    """Return the candles of one market's files, each a candle of `interval_ms`.

    Without `interval_ms` it is the commonest distance of two candles. Raises DataUnusableError by
    file and row for what is no candle, for a time that stands twice with other values and for a
    hole wider than LARGEST_HOLE_MS, and ArtifactInvalidError for a file that cannot be read.
    """
    names = [path.name for path in paths]
    parts, units, notes = [], dict[str, None](), dict[str, None]()
    for number, path in enumerate(paths):
        part = _read(path, number, symbol, units, notes)
        parts.append(part)
    table = _once(_joined(parts), names, notes)
    interval_ms = _interval(table.times, names[0], interval_ms)
    for number, name in enumerate(names):
        own = table[np.flatnonzero(table.file == number)]
        check_schema(own.candles(interval_ms), name, own.row)
    _check_holes(table, names, interval_ms)
    label = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    return OwnCandles(label, table.candles(interval_ms), tuple(units), tuple(notes))


def _read(
    path: Path,
    number: int,
    symbol: str | None,
    units: dict[str, None],
    notes: dict[str, None],
) -> _Table:
    """Return one file's rows in the file's order; adds what was found to `units` and `notes`."""
    name = path.name
    with reading(path):
        data = path.read_bytes()
    read = read_table(data, name)
    columns = find_columns(list(read.columns), name, symbol.split("/")[0] if symbol else None)
    column = read.columns[columns["time"]]
    if len(column) == 0:
        raise DataUnusableError(f"{name}: has no candles; fill it or remove it")
    times = read_times(column, f"{name}: column {columns['time']!r}")
    values = np.stack(
        [
            read_numbers(read.columns[columns[value]], f"{name}: column {columns[value]!r}")
            for value in VALUE_COLUMNS
        ],
        axis=1,
    )
    filled = ~np.isnan(values).all(axis=1)
    units |= dict.fromkeys(times.units)
    notes |= dict.fromkeys((*read.notes, *times.notes))
    if not filled.all():
        notes[f"{int((~filled).sum())} rows without any value are left out"] = None
    steps = np.diff(times.ms)
    if (steps < 0).any():
        newest_first = (steps <= 0).all()
        notes["newest first: sorted" if newest_first else "not in order of time: sorted"] = None
    rows = np.arange(1, len(times.ms) + 1)
    return _Table(times.ms, values, np.full(len(rows), number), rows)[np.flatnonzero(filled)]


def _joined(parts: list[_Table]) -> _Table:
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("times", "values", "file", "row")
    )
    table = _Table(*columns)
    return table[np.argsort(table.times, kind="stable")]


def _once(table: _Table, names: list[str], notes: dict[str, None]) -> _Table:
    """Return the table with each time once; refuses those with other values."""
    again = np.flatnonzero(np.diff(table.times) == 0) + 1
    if len(again) == 0:
        return table
    differ = again[(table.values[again] != table.values[again - 1]).any(axis=1)]
    if len(differ):
        i = int(differ[0])
        raise DataUnusableError(
            f"{_place(table, i - 1, names)} and {_place(table, i, names)} are both "
            f"{utc(int(table.times[i]))}, with different values; {len(differ)} such rows; leave "
            "one of each"
        )
    notes[f"{len(again)} rows that stand twice are taken once"] = None
    return table[np.delete(np.arange(len(table.times)), again)]


def _place(table: _Table, i: int, names: list[str]) -> str:
    return f"{names[table.file[i]]}: row {table.row[i]}"


def _interval(times: Times, name: str, wanted: int | None) -> int:
    """Return the commonest distance of two candles, which must be the wanted one if there is one.

    One candle has none: `wanted` is believed then.
    """
    if len(times) < 2:
        if wanted is None:
            raise DataUnusableError(f"{name}: one candle alone does not tell the timeframe")
        return wanted
    steps, counts = np.unique(np.diff(times), return_counts=True)
    found = int(steps[np.argmax(counts)])
    if wanted is not None and found != wanted:
        raise DataUnusableError(
            f"{name}: candles are mostly {found / 60_000:g} minutes apart, the timeframe is "
            f"{wanted // 60_000} minutes; put the file of this timeframe there"
        )
    return found


def _check_holes(table: _Table, names: list[str], interval_ms: int) -> None:
    missing = np.diff(table.times) - interval_ms
    if len(missing) == 0 or missing.max() <= LARGEST_HOLE_MS:
        return
    i = int(np.argmax(missing > LARGEST_HOLE_MS))
    days = int(missing[i]) / 86_400_000
    raise DataUnusableError(
        f"{_place(table, i, names)} is {utc(int(table.times[i]))}, the next candle "
        f"({_place(table, i + 1, names)}) is {utc(int(table.times[i + 1]))}: a hole of {days:.1f} "
        f"days, {LARGEST_HOLE_MS // 86_400_000} at most; correct the time, or add what is missing"
    )
