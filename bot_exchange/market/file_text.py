"""Candle files of text: csv with or without a header, json, and json in lines."""

import csv
import json
import re
from collections.abc import Callable
from typing import Any

from bot_exchange.market.file_rows import NAMELESS, NO_NAMES, CandleFileError, FileRows, shown

_NEWLINE = re.compile(r"\r\n|\n|\r")
_DELIMITERS = "\t;,"
_FEWEST_DELIMITERS = len(NAMELESS) - 1
_LAST_BANNER = 10
"""Up to this line a short one may be a banner."""


def read_csv(data: bytes) -> FileRows:
    """Return the rows of delimited text. Raises CandleFileError with the row."""
    lines = _NEWLINE.split(_decoded(data, "csv"))
    lines = lines[_count_remarks(lines) :]
    if not lines:
        raise CandleFileError("no rows")
    delimiter = next((d for d in "\t;" if lines[0].count(d) >= _FEWEST_DELIMITERS), ",")
    rows, closed = _split(lines, delimiter)
    if not rows:
        raise CandleFileError("first line: a quotation mark that is not closed")
    names = [cell.strip() for cell in rows[0]]
    notes: tuple[str, ...] = ()
    if _looks_like_candle(names):
        names = [*NAMELESS, *(f"column {i}" for i in range(len(NAMELESS), len(names)))]
        notes = (NO_NAMES,)
    else:
        del rows[0]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise CandleFileError(f"row {number}: found {len(row)} fields, expected {len(names)}")
    if not closed:
        raise CandleFileError(
            f"row {len(rows) + 1}: a quotation mark that is not closed; close it in its line"
        )
    return FileRows(names, len(rows), _places(rows), delimiter == ",", notes)


def _decoded(data: bytes, kind: str) -> str:
    """Return text in UTF-8. Raises CandleFileError where the bytes are another text, or none."""
    head = data[:200]
    even, odd = head[::2].count(0), head[1::2].count(0)
    every_other = min(even, odd) == 0 and max(even, odd) * 4 > len(head)
    if every_other or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CandleFileError("is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise CandleFileError(f"has NUL bytes, which no {kind} file has; write it again")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise CandleFileError(f"not a {kind} file in UTF-8: {e}") from e


def _count_remarks(lines: list[str]) -> int:
    """Return how many lines come before the header, or the first candle."""
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        banner = number < _LAST_BANNER and not _is_row(line) and _is_row(following)
        if not banner and not _is_remark(line):
            return number
    return len(lines)


def _is_remark(line: str) -> bool:
    text = line.strip(' "\t')
    return text == "" or "://" in text or text.startswith(("#", "//", "--", "sep="))


def _is_row(line: str) -> bool:
    return max(map(line.count, _DELIMITERS)) >= _FEWEST_DELIMITERS


def _split(lines: list[str], delimiter: str) -> tuple[list[list[str]], bool]:
    """Return the cells of each line, and whether every cell ends in its line.

    Ends before the first that does not: it would swallow the rows up to the next quotation mark.
    """
    rows: list[list[str]] = []
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for number, row in enumerate(reader, 1):
            if reader.line_num != number:
                return rows, False
            if row:
                rows.append(row)
    except csv.Error:
        return rows, False
    return rows, True


def _looks_like_candle(cells: list[str]) -> bool:
    """Tell whether a first line is data: no header has a number in the place of a price."""
    try:
        prices = [float(cell.replace(",", ".")) for cell in cells[1:6]]
    except ValueError:
        return False
    return len(prices) == 5 and cells[0][:1].isdigit()


def read_json(data: bytes) -> FileRows:
    """Return the rows of a list of lists or of objects. Raises CandleFileError with the row."""
    rows = _parsed(_decoded(data, "json"))
    if not isinstance(rows, list):
        raise CandleFileError("not a list of candles")
    if rows and all(isinstance(row, dict) for row in rows):
        names = list(dict.fromkeys(key for row in rows for key in row))
        return FileRows(names, len(rows), lambda place: [row.get(names[place]) for row in rows])
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) < len(NAMELESS):
            raise CandleFileError(
                f"row {number}: found {shown(row)}, not a list of {', '.join(NAMELESS)}"
            )
    return FileRows(list(NAMELESS), len(rows), _places(rows), notes=(NO_NAMES,))


def _parsed(text: str) -> Any:
    """Return what json says: a list, or the list of its lines where each is a value by itself."""
    try:
        return _json(text)
    except ValueError as e:
        whole = CandleFileError(f"not a json file of candles: {e}")
    rows = []
    for line in filter(str.strip, _NEWLINE.split(text)):
        try:
            rows.append(_json(line))
        except ValueError as e:
            if not rows:
                raise whole from e
            raise CandleFileError(f"row {len(rows) + 1}: not json: {e}") from e
    return rows


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists lie too deep in each other") from None
    except json.JSONDecodeError:
        raise
    except ValueError:
        raise ValueError("a number has too many digits") from None


def _places(rows: list[list[Any]]) -> Callable[[int], list[Any]]:
    return lambda place: [row[place] for row in rows]
