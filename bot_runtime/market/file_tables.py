"""A user's candle file as columns: csv, json, parquet or feather, packed as gz or zip or not.

Text stays text, for `file_columns` and `file_times` to read. Imports pyarrow, as they do.
"""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from bot_runtime.market.candle_folder import EXTENSIONS
from bot_runtime.market.file_text import NAMELESS, NO_NAMES, read_text
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError

_MAGIC: Final = {
    b"\x1f\x8b": ".gz",
    b"PK\x03\x04": ".zip",
    b"PAR1": ".parquet",
    b"ARROW1": ".feather",
}


@dataclass(frozen=True, slots=True, eq=False)
class FileTable:
    """Columns as they stand in the file: names, and Arrow arrays of equal length."""

    names: tuple[str, ...]
    columns: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    decimal_commas: bool = True
    """Whether a comma in a number can be a decimal one: not where commas stand between numbers."""


def read_table(data: bytes, name: str) -> FileTable:
    """Return the table in a file's bytes; the end of `name` says of which format they are.

    Raises DataUnusableError for a format or a row that cannot be read, and ArtifactInvalidError
    for bytes that are not of the format.
    """
    suffix = PurePath(name).suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        raise DataUnusableError(
            f"{name}: found extension {suffix!r}; use one of {', '.join(EXTENSIONS)}"
        )
    found = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), suffix)
    if found != suffix:
        is_packed = found in {".gz", ".zip"}
        words = "gzip" if found == ".gz" else found[1:]
        named = f"{suffix}{found}" if is_packed else found
        raise DataUnusableError(f"{name}: is {words}, not {suffix[1:]}; name it {named}")
    try:
        return reader(data, name)
    except (OSError, pa.ArrowException, EOFError, zipfile.BadZipFile, zlib.error) as e:
        words = " ".join(str(e).split())[:200]
        raise ArtifactInvalidError(f"{name}: cannot be read: {words}; write it again") from e


def _gz(data: bytes, name: str) -> FileTable:
    return read_table(gzip.decompress(data), name[: -len(".gz")])


def _zip(data: bytes, name: str) -> FileTable:
    """Return the table of the one file in an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = [member for member in archive.namelist() if _is_content(member)]
        if len(inner) != 1:
            raise DataUnusableError(
                f"{name}: found {len(inner)} files ({', '.join(inner[:3])}); put one into each "
                "archive"
            )
        try:
            content = archive.read(inner[0])
        except (RuntimeError, NotImplementedError) as e:  # a password, an unknown packing
            raise DataUnusableError(f"{name}: {e}; unpack it, or pack it as usual") from e
    return read_table(content, f"{name}/{PurePath(inner[0]).name}")


def _is_content(member: str) -> bool:
    parts = PurePath(member).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not (hidden or member.endswith("/") or member.upper().endswith(".CHECKSUM"))


def _parquet(data: bytes, _name: str) -> FileTable:
    return _of_arrow(pyarrow.parquet.ParquetFile(pa.BufferReader(data)).read())


def _feather(data: bytes, _name: str) -> FileTable:
    return _of_arrow(pyarrow.feather.read_table(pa.BufferReader(data)))


def _of_arrow(table: Any) -> FileTable:
    columns = tuple(column.combine_chunks() for column in table.columns)
    return FileTable(tuple(table.column_names), columns)


def _csv(data: bytes, name: str) -> FileTable:
    text = read_text(data, name)
    return FileTable(text.names, text.columns, text.notes, text.delimiter != ",")


def _json(data: bytes, name: str) -> FileTable:
    """Return the table of a list of lists, as freqtrade and exchanges write it, or of objects.

    JSON lines are such a list without its brackets.
    """
    rows = _parsed(data, name)
    if not isinstance(rows, list) or not all(isinstance(row, (list, dict)) for row in rows):
        raise DataUnusableError(
            f"{name}: found {type(rows).__name__}; write a list of candles, each a list or an "
            'object (pandas: orient="records")'
        )
    if all(isinstance(row, dict) for row in rows):
        names = tuple({key: None for row in rows for key in row})
        return FileTable(names, tuple(_column([row.get(key) for row in rows]) for key in names))
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) < len(NAMELESS):
            raise DataUnusableError(
                f"{name}: row {i + 1}: found {str(row)[:60]!r}; write {', '.join(NAMELESS)}"
            )
    columns = tuple(_column([row[i] for row in rows]) for i in range(len(NAMELESS)))
    return FileTable(NAMELESS, columns, (NO_NAMES,))


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as e:
        first = e
    except RecursionError as e:
        raise DataUnusableError(f"{name}: lists within lists; write one list of candles") from e
    try:
        return [json.loads(line) for line in data.splitlines() if line.strip()]
    except ValueError:
        raise ArtifactInvalidError(f"{name}: is not JSON: {first}; write it again") from first


def _column(values: list[Any]) -> Any:
    """Return values of JSON as an Arrow array; those of several types as text."""
    kinds = {type(value) for value in values} - {type(None)}
    if bool not in kinds:
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError):
            pass
    return pa.array([None if value is None else str(value) for value in values])


_READERS: Final[dict[str, Callable[[bytes, str], FileTable]]] = {
    ".csv": _csv,
    ".json": _json,
    ".parquet": _parquet,
    ".feather": _feather,
    ".gz": _gz,
    ".zip": _zip,
}
