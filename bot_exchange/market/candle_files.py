"""Candle files: any that users have are read, by one specification with the runtime's reader.

docs/candles.md is that specification, tests/candle_files.py its table. Files are written with the
columns date, open, high, low, close, volume.
"""

import csv
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot_exchange.market.candle_checks import Rows, find_problems, in_order
from bot_exchange.market.candles import Candles, Integers, join
from bot_exchange.market.file_columns import COLUMNS, find_columns
from bot_exchange.market.file_formats import EXTENSIONS, read_rows
from bot_exchange.market.file_numbers import read_numbers
from bot_exchange.market.file_rows import CandleFileError, FileRows
from bot_exchange.market.file_times import TimeColumn

if TYPE_CHECKING:
    import pyarrow as pa  # it costs a quarter of a second, and who replays a csv needs none of it

_SHOWN_PROBLEMS = 5
_LOG = logging.getLogger(__name__)


def load_candles(path: Path, symbol: str | None = None) -> Candles:
    """Return the candles of a file, or of a folder of files that follow each other.

    `symbol` tells which of several volumes is the base currency's. Raises CandleFileError with the
    broken rows, counted from 1.
    """
    with _naming(path):
        files = _files(path) if path.is_dir() else [path]
    parts = []
    for file in files:
        with _naming(file):
            parts.append(_load(file, symbol))
    with _naming(path):
        return in_order(
            Rows(
                join([candles for candles, _ in parts]),
                tuple(file.name for file in files),
                np.repeat(np.arange(len(files)), [len(rows) for _, rows in parts]),
                np.concatenate([rows for _, rows in parts]),
            )
        )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let CandleFileError name the file, and be raised where the system refuses it, too."""
    try:
        yield
    except CandleFileError as e:
        raise CandleFileError(f"{path}: {e}") from e
    except OSError as e:  # pyarrow puts many more words around the system's
        raise CandleFileError(f"{path}: {os.strerror(e.errno) if e.errno else e}") from e


def _files(folder: Path) -> list[Path]:
    """Return a folder's candle files; what else is there is logged."""
    files = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            _LOG.warning("%s: is not taken: a folder in a folder", path)
        elif not path.name.lower().endswith(EXTENSIONS):
            _LOG.warning("%s: is not taken: ends with none of %s", path, ", ".join(EXTENSIONS))
        else:
            files.append(path)
    if not files:
        raise CandleFileError(f"has no candle file; put files there ({', '.join(EXTENSIONS)})")
    return files


def _load(path: Path, symbol: str | None) -> tuple[Candles, Integers]:
    """Return one file's candles in its own order, and their rows."""
    if path.is_symlink() and not path.exists():
        raise CandleFileError("a link to a file that is not there")
    if path.exists() and not path.is_file():
        raise CandleFileError("is no regular file; give a file or a folder")
    rows = read_rows(path.read_bytes(), path.name)
    names = find_columns(rows.names, symbol)
    if not rows.count:
        raise CandleFileError("no rows")
    times = _times(rows, names["date"])
    columns = {name: rows.column(names[name]) for name in COLUMNS[1:]}
    values, notes = read_numbers(columns, commas_delimit=rows.commas_delimit)
    prices, volume = np.array(values[:-1]), values[-1]
    no_trade = np.all(np.isnan(prices), axis=0) & (np.isnan(volume) | (volume == 0))
    if np.any(no_trade):
        notes += (f"{np.sum(no_trade)} rows without price and volume are left out",)
    if np.all(no_trade):
        raise CandleFileError("no rows with a price")
    for note in (*rows.notes, *notes):
        _LOG.warning("%s: %s", path, note)
    kept = np.flatnonzero(~no_trade)
    candles = Candles(np.array(times, np.int64), *values).where(kept)
    problems = find_problems(candles, kept + 1)
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        shown = "; ".join(problems[:_SHOWN_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise CandleFileError(shown)
    return candles, kept + 1


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


def save_candles(candles: Candles, path: Path) -> None:
    """Write the candles in the format that the file's name ends with. Raises CandleFileError.

    A file that is there is replaced when the new one is whole, and stays where it cannot be.
    """
    writers = {".csv": _write_csv, ".parquet": _write_parquet, ".feather": _write_feather}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise CandleFileError(f"{path}: found {path.suffix!r}; use .csv, .parquet or .feather")
    beside = path.with_name(f".{path.name}.new")
    with _naming(path):
        try:
            writer(candles, beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


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
