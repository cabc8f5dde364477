"""Candle files: any that users have are read, by one specification with the runtime's reader.

docs/candles.md is that specification, tests/candle_files.py its table. Files are written with the
columns date, open, high, low, close, volume.
"""

import csv
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot_exchange.market.candles import DAY_MS, Candles, Integers, join
from bot_exchange.market.file_cells import TimeColumn, read_numbers
from bot_exchange.market.file_rows import CandleFileError, FileRows, read_rows

if TYPE_CHECKING:
    import pyarrow as pa  # it costs a quarter of a second, and who replays a csv needs none of it

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = ("date", *PRICE_COLUMNS, "volume")
LARGEST_HOLE_MS = 7 * DAY_MS
"""A wider hole is a wrong time or a missing file; the longest outage known took 34 hours."""
_TIMES = (
    "unix",
    "unixtimestamp",
    "timestamp",
    "opentime",
    "opentimems",
    "starttime",
    "time",
    "datetime",
    "date",
    "indexlevel0",
    "",
)
_SHOWN_PROBLEMS = 5
_LOG = logging.getLogger(__name__)


def load_candles(path: Path, symbol: str | None = None) -> Candles:
    """Return the candles of a file, or of a folder of files that follow each other.

    `symbol` tells which of several volumes is the base currency's. Raises CandleFileError with the
    broken rows, counted from 1.
    """
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        parts = [_load(file, symbol) for file in files]
        rows = [row for _, numbers in parts for row in numbers]
        return _in_order(join([candles for candles, _ in parts]), rows, path)
    except CandleFileError as e:
        raise CandleFileError(f"{path}: {e}") from e
    except OSError as e:
        raise CandleFileError(f"{path}: {e.strerror or e}") from e


def _load(path: Path, symbol: str | None) -> tuple[Candles, list[str]]:
    """Return one file's candles in its own order, and the name of each row."""
    rows = read_rows(path.read_bytes(), path.name)
    names = _columns(rows.names, symbol)
    if not rows.rows:
        raise CandleFileError("no rows")
    times = _times(rows, names["date"])
    values = [read_numbers(rows.column(names[name])) for name in COLUMNS[1:]]
    numbers = np.flatnonzero(~np.all(np.isnan(values), axis=0))
    if len(numbers) < len(times):
        _LOG.warning("%s: %d rows have no value: left out", path, len(times) - len(numbers))
    table = Candles(np.array(times, np.int64), *(np.array(v, float) for v in values))
    candles = table.where(numbers)
    problems = find_problems(candles, numbers + 1)
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        shown = "; ".join(problems[:_SHOWN_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise CandleFileError(shown)
    return candles, [f"{path.name} row {number}" for number in numbers + 1]


def save_candles(candles: Candles, path: Path) -> None:
    """Write the candles in the format that the file's name ends with. Raises CandleFileError."""
    writers = {".csv": _write_csv, ".parquet": _write_parquet, ".feather": _write_feather}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise CandleFileError(f"{path}: found {path.suffix!r}; use .csv, .parquet or .feather")
    try:
        writer(candles, path)
    except OSError as e:
        raise CandleFileError(f"{path}: {e.strerror or e}") from e


def find_problems(candles: Candles, numbers: Integers | None = None) -> list[str]:
    """Return a line for every row that cannot be a candle; `numbers` are those of the rows."""
    prices = np.array([getattr(candles, name) for name in PRICE_COLUMNS])
    checks: list[tuple[npt.NDArray[np.bool_], str]] = [
        (~np.all(np.isfinite(prices), axis=0), "a price is missing or infinite"),
        (np.any(prices <= 0, axis=0), "a price is not above 0"),
        (candles.high < np.max(prices, axis=0), "high is not the highest price"),
        (candles.low > np.min(prices, axis=0), "low is not the lowest price"),
        (~np.isfinite(candles.volume), "volume is missing or infinite"),
        (candles.volume < 0, "volume is below 0"),
    ]
    found = sorted(
        (int(row), number) for number, (bad, _) in enumerate(checks) for row in np.flatnonzero(bad)
    )
    names = np.arange(1, len(candles) + 1) if numbers is None else numbers
    return [f"row {names[row]}: {checks[number][1]}" for row, number in found]


def _columns(names: list[str], symbol: str | None) -> dict[str, str]:
    """Return the name in the file of each of COLUMNS."""
    bare: dict[str, list[str]] = {}
    for name in names:
        bare.setdefault(re.sub("[^a-z0-9]", "", name.lower()), []).append(name)
    base = symbol.split("/")[0].lower() if symbol else None
    volumes = ["volume", "basevolume", "volumebase"]
    volumes += [f"volume{base}", f"{base}volume"] if base else []
    wanted = {"date": _TIMES, **{name: (name,) for name in PRICE_COLUMNS}, "volume": volumes}
    found = {
        name: next((bare[spelled] for spelled in spellings if spelled in bare), [])
        for name, spellings in wanted.items()
    }
    lacking = [name for name in COLUMNS if not found[name]]
    if lacking:
        raise CandleFileError(f"no column {', '.join(lacking)}; found {', '.join(names) or 'none'}")
    for name, same in found.items():
        if len(same) > 1:
            raise CandleFileError(f"columns {', '.join(same)} are both {name}; leave one")
    return {name: same[0] for name, same in found.items()}


def _times(rows: FileRows, name: str) -> list[int]:
    cells = rows.column(name)
    column = TimeColumn(cells)
    times = []
    for row, cell in enumerate(cells, 1):
        try:
            times.append(column.to_ms(cell))
        except (ValueError, OverflowError) as e:
            raise CandleFileError(f"row {row}: {e}") from e
    return times


def _in_order(table: Candles, rows: list[str], path: Path) -> Candles:
    """Return the candles sorted and each once; `rows` names where each one stands.

    Raises CandleFileError for a time with two different candles, and for a hole that no outage
    explains.
    """
    order = np.argsort(table.open_ms, kind="stable")
    if np.any(np.diff(order) < 0):
        _LOG.warning("%s: rows were not in order of time: sorted", path)
    candles = table.where(order)
    again = np.flatnonzero(np.diff(candles.open_ms) == 0) + 1
    for i in again:
        if any(getattr(candles, name)[i] != getattr(candles, name)[i - 1] for name in COLUMNS[1:]):
            raise CandleFileError(
                f"{rows[order[i - 1]]} and {rows[order[i]]} are both {_iso(candles.open_ms[i])}, "
                "with different values; leave one"
            )
    kept = np.delete(np.arange(len(candles)), again)
    once, order = candles.where(kept), order[kept]
    if len(once) < 2:
        return once
    steps = np.diff(once.open_ms)
    wide = np.flatnonzero(steps - np.min(steps) > LARGEST_HOLE_MS)
    if len(wide):
        at = int(wide[0])
        raise CandleFileError(
            f"a hole of {(steps[at] - np.min(steps)) / DAY_MS:.1f} days from "
            f"{_iso(once.open_ms[at])} ({rows[order[at]]}) to {_iso(once.open_ms[at + 1])} "
            f"({rows[order[at + 1]]}), {LARGEST_HOLE_MS // DAY_MS} at most; correct the time, or "
            "add what is missing"
        )
    return once


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_csv(candles: Candles, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for open_ms, *numbers in zip(
            candles.open_ms.tolist(),
            *(getattr(candles, name).tolist() for name in COLUMNS[1:]),
            strict=True,
        ):
            writer.writerow([datetime.fromtimestamp(open_ms / 1000, UTC).isoformat(), *numbers])


def _to_table(candles: Candles) -> "pa.Table":
    import pyarrow as pa

    dates = pa.array(candles.open_ms).cast(pa.timestamp("ms", "UTC"))
    numbers = {name: pa.array(getattr(candles, name)) for name in COLUMNS[1:]}
    return pa.table({"date": dates, **numbers})


def _write_parquet(candles: Candles, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(_to_table(candles), path)


def _write_feather(candles: Candles, path: Path) -> None:
    from pyarrow import feather

    feather.write_feather(_to_table(candles), path)
