"""What a cell of a candle file says: an opening time, or a number."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from bot_exchange.market.file_rows import CandleFileError

FIRST_YEAR, END_YEAR = 2000, 2100
"""Times of other years are refused: units of time could not be told apart, nor a typing error."""
_FIRST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
_END = datetime(END_YEAR, 1, 1, tzinfo=UTC).timestamp()
_UNITS_PER_SECOND = (1, 10**3, 10**6, 10**9)
_EMPTY = {"", "nan", "null", "none", "na", "n/a"}
_CLOCK = (
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp][Mm])?)?\s*(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _CLOCK)
_YEAR_LAST = re.compile(r"(?P<one>\d{1,2})[-/.](?P<two>\d{1,2})[-/.](?P<year>\d{4})" + _CLOCK)


class TimeColumn:
    """Reads the opening times of one file, whose days and months stand in one order."""

    def __init__(self, cells: Sequence[Any]) -> None:
        """Look at all the cells: one alone may not tell the day from the month."""
        found = [_YEAR_LAST.fullmatch(c.strip()) for c in cells if isinstance(c, str)]
        last = [match for match in found if match]
        self._day_first = any(int(match["one"]) > 12 for match in last)
        self._month_first = any(int(match["two"]) > 12 for match in last)

    def to_ms(self, cell: Any) -> int:
        """Return a cell's time in ms since 1970. Raises ValueError with what is wrong."""
        if isinstance(cell, datetime):
            return _checked(cell if cell.tzinfo else cell.replace(tzinfo=UTC))
        if isinstance(cell, date):
            return _checked(datetime(cell.year, cell.month, cell.day, tzinfo=UTC))
        if isinstance(cell, (int, float)):
            return _of_number(cell)
        if not isinstance(cell, str) or not cell.strip():
            raise ValueError("no date")
        text = cell.strip()
        if re.fullmatch(r"\d+", text):
            return _of_number(int(text))
        if re.fullmatch(r"\d+\.\d*|\d+(\.\d*)?[eE]\+?\d+", text):
            return _of_number(float(text))
        return self._of_text(text)

    def _of_text(self, text: str) -> int:
        match = _YEAR_FIRST.fullmatch(text)
        if match:
            return _of_parts(match, int(match["month"]), int(match["day"]))
        match = _YEAR_LAST.fullmatch(text)
        if match is None:
            raise ValueError(f"found {text!r}, which cannot be read")
        if self._day_first == self._month_first:
            raise ValueError(
                f"found {text!r}: day and month cannot be told apart; write the year first, such "
                "as 2026-01-31"
            )
        one, two = int(match["one"]), int(match["two"])
        return _of_parts(match, two, one) if self._day_first else _of_parts(match, one, two)


def _of_number(number: float) -> int:
    """Return seconds, ms, microseconds or ns as ms; their magnitude tells them apart."""
    for per_second in _UNITS_PER_SECOND:
        if _FIRST * per_second <= number < _END * per_second:
            if per_second <= 1000:
                return round(number * (1000 // per_second))
            return int(number // (per_second // 1000))
    raise ValueError(
        f"found {number}, which is no time from {FIRST_YEAR} to {END_YEAR - 1} in seconds, "
        "milliseconds, microseconds or nanoseconds"
    )


def _of_parts(match: re.Match[str], month: int, day: int) -> int:
    hour = int(match["hour"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"found {match[0]!r}: no such hour")
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    part = int((match["part"] or "").ljust(6, "0")[:6])
    zone = _zone(match["zone"])
    try:
        moment = datetime(int(match["year"]), month, day, hour, minute, second, part, zone)
    except ValueError as e:
        raise ValueError(f"found {match[0]!r}: {e}") from e
    return _checked(moment)


def _zone(text: str | None) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _checked(moment: datetime) -> int:
    if not FIRST_YEAR <= moment.astimezone(UTC).year < END_YEAR:
        raise ValueError(f"found {moment.isoformat()}, not from {FIRST_YEAR} to {END_YEAR - 1}")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def read_numbers(cells: Sequence[Any]) -> list[float]:
    """Return cells as numbers, NaN for empty ones. Raises CandleFileError with the row.

    Commas are decimal where no cell has a point.
    """
    comma = not any(isinstance(cell, str) and "." in cell for cell in cells)
    return [_to_number(cell, row, comma=comma) for row, cell in enumerate(cells, 1)]


def _to_number(cell: Any, row: int, *, comma: bool) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        text = cell.strip()
        if text.lower() in _EMPTY:
            return math.nan
        cell = text.replace(",", ".", 1) if comma else text
        if "_" in text:
            cell = "_"
    try:
        return float(cell)
    except (TypeError, ValueError):
        raise CandleFileError(f"row {row}: found {cell!r}, which cannot be read") from None
