"""Candle files: csv, parquet and feather with the columns date, open, high, low, close, volume.

`date` is the open time of the candle, UTC: a timestamp, ISO text, or whole ms since 1970.
"""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot_exchange.market.candles import Candles, Floats, Integers

if TYPE_CHECKING:
    import pyarrow as pa  # it costs a quarter of a second, and who replays a csv needs none of it

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = ("date", *PRICE_COLUMNS, "volume")
_SHOWN_PROBLEMS = 5


class CandleFileError(ValueError):
    """A file that cannot be read or trusted; nothing of it is served."""


def load_candles(path: Path) -> Candles:
    """Return the file's candles. Raises CandleFileError with the broken rows, counted from 1."""
    readers = {".csv": _read_csv, ".parquet": _read_arrow, ".feather": _read_arrow}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CandleFileError(f"{path}: found {path.suffix!r}; use .csv, .parquet or .feather")
    try:
        candles = reader(path)
    except OSError as e:
        raise CandleFileError(f"{path}: {e.strerror or e}") from e
    problems = find_problems(candles)
    if problems:
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        more = len(problems) - _SHOWN_PROBLEMS
        raise CandleFileError(f"{path}: {shown}" + (f"; and {more} more" if more > 0 else ""))
    return candles


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


def find_problems(candles: Candles) -> list[str]:
    """Return a line for every row that cannot be a candle or is out of order, by row."""
    if len(candles) == 0:
        return ["no rows"]
    prices = np.array([getattr(candles, name) for name in PRICE_COLUMNS])
    step = np.diff(candles.open_ms, prepend=candles.open_ms[0] - 1)
    checks: list[tuple[npt.NDArray[np.bool_], str]] = [
        (~np.all(np.isfinite(prices), axis=0), "a price is missing or infinite"),
        (np.any(prices <= 0, axis=0), "a price is not above 0"),
        (candles.high < np.max(prices, axis=0), "high is not the highest price"),
        (candles.low > np.min(prices, axis=0), "low is not the lowest price"),
        (~np.isfinite(candles.volume), "volume is missing or infinite"),
        (candles.volume < 0, "volume is below 0"),
        (step == 0, "its date is that of the row before"),
        (step < 0, "its date is before that of the row before"),
    ]
    found = sorted(
        (int(row), number) for number, (bad, _) in enumerate(checks) for row in np.flatnonzero(bad)
    )
    return [f"row {row + 1}: {checks[number][1]}" for row, number in found]


def _check_columns(found: list[str], path: Path) -> None:
    lacking = [name for name in COLUMNS if name not in found]
    if lacking:
        raise CandleFileError(
            f"{path}: no column {', '.join(lacking)}; found {', '.join(found) or 'none'}"
        )


def _read_csv(path: Path) -> Candles:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            _check_columns(header, path)
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as e:
        raise CandleFileError(f"{path}: not a csv file in UTF-8: {e}") from e
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise CandleFileError(
                f"{path}: row {number}: found {len(row)} fields, expected {len(header)}"
            )
    place = {name: header.index(name) for name in COLUMNS}
    dates = [_parse(row[place["date"]], _to_ms, path, number) for number, row in enumerate(rows, 1)]
    numbers = (
        [_parse(row[place[name]], float, path, number) for number, row in enumerate(rows, 1)]
        for name in COLUMNS[1:]
    )
    return Candles(np.array(dates, np.int64), *(np.array(column, float) for column in numbers))


def _parse(text: str, parser: Callable[[str], float], path: Path, row: int) -> float:
    try:
        return parser(text)
    except (ValueError, OverflowError):
        raise CandleFileError(f"{path}: row {row}: found {text!r}, which cannot be read") from None


def _to_ms(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _read_arrow(path: Path) -> Candles:
    import pyarrow as pa
    from pyarrow import feather, parquet

    read = parquet.read_table if path.suffix.lower() == ".parquet" else feather.read_table
    if not path.is_file():
        raise CandleFileError(f"{path}: no such file")
    try:
        table = read(path)
    except pa.ArrowInvalid as e:
        raise CandleFileError(f"{path}: not a {path.suffix[1:]} file: {e}") from e
    _check_columns(table.column_names, path)
    try:
        return Candles(_dates(table), *(_numbers(table, name) for name in COLUMNS[1:]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as e:
        raise CandleFileError(f"{path}: a column is not of numbers or dates: {e}") from e


def _dates(table: "pa.Table") -> Integers:
    import pyarrow as pa

    column = table.column("date").combine_chunks()
    if column.null_count:
        row = column.is_null().index(True).as_py() + 1
        raise pa.ArrowInvalid(f"row {row}: no date")
    if pa.types.is_string(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", column.type.tz), safe=False)
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _numbers(table: "pa.Table", name: str) -> Floats:
    import pyarrow as pa

    column = table.column(name).combine_chunks().cast(pa.float64())
    return np.array(column.to_numpy(zero_copy_only=False), np.float64)


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
