"""Delimited text as columns: remarks before it, its delimiter, with a header or without one."""

import csv
import io
import itertools
import re
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv

from bot_runtime.process.errors import DataUnusableError

NAMELESS: Final = ("time", "open", "high", "low", "close", "volume")
"""Columns of a file that names none, in the order in which exchanges dump them; more may follow."""
NO_NAMES: Final = f"columns without names are taken as {', '.join(NAMELESS)}"
_FEWEST_DELIMITERS: Final = len(NAMELESS) - 1
_HEAD_BYTES: Final = 65_536
_REMARKS: Final = ("#", "//", "--", "sep=")
_LINES_OF_REMARKS: Final = 10
_DIGIT: Final = re.compile(r"[0-9]")


def read_text(data: bytes, name: str) -> tuple[tuple[str, ...], tuple[Any, ...], tuple[str, ...]]:
    """Return names, columns of text and notes. Raises DataUnusableError by row, counted from 1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        raise DataUnusableError(f"{name}: is UTF-16; save it as UTF-8")
    if b"\x00" in data[:_HEAD_BYTES]:
        raise DataUnusableError(f"{name}: is no text; write csv, or name it after its format")
    lines = re.split(r"\r\n|\r|\n", data[:_HEAD_BYTES].decode("utf-8-sig", errors="replace"))
    skipped = _count_remarks(lines)
    if skipped == len(lines):
        raise DataUnusableError(f"{name}: has no candles; fill it or remove it")
    first = lines[skipped]
    delimiter = delimiter_of(first)
    fields = [field.strip() for field in next(csv.reader([first], delimiter=delimiter))]
    headed = not _is_candle(fields)
    if data.count(b'"') % 2:
        raise DataUnusableError(_unclosed_quote(data, name, skipped + headed))
    columns = _columns(data, name, (delimiter, skipped + headed, len(fields)))
    if headed:
        return tuple(fields), columns, ()
    return NAMELESS, columns[: len(NAMELESS)], (NO_NAMES,)


def delimiter_of(line: str) -> str:
    """Return the sign between the cells of a first line: a comma may also be in a number."""
    return next((sign for sign in "\t;" if line.count(sign) >= _FEWEST_DELIMITERS), ",")


def _count_remarks(lines: list[str]) -> int:
    """Return how many lines of remarks and addresses come first."""
    following = [*lines[1:], ""]
    pairs = itertools.takewhile(lambda pair: _is_remark(*pair), zip(lines, following, strict=True))
    return sum(1 for _ in pairs)


def _is_remark(line: str, following: str) -> bool:
    """Tell whether a line is none of the table: an address, a comment, or shorter than the next."""
    bare = line.strip().strip('"')
    if not bare or bare.startswith(_REMARKS) or "://" in bare:
        return True
    return _width(line) < _FEWEST_DELIMITERS <= _width(following)


def _width(line: str) -> int:
    return line.count(delimiter_of(line))


def _is_candle(fields: list[str]) -> bool:
    """Tell whether a first line is a candle already: a time, then five numbers."""
    if len(fields) < len(NAMELESS) or not _DIGIT.match(fields[0]):
        return False
    return all(re.fullmatch(r"[+-]?[0-9.,eE+-]+", field) for field in fields[1 : len(NAMELESS)])


def _unclosed_quote(data: bytes, name: str, before: int) -> str:
    lines = io.BytesIO(data).readlines()[before:]
    row = next((i for i, line in enumerate(lines, 1) if line.count(b'"') % 2), 0)
    return f"{name}: row {row}: a quotation mark that is not closed; close it or remove it"


def _columns(data: bytes, name: str, shape: tuple[str, int, int]) -> tuple[Any, ...]:
    """Return the columns of text; `shape` is the delimiter, lines before the rows, and cells."""
    delimiter, before, cells = shape
    places = [str(i) for i in range(cells)]
    wrong: list[Any] = []

    def skip(row: Any) -> str:
        wrong.append(row)
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        pyarrow.csv.ReadOptions(use_threads=False, skip_rows=before, column_names=places),
        pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(places, pa.string())),
    )
    if wrong:
        row = wrong[0]
        raise DataUnusableError(
            f"{name}: row {row.number - before}: {row.text[:60]!r} has {row.actual_columns} "
            f"fields, the first line {row.expected_columns}; correct it or leave it out"
        )
    return tuple(column.combine_chunks() for column in table.columns)
