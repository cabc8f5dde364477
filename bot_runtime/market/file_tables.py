"""A user's candle file as columns: csv, json, parquet or feather, packed as gz or zip or not.

Text stays text, for `file_columns` and `file_times` to read. Imports pyarrow, as they do.
"""

import csv
import gzip
import io
import itertools
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from bot_runtime.market.candle_folder import EXTENSIONS
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError

POSITIONS: Final = ("time", "open", "high", "low", "close", "volume")
"""Columns of a file without a header, the order in which exchanges dump them; more may follow."""
_DELIMITERS: Final = ",;\t"
_HEAD_BYTES: Final = 65_536
_NO_NAMES: Final = f"columns without names are taken as {', '.join(POSITIONS)}"


@dataclass(frozen=True, slots=True, eq=False)
class FileTable:
    """Columns by their names in the file, Arrow arrays of equal length."""

    columns: dict[str, Any]
    notes: tuple[str, ...] = ()


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
    try:
        return reader(data, name)
    except (OSError, pa.ArrowException, EOFError, zipfile.BadZipFile, zlib.error) as e:
        raise ArtifactInvalidError(f"{name}: cannot be read: {e}; write it again") from e


def _gz(data: bytes, name: str) -> FileTable:
    return read_table(gzip.decompress(data), name[: -len(".gz")])


def _zip(data: bytes, name: str) -> FileTable:
    """Return the table of the one file in an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = [m for m in archive.namelist() if not m.endswith("/") and _is_content(m)]
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
    return not any(part.startswith((".", "__MACOSX")) for part in PurePath(member).parts)


def _parquet(data: bytes, _name: str) -> FileTable:
    return _of_arrow(pyarrow.parquet.read_table(pa.BufferReader(data)))


def _feather(data: bytes, _name: str) -> FileTable:
    return _of_arrow(pyarrow.feather.read_table(pa.BufferReader(data)))


def _of_arrow(table: Any) -> FileTable:
    columns = zip(table.column_names, table.columns, strict=True)
    return FileTable({name: column.combine_chunks() for name, column in columns})


def _json(data: bytes, name: str) -> FileTable:
    """Return the table of a list of lists, as freqtrade and exchanges write it, or of objects."""
    try:
        rows = json.loads(data)
    except ValueError as e:
        raise ArtifactInvalidError(f"{name}: is not JSON: {e}; write it again") from e
    if not isinstance(rows, list) or not all(isinstance(row, (list, dict)) for row in rows):
        raise DataUnusableError(f"{name}: write a list of candles, each a list or an object")
    if all(isinstance(row, dict) for row in rows):
        names = {key: None for row in rows for key in row}
        return FileTable({key: _column([row.get(key) for row in rows]) for key in names})
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) < len(POSITIONS):
            raise DataUnusableError(
                f"{name}: row {i + 1}: found {str(row)[:60]!r}; write {', '.join(POSITIONS)}"
            )
    columns = {key: _column([row[i] for row in rows]) for i, key in enumerate(POSITIONS)}
    return FileTable(columns, (_NO_NAMES,))


def _column(values: list[Any]) -> Any:
    """Return values of JSON as an Arrow array; those of several types as text."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])


def _csv(data: bytes, name: str) -> FileTable:
    """Return the table of delimited text, with or without a header."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataUnusableError(f"{name}: is UTF-16; save it as UTF-8")
    head = data[:_HEAD_BYTES].decode("utf-8-sig", errors="replace")
    skipped, first = _first_line(head)
    if not first:
        raise DataUnusableError(f"{name}: has no candles; fill it or remove it")
    delimiter = max(_DELIMITERS, key=first.count)
    fields = [field.strip() for field in next(csv.reader([first], delimiter=delimiter))]
    headed = not _is_candle(fields)
    names = [f"{i} {field}" for i, field in enumerate(fields)]
    wrong: list[Any] = []

    def skip(row: Any) -> str:
        wrong.append(row)
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        pyarrow.csv.ReadOptions(use_threads=False, skip_rows=skipped + headed, column_names=names),
        pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    if wrong:
        row = wrong[0]
        raise DataUnusableError(
            f"{name}: row {row.number - skipped - headed}: {row.text[:60]!r} has "
            f"{row.actual_columns} fields, the first line {row.expected_columns}; correct it or "
            "leave it out"
        )
    columns = [column.combine_chunks() for column in table.columns]
    if not headed:
        return FileTable(dict(zip(POSITIONS, columns, strict=False)), (_NO_NAMES,))
    return FileTable(dict(zip(fields, columns, strict=True)))


def _first_line(head: str) -> tuple[int, str]:
    """Return how many lines of remarks and addresses come first, and the line after them."""
    lines = head.splitlines()
    remarks = itertools.takewhile(_is_remark, lines)
    skipped = sum(1 for _ in remarks)
    return skipped, lines[skipped] if skipped < len(lines) else ""


def _is_remark(line: str) -> bool:
    bare = line.strip().strip('"')
    return not bare or bare.startswith(("#", "http://", "https://", "www."))


def _is_candle(fields: list[str]) -> bool:
    """Tell whether a first line is a candle already: a time, then five numbers."""
    return (
        len(fields) >= len(POSITIONS)
        and fields[0][:1].isdigit()
        and all(_is_number(field) for field in fields[1 : len(POSITIONS)])
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


_READERS: Final[dict[str, Callable[[bytes, str], FileTable]]] = {
    ".csv": _csv,
    ".json": _json,
    ".parquet": _parquet,
    ".feather": _feather,
    ".gz": _gz,
    ".zip": _zip,
}
