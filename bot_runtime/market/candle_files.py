"""Candle files: parquet, feather and csv to and from `Candles`.

Imports pyarrow, which the inference path never does. Columns: `date` (opening time in UTC as a
timestamp, or milliseconds since 1970), open, high, low, close, volume.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from bot_runtime.arrays import Times
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, row_numbers
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.store.files import new_file

TIME_COLUMN: Final = "date"
_READERS: Final = {
    ".parquet": pyarrow.parquet.read_table,
    ".feather": pyarrow.feather.read_table,
    ".csv": pyarrow.csv.read_csv,
}
EXTENSIONS: Final = tuple(_READERS)


def save_candles(path: Path, candles: Candles) -> None:
    """Write candles as parquet, atomically; raises StoreUnavailableError."""
    times = pa.array(candles.open_time_ms, pa.timestamp("ms", tz="UTC"))
    columns = {TIME_COLUMN: times} | {name: getattr(candles, name) for name in VALUE_COLUMNS}
    with new_file(path) as temporary:
        pyarrow.parquet.write_table(pa.table(columns), temporary)


def load_candles(path: Path, interval_ms: int) -> Candles:
    """Return the candles in a file, as they stand in it; `check_schema` judges them.

    Raises DataUnusableError where the format or a column is not what it should be, and
    ArtifactInvalidError where the file cannot be read.
    """
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise DataUnusableError(
            f"{path.name}: found extension {path.suffix!r}; use one of {', '.join(EXTENSIONS)}"
        )
    try:
        table = reader(path)
    except (OSError, pa.ArrowException) as e:
        raise ArtifactInvalidError(f"{path.name}: cannot be read: {e}; write it again") from e
    absent = [name for name in (TIME_COLUMN, *VALUE_COLUMNS) if name not in table.column_names]
    if absent:
        raise DataUnusableError(
            f"{path.name}: has no column {', '.join(absent)}; found {', '.join(table.column_names)}"
        )
    values = (_values(table, name, path) for name in VALUE_COLUMNS)
    return Candles(interval_ms, _times(table, path), *values)


def _times(table: Any, path: Path) -> Times:
    column = table[TIME_COLUMN]
    if column.null_count:
        absent = np.flatnonzero(column.is_null().to_numpy())
        raise DataUnusableError(
            f"{path.name}: column {TIME_COLUMN}: {len(absent)} of {len(column)} rows "
            f"({row_numbers(absent)}) have no time; write one, or leave the rows out"
        )
    try:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ms"), safe=False)
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
    except (pa.ArrowException, ValueError) as e:
        raise DataUnusableError(
            f"{path.name}: column {TIME_COLUMN}: found {column.type}; write timestamps in UTC"
        ) from e


def _values(table: Any, name: str, path: Path) -> Any:
    try:
        return table[name].cast(pa.float64()).to_numpy().astype(np.float64)
    except (pa.ArrowException, ValueError) as e:
        raise DataUnusableError(
            f"{path.name}: column {name}: found {table[name].type}; write numbers"
        ) from e
