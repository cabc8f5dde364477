"""Rows of a user's candle files, each with the file and the row that it is from.

What is refused here is named by these: a time that stands twice, another timeframe, a hole, a jump.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Times, Values
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import DataUnusableError

LARGEST_HOLE_MS: Final = 7 * 86_400_000
"""A wider hole is a wrong time or a missing file; the longest outage known took 34 hours."""
LARGEST_JUMP: Final = 1.5
"""Times by which a candle may open above or below the close before it; 1.03 is the most known."""
_SAME: Final = 1e-9
"""Relative distance of values that two files write in their own ways."""
_STRETCH: Final = 1000
"""Rows of a file in which the commonest distance is the timeframe, too."""


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
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

    def __getitem__(self, rows: Rows) -> "FileRows":
        return FileRows(self.times[rows], self.values[rows], self.file[rows], self.row[rows])

    def candles(self, interval_ms: int) -> Candles:
        """Return the rows as candles of this length."""
        return Candles(interval_ms, self.times, *(column.copy() for column in self.values.T))


def joined(parts: Sequence[FileRows]) -> FileRows:
    """Return the rows of all files in order of time; of the same time, in that of the files."""
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("times", "values", "file", "row")
    )
    table = FileRows(*columns)
    return table[np.argsort(table.times, kind="stable")]


def once(table: FileRows, names: Sequence[str], notes: dict[str, None]) -> FileRows:
    """Return the table with each time once; refuses those with other values."""
    again = np.flatnonzero(np.diff(table.times) == 0) + 1
    if len(again) == 0:
        return table
    same = np.isclose(table.values[again], table.values[again - 1], rtol=_SAME, atol=0)
    differ = again[~same.all(axis=1)]
    if len(differ):
        i = int(differ[0])
        raise DataUnusableError(
            f"{_place(table, i - 1, names)} and {_place(table, i, names)} are both "
            f"{utc(int(table.times[i]))}, with different values; {len(differ)} such rows; leave "
            "one of each (local time repeats an hour in autumn: write the offset)"
        )
    notes[f"{len(again)} rows that stand twice are taken once"] = None
    return table[np.delete(np.arange(len(table.times)), again)]


def _place(table: FileRows, i: int, names: Sequence[str]) -> str:
    return f"{names[table.file[i]]}: row {table.row[i]}"


def interval_of(table: FileRows, names: Sequence[str], wanted: int | None) -> int:
    """Return the commonest distance of two candles, which must be the wanted one if there is one.

    No thousand rows of a file may mostly have another. One candle has none: `wanted` is believed.
    """
    if len(table.times) < 2:
        if wanted is None:
            raise DataUnusableError(f"{names[0]}: one candle alone does not tell the timeframe")
        return wanted
    interval_ms = wanted or _commonest(np.diff(table.times))
    for rows in _by_file(table.file):
        steps = np.diff(table.times[rows])
        for start in range(0, len(steps), _STRETCH):
            begin = max(0, min(start, len(steps) - _STRETCH))  # the last one is as long as others
            stretch = steps[begin : begin + _STRETCH]
            found = _commonest(stretch)
            if np.sum(stretch == found) > np.sum(stretch == interval_ms):
                at = int(rows[begin + int(np.argmax(stretch == found))])
                raise DataUnusableError(
                    f"{_place(table, at, names)} on: candles are {found / 60_000:g} minutes apart, "
                    f"the timeframe is {interval_ms / 60_000:g} minutes; put the file of this "
                    "timeframe there"
                )
    return interval_ms


def _by_file(file: Rows) -> list[Rows]:
    """Return the rows of each file."""
    order = np.argsort(file, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(file[order])) + 1)


def _commonest(steps: Times) -> int:
    found, counts = np.unique(steps, return_counts=True)
    return int(found[np.argmax(counts)])


def check_holes(table: FileRows, names: Sequence[str], interval_ms: int) -> None:
    """Refuse a hole wider than LARGEST_HOLE_MS."""
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


def check_jumps(table: FileRows, names: Sequence[str], interval_ms: int) -> None:
    """Refuse a candle that opens far from the close before it: of another market, or mistyped."""
    ratio = table.values[1:, 0] / table.values[:-1, 3]
    follows = np.diff(table.times) == interval_ms
    far = follows & ((ratio > LARGEST_JUMP) | (ratio < 1 / LARGEST_JUMP))
    if not far.any():
        return
    i = int(np.argmax(far)) + 1
    raise DataUnusableError(
        f"{_place(table, i, names)}: opens at {table.values[i, 0]:g} ({utc(int(table.times[i]))}), "
        f"the candle before it closed at {table.values[i - 1, 3]:g}; {int(far.sum())} such rows: "
        "leave one market, one currency and one unit in a file"
    )
