"""A table of a journal as a Parquet file: amounts stay exact, and numbers stay numbers."""

from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bot_runtime.journal.showing import Shown
from bot_runtime.process.errors import ConfigurationError

_AT_ONCE: Final = 20_000
"""Rows that are in memory together."""


def write_parquet(shown: Shown, path: Path) -> None:
    """Write a table; raises ConfigurationError where pyarrow is not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as e:
        raise ConfigurationError(
            "--format: parquet needs pyarrow, which is not installed here; take csv, or the image "
            "that trains"
        ) from e
    kinds: dict[type, Any] = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        str: pa.string(),
        Decimal: pa.decimal128(38, 18),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in shown.columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        while rows := list(islice(shown.rows, _AT_ONCE)):
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
