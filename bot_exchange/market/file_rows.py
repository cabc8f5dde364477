"""Rows of a candle file as they stand in it: csv, json, parquet or feather, gz or zip or plain."""

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

NAMELESS = ("time", "open", "high", "low", "close", "volume")
"""The columns of a file that names none: exchanges dump them in this order, and more after them."""


class CandleFileError(ValueError):
    """A file that cannot be read or trusted; nothing of it is served."""


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file's columns: `names` of them, and rows with a cell for each."""

    names: list[str]
    rows: list[list[Any]]

    def column(self, name: str) -> list[Any]:
        """Return the cells of a column, from the first row to the last."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]


def read_rows(data: bytes, name: str) -> FileRows:
    """Return a file's rows; its name says of which format it is. Raises CandleFileError."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in _READERS:
        raise CandleFileError(f"found {suffix!r}; use {', '.join(_READERS)}")
    try:
        return _READERS[suffix](data, name)
    except (csv.Error, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as e:
        raise CandleFileError(f"not a {suffix[1:]} file: {e}") from e
    except UnicodeDecodeError as e:
        raise CandleFileError(f"not a {suffix[1:]} file in UTF-8: {e}") from e
    except json.JSONDecodeError as e:
        raise CandleFileError(f"not a json file: {e}") from e


def _from_gz(data: bytes, name: str) -> FileRows:
    return read_rows(gzip.decompress(data), name[: -len(".gz")])


def _from_zip(data: bytes, _name: str) -> FileRows:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = [
            member
            for member in archive.namelist()
            if not member.endswith("/") and not member.startswith((".", "__MACOSX"))
        ]
        if len(inner) != 1:
            raise CandleFileError(f"found {len(inner)} files in the archive; pack one alone")
        return read_rows(archive.read(inner[0]), inner[0])


def _from_csv(data: bytes, _name: str) -> FileRows:
    lines = data.decode("utf-8-sig").splitlines()
    while lines and _is_remark(lines[0]):
        del lines[0]
    if not lines:
        raise CandleFileError("no rows")
    delimiter = max(",;\t", key=lines[0].count)
    rows: list[list[Any]] = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    names = [str(cell).strip() for cell in rows[0]]
    if _looks_like_candle(names):
        names = [*NAMELESS, *(f"column {i}" for i in range(len(NAMELESS), len(names)))]
    else:
        del rows[0]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise CandleFileError(f"row {number}: found {len(row)} fields, expected {len(names)}")
    return FileRows(names, rows)


def _is_remark(line: str) -> bool:
    text = line.strip(' "\t')
    return text == "" or text.startswith(("#", "http:", "https:", "www."))


def _looks_like_candle(cells: list[str]) -> bool:
    """Tell whether a first line is data: no header has a number in the place of a price."""
    try:
        prices = [float(cell.replace(",", ".")) for cell in cells[1:6]]
    except ValueError:
        return False
    return len(prices) == 5 and cells[0][:1].isdigit()


def _from_json(data: bytes, _name: str) -> FileRows:
    found = json.loads(data)
    if isinstance(found, list) and all(isinstance(row, dict) for row in found):
        names = list(dict.fromkeys(key for row in found for key in row))
        return FileRows(names, [[row.get(name) for name in names] for row in found])
    if not isinstance(found, list):
        raise CandleFileError("not a list of candles")
    for number, row in enumerate(found, 1):
        if not isinstance(row, list) or len(row) < len(NAMELESS):
            raise CandleFileError(f"row {number}: not a list of {', '.join(NAMELESS)}")
    return FileRows(list(NAMELESS), [row[: len(NAMELESS)] for row in found])


def _from_arrow(data: bytes, name: str) -> FileRows:
    import pyarrow as pa  # it costs a quarter of a second, and who replays a csv needs none of it
    from pyarrow import feather, parquet

    read = parquet.read_table if name.lower().endswith(".parquet") else feather.read_table
    try:
        table = read(pa.BufferReader(data))
    except pa.ArrowInvalid as e:
        raise CandleFileError(f"not a {PurePath(name).suffix[1:]} file: {e}") from e
    columns = [
        column.cast(pa.timestamp("us", column.type.tz), safe=False)  # Python has no nanoseconds
        if pa.types.is_timestamp(column.type)
        else column
        for column in table.columns
    ]
    cells = [column.to_pylist() for column in columns]
    return FileRows(table.column_names, [list(row) for row in zip(*cells, strict=True)])


_READERS: dict[str, Callable[[bytes, str], FileRows]] = {
    ".csv": _from_csv,
    ".json": _from_json,
    ".parquet": _from_arrow,
    ".feather": _from_arrow,
    ".gz": _from_gz,
    ".zip": _from_zip,
}
