"""Delimited text as columns: remarks before it, its delimiter, with a header or without one."""

import csv
import itertools
import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """Names, columns of text, and the sign between them."""

    names: tuple[str, ...]
    columns: tuple[Any, ...]
    delimiter: str
    notes: tuple[str, ...] = ()


def read_text(data: bytes, name: str) -> TextTable:
    """Return the table in a text. Raises DataUnusableError by row, counted from 1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        raise DataUnusableError(f"{name}: is UTF-16; save it as UTF-8")
    if b"\x00" in data:
        raise DataUnusableError(f"{name}: has NUL bytes; write csv, or name it after its format")
    lines = re.split(r"\r\n|\r|\n", data[:_HEAD_BYTES].decode("utf-8-sig", errors="replace"))
    skipped = _count_remarks(lines)
    if skipped == len(lines):
        raise DataUnusableError(f"{name}: has no candles; fill it or remove it")
    first = lines[skipped]
    delimiter = delimiter_of(first)
    fields = [field.strip() for field in next(csv.reader([first], delimiter=delimiter))]
    headed = not _is_candle(fields)
    _refuse_open_quotes(data, name, skipped + headed)
    columns = _columns(data, name, (delimiter, skipped + headed, len(fields)))
    if headed:
        return TextTable(tuple(fields), columns, delimiter)
    return TextTable(NAMELESS, columns[: len(NAMELESS)], delimiter, (NO_NAMES,))


def delimiter_of(line: str) -> str:
    """Return the sign between the cells of a first line: a comma may also be in a number."""
    return next((sign for sign in "\t;" if line.count(sign) >= _FEWEST_DELIMITERS), ",")


def _count_remarks(lines: list[str]) -> int:
    """Return how many lines of remarks and addresses come first."""
    for number, (line, following) in enumerate(itertools.zip_longest(lines, lines[1:])):
        bare = line.strip().strip('"')
        if not bare or bare.startswith(_REMARKS) or "://" in bare:
            continue
        is_short = _width(line) < _FEWEST_DELIMITERS <= _width(following or "")
        if not is_short or number >= _LINES_OF_REMARKS:
            return number
    return len(lines)


def _width(line: str) -> int:
    return line.count(delimiter_of(line))


def _is_candle(fields: list[str]) -> bool:
    """Tell whether a first line is a candle already: a time, then five numbers."""
    if len(fields) < len(NAMELESS) or not _DIGIT.match(fields[0]):
        return False
    return all(re.fullmatch(r"[+-]?[0-9.,eE+-]+", field) for field in fields[1 : len(NAMELESS)])


def _refuse_open_quotes(data: bytes, name: str, before: int) -> None:
    """Refuse a row whose quotation marks are not closed in it: it would swallow what follows."""
    if b'"' not in data:
        return
    for row, line in enumerate(data.splitlines()[before:], 1):
        if line.count(b'"') % 2:
            raise DataUnusableError(
                f"{name}: row {row}: a quotation mark that is not closed; close it or remove it"
            )


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
