"""Opening times of a candle file, however they are written."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np

from bot_exchange.market.file_rows import shown

FIRST_YEAR, END_YEAR = 2000, 2100
"""Times of other years are refused: units of time could not be told apart, nor a typing error."""
_FIRST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
_END = datetime(END_YEAR, 1, 1, tzinfo=UTC).timestamp()
_UNITS_PER_SECOND = (1, 10**3, 10**6, 10**9)
_WIDEST_OFFSET = timedelta(hours=14)
_CLOCK = (
    r"(?:[T ]\s*(?P<hour>\d{1,2})(?:-(?P<half_day>[AaPp][Mm])"
    r"|:(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?)"
    r")?\s*(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _CLOCK, re.ASCII
)
_YEAR_LAST = re.compile(
    r"(?P<one>\d{1,2})[-/.](?P<two>\d{1,2})[-/.](?P<year>\d{4})" + _CLOCK, re.ASCII
)
_INTEGER = re.compile(r"[0-9]{1,30}")
_FLOAT = re.compile(r"[0-9]{1,30}(\.[0-9]*)?([eE]\+?[0-9]{1,3})?")


class TimeColumn:
    """Reads the opening times of one file, whose years, months and days stand in one order."""

    def __init__(self, cells: Sequence[Any]) -> None:
        """Look at all the cells: one alone may not tell the day from the month."""
        texts = [cell.strip() for cell in cells if isinstance(cell, str)]
        last = [match for match in map(_YEAR_LAST.fullmatch, texts) if match]
        self._day_first = any(int(match["one"]) > 12 for match in last)
        self._month_first = any(int(match["two"]) > 12 for match in last)
        first = next((t for t in texts if _YEAR_FIRST.fullmatch(t) or _YEAR_LAST.fullmatch(t)), "")
        self._first_date = first
        self._year_first = bool(_YEAR_FIRST.fullmatch(first))

    def to_ms(self, cell: Any) -> int:
        """Return a cell's time in ms since 1970. Raises ValueError with what is wrong."""
        if isinstance(cell, np.datetime64):
            return _of_timestamp(cell)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
            return _of_number(cell)
        if cell is not None and not isinstance(cell, str):
            raise ValueError(f"found {shown(cell)}; write a time as text or number")
        text = (cell or "").strip()
        if not text:
            raise ValueError("no date")
        if _INTEGER.fullmatch(text):
            return _of_number(int(text))
        if _FLOAT.fullmatch(text):
            return _of_number(float(text))
        return self._of_text(text)

    def _of_text(self, text: str) -> int:
        year_first = _YEAR_FIRST.fullmatch(text)
        match = year_first or _YEAR_LAST.fullmatch(text)
        if match is None:
            raise ValueError(f"found {shown(text)}, which cannot be read; write 2026-01-31 12:00")
        if bool(year_first) != self._year_first:
            raise ValueError(
                f"found {text!r}, but {self._first_date!r} in a row before; write the year first "
                "in all rows, or last in all"
            )
        if year_first:
            return _of_parts(match, int(match["month"]), int(match["day"]))
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
        f"found {shown(number)}, which is no time from {FIRST_YEAR} to {END_YEAR - 1} in seconds, "
        "milliseconds, microseconds or nanoseconds"
    )


def _of_timestamp(moment: np.datetime64) -> int:
    if np.isnat(moment):
        raise ValueError("no date")
    if not _FIRST <= int(moment.astype("datetime64[s]").astype(np.int64)) < _END:
        raise ValueError(f"found {moment}, not from {FIRST_YEAR} to {END_YEAR - 1}")
    return int(moment.astype("datetime64[ms]").astype(np.int64))


def _of_parts(match: re.Match[str], month: int, day: int) -> int:
    hour = int(match["hour"] or 0)
    half = match["half"] or match["half_day"]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"found {match[0]!r}: no such hour")
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    part = int((match["part"] or "").ljust(6, "0")[:6])
    try:
        zone = _zone(match["zone"])
        moment = datetime(int(match["year"]), month, day, hour, minute, second, part, zone)
    except ValueError as e:
        raise ValueError(f"found {match[0]!r}: {e}") from e
    return _checked(moment)


def _zone(text: str | None) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes >= 60 or offset > _WIDEST_OFFSET:
        raise ValueError(f"no such offset from UTC: {text}")
    return timezone(-offset if text[0] == "-" else offset)


def _checked(moment: datetime) -> int:
    if not FIRST_YEAR <= moment.astimezone(UTC).year < END_YEAR:
        raise ValueError(f"found {moment.isoformat()}, not from {FIRST_YEAR} to {END_YEAR - 1}")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
