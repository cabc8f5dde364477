"""A user's own candles of one market: read from one file or many, sorted, joined and checked.

docs/candles.md says what is read. What cannot be read for certain is refused, by file and row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot_runtime.arrays import Times
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, broken_rules
from bot_runtime.market.file_columns import DECIMAL_COMMAS, find_columns, read_values
from bot_runtime.market.file_rows import (
    FileRows,
    check_holes,
    check_jumps,
    interval_of,
    joined,
    once,
)
from bot_runtime.market.file_tables import read_table
from bot_runtime.market.file_times import read_times
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.files import reading


@dataclass(frozen=True, slots=True, eq=False)
class OwnCandles:
    """What the files of one market hold, at least one candle.

    Attributes:
        file: their name in messages: the file's, or that of the first one and how many more.
        candles: checked, in time order.
        last_ms: opening times of the last row of each file, which may have been written too early.
        units: what times are written in: seconds, milliseconds, dates ...
        notes: what was taken for granted or left out, in a few words each.
    """

    file: str
    candles: Candles
    last_ms: Times
    units: tuple[str, ...]
    notes: tuple[str, ...]


def read_own_candles(
    paths: Sequence[Path],
    symbol: str | None = None,
    interval_ms: int | None = None,
    root: Path | None = None,
) -> OwnCandles:
    """Return the candles of one market's files, each a candle of `interval_ms`.

    Without `interval_ms` it is the commonest distance of two candles. `root` is the folder that
    names in messages begin below. Raises DataUnusableError by file and row for what is no candle,
    for a time that stands twice with other values, for a hole wider than LARGEST_HOLE_MS and for a
    price that jumps; ArtifactInvalidError for a file that cannot be read.
    """
    names = [str(path.relative_to(root)) if root else path.name for path in paths]
    parts, units, notes = [], dict[str, None](), dict[str, None]()
    for number, path in enumerate(paths):
        parts.append(_read(path, (number, names[number]), symbol, units, notes))
    table = once(joined(parts), names, notes)
    interval_ms = interval_of(table, names, interval_ms)
    candles = table.candles(interval_ms)
    if any(broken.any() for broken in broken_rules(candles).values()):
        for number in np.unique(table.file):
            own = table[np.flatnonzero(table.file == number)]
            check_schema(own.candles(interval_ms), names[number], own.row)
    check_holes(table, names, interval_ms)
    check_jumps(table, names, interval_ms)
    label = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    ends = np.array([part.times.max() for part in parts if len(part.times)])
    return OwnCandles(label, candles, ends, tuple(units), tuple(notes))


def _read(
    path: Path,
    label: tuple[int, str],
    symbol: str | None,
    units: dict[str, None],
    notes: dict[str, None],
) -> FileRows:
    """Return one file's rows in the file's order; adds what was found to `units` and `notes`."""
    number, name = label
    read = read_table(_bytes(path, name), name)
    places = find_columns(read.names, name, symbol.split("/")[0] if symbol else None)
    of_time, *of_values = (places[wanted] for wanted in ("time", *VALUE_COLUMNS))
    if len(read.columns[of_time]) == 0:
        raise DataUnusableError(f"{name}: has no candles; fill it or remove it")
    times = read_times(read.columns[of_time], f"{name}: column {read.names[of_time]!r}")
    values, commas = read_values(
        [read.columns[i] for i in of_values],
        [f"{name}: column {read.names[i]!r}" for i in of_values],
        decimal_commas=read.decimal_commas,
    )
    traded = ~(np.isnan(values[:, :-1]).all(axis=1) & ~(values[:, -1] > 0))
    units |= dict.fromkeys(times.units)
    notes |= dict.fromkeys((*read.notes, *times.notes, *([DECIMAL_COMMAS] if commas else [])))
    if not traded.any():
        raise DataUnusableError(f"{name}: has no candles: no row has a price; fill it or remove it")
    if not traded.all():
        notes[f"{int((~traded).sum())} rows without a trade are left out"] = None
    steps = np.diff(times.ms)
    if (steps < 0).any():
        newest_first = (steps <= 0).all()
        notes["newest first: sorted" if newest_first else "not in order of time: sorted"] = None
    rows = np.arange(1, len(times.ms) + 1)
    return FileRows(times.ms, values, np.full(len(rows), number), rows)[np.flatnonzero(traded)]


def _bytes(path: Path, name: str) -> bytes:
    if path.is_symlink() and not path.exists():
        raise DataUnusableError(f"{name}: a link to a file that is not there; correct or remove it")
    if path.exists() and not path.is_file():
        raise DataUnusableError(f"{name}: is no file; put one there")
    with reading(path):
        return path.read_bytes()
