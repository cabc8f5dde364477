"""The store's own candle files: parquet to and from `Candles`, as `save_candles` writes it.

Imports pyarrow, which the inference path never does. Columns: `date` (opening time in UTC as a
timestamp), open, high, low, close, volume. A user's files are read by `own_candles`.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from bot_runtime.arrays import Values
from bot_runtime.market.candles import VALUE_COLUMNS, Candles
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import new_file

TIME_COLUMN: Final = "date"
_TIME: Final = pa.timestamp("ms", tz="UTC")


def save_candles(path: Path, candles: Candles) -> None:
    """Write candles as parquet, atomically; raises StoreUnavailableError."""
    columns = {TIME_COLUMN: pa.array(candles.open_time_ms, _TIME)}
    columns |= {name: getattr(candles, name) for name in VALUE_COLUMNS}
    with new_file(path) as temporary:
        pyarrow.parquet.write_table(pa.table(columns), temporary)


def load_candles(path: Path, interval_ms: int) -> Candles:
    """Return the candles in a file of the store; `check_schema` judges them.

    Raises ArtifactInvalidError where it cannot be read or is not one of the store's.
    """
    try:
        table = pyarrow.parquet.read_table(path)
        times = np.asarray(table[TIME_COLUMN].cast(_TIME).cast(pa.int64()).to_numpy())
        columns = [_values(table[name]) for name in VALUE_COLUMNS]
    except (OSError, KeyError, ValueError, pa.ArrowException) as e:
        raise ArtifactInvalidError(f"{path.name}: cannot be read: {e}; write it again") from e
    return Candles(interval_ms, times, *columns)


def _values(column: Any) -> Values:
    return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
