"""Formats of candle files: csv, json, parquet or feather, packed as gz or zip or not."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from bot_exchange.market.file_rows import CandleFileError, FileRows
from bot_exchange.market.file_text import read_csv, read_json

if TYPE_CHECKING:
    import pyarrow as pa

EXTENSIONS = (".csv", ".json", ".parquet", ".feather", ".csv.gz", ".json.gz", ".zip")
"""What the names of candle files end with."""
_STARTS = {
    b"\x1f\x8b": ("gzip", ".gz"),
    b"PK\x03\x04": ("zip", ".zip"),
    b"PAR1": ("parquet", ".parquet"),
    b"ARROW1": ("feather", ".feather"),
}
"""What files of a format begin with: the format's name, and how they are named."""


def read_rows(data: bytes, name: str) -> FileRows:
    """Return a file's rows; its name says of which format it is. Raises CandleFileError."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in _READERS:
        raise CandleFileError(f"found {suffix!r}; use {', '.join(_READERS)}")
    _refuse_another_format(data, suffix)
    try:
        return _READERS[suffix](data, name)
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as e:
        raise CandleFileError(f"not a {suffix[1:]} file: {e}") from e


def _refuse_another_format(data: bytes, suffix: str) -> None:
    for start, (found, its_suffix) in _STARTS.items():
        if data.startswith(start) and suffix != its_suffix:
            wanted = suffix + its_suffix if found == "gzip" else its_suffix
            raise CandleFileError(f"is {found}, not {suffix[1:]}; name it {wanted}")


def _from_gz(data: bytes, name: str) -> FileRows:
    return read_rows(gzip.decompress(data), name[: -len(".gz")])


def _from_zip(data: bytes, _name: str) -> FileRows:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = [member for member in archive.namelist() if _is_content(member)]
        if len(inner) != 1:
            raise CandleFileError(f"found {len(inner)} files in the archive; pack one alone")
        return read_rows(archive.read(inner[0]), inner[0])


def _is_content(member: str) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in PurePath(member).parts)
    return not hidden and not member.endswith(("/", ".CHECKSUM"))


def _from_csv(data: bytes, _name: str) -> FileRows:
    return read_csv(data)


def _from_json(data: bytes, _name: str) -> FileRows:
    return read_json(data)


def _from_arrow(data: bytes, name: str) -> FileRows:
    import pyarrow as pa  # it costs a quarter of a second, and who replays a csv needs none of it
    from pyarrow import feather, parquet

    read = parquet.read_table if name.lower().endswith(".parquet") else feather.read_table
    try:
        table = read(pa.BufferReader(data))
    except pa.ArrowException as e:
        raise CandleFileError(f"not a {PurePath(name).suffix[1:]} file: {e}") from e
    return FileRows(table.column_names, len(table), lambda place: _cells(table.column(place)))


def _cells(column: "pa.ChunkedArray") -> list[Any]:
    """Return an Arrow column's cells; timestamps and dates as numpy has them, of any year."""
    import pyarrow as pa

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    if pa.types.is_timestamp(column.type):
        numbers = column.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy()
        return list(numbers.view(f"datetime64[{column.type.unit}]"))
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError, pa.ArrowException) as e:
        raise CandleFileError(f"found {column.type}; write numbers or text ({e})") from e


_READERS: dict[str, Callable[[bytes, str], FileRows]] = {
    ".csv": _from_csv,
    ".json": _from_json,
    ".parquet": _from_arrow,
    ".feather": _from_arrow,
    ".gz": _from_gz,
    ".zip": _from_zip,
}
