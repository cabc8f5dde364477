"""Opening times of a user's candle file, however they are written, as milliseconds since 1970.

Numbers count seconds, milliseconds, microseconds or nanoseconds; the magnitude tells which, for
each row by itself. Text is a date, year first or with day and month that can be told apart.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bot_runtime.arrays import Flags, Rows, Times
from bot_runtime.market.file_columns import is_text
from bot_runtime.process.errors import DataUnusableError

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""No candle opens in another year: that is how units of time and typing errors are told."""
NO_OFFSET: Final = "times without an offset are taken as UTC"

_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_WORDS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_LARGEST_OFFSET_MINUTES: Final = 14 * 60
_FIRST_SECOND: Final = int(np.datetime64(f"{FIRST_YEAR}-01-01", "s").astype(np.int64))
_END_SECOND: Final = int(np.datetime64(f"{LAST_YEAR + 1}-01-01", "s").astype(np.int64))
_NUMBER: Final = r"^[0-9]+(\.[0-9]*)?([eE]\+?[0-9]+)?$"
_CLOCK: Final = (
    r"(?:[T ]\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"\s*(?P<half>[AaPp][Mm])?)?"
    r"\s*(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?$"
)
_WHOLE_HOUR: Final = r" ([0-9]{1,2})-([AaPp][Mm])$"  # 2019-12-04 11-AM
_YEAR_FIRST: Final = (
    r"^(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})" + _CLOCK
)
_YEAR_LAST: Final = r"^(?P<one>[0-9]{1,2})[-/.](?P<two>[0-9]{1,2})[-/.](?P<year>[0-9]{4})" + _CLOCK


@dataclass(frozen=True, slots=True, eq=False)
class FileTimes:
    """(n,) opening times in ms; `units` are the units of numbers found, in words."""

    ms: Times
    units: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_times(column: Any, name: str) -> FileTimes:
    """Return the times of an Arrow column. Raises DataUnusableError by row, counted from 1.

    `name` says in the message which column of which file it is.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        _refuse(pc.equal(pc.fill_null(column, ""), ""), column, name, "has no time")
        return _of_text(column, name)
    _refuse(column.is_null(), column, name, "has no time")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        notes = () if getattr(column.type, "tz", None) else (NO_OFFSET,)
        return FileTimes(_of_moments(column, name), ("timestamps",), notes)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return _of_numbers(column, name)
    raise DataUnusableError(f"{name}: found {column.type}; write times as text or numbers")


def _of_moments(column: Any, name: str) -> Times:
    """Return times of Arrow's own kinds; a time zone changes only how they are written."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    numbers = column.cast(pa.int64()).to_numpy()
    per_second = _PER_SECOND[column.type.unit]
    inside = (numbers >= _FIRST_SECOND * per_second) & (numbers < _END_SECOND * per_second)
    if not inside.all():
        first = int(np.argmin(inside))
        raise DataUnusableError(
            f"{name}: row {first + 1}: {np.datetime64(int(numbers[first]), column.type.unit)} is "
            f"no time from {FIRST_YEAR} to {LAST_YEAR}, and {int((~inside).sum()) - 1} more rows; "
            f"the column counts {column.type.unit}: correct its unit"
        )
    return _to_ms(numbers, per_second)


def _of_text(column: Any, name: str) -> FileTimes:
    """Return times of text, each row a number or a date by itself."""
    numeric = _flags(pc.match_substring_regex(column, _NUMBER))
    if numeric.all():
        return _of_numbers(_numbers(column), name)
    if not numeric.any():
        return _of_dates(column, name, np.arange(len(column)))
    ms = np.empty(len(column), dtype=np.int64)
    rows, others = np.flatnonzero(numeric), np.flatnonzero(~numeric)
    numbers = _of_numbers(_numbers(column.take(pa.array(rows))), name, rows)
    dates = _of_dates(column.take(pa.array(others)), name, others)
    ms[rows], ms[others] = numbers.ms, dates.ms
    return FileTimes(ms, (*numbers.units, *dates.units), dates.notes)


def _numbers(column: Any) -> Any:
    """Return numeric text as numbers: whole ones to the last digit."""
    whole = pc.all(pc.match_substring_regex(column, "^[0-9]{1,18}$")).as_py()
    return column.cast(pa.int64() if whole else pa.float64())


def _of_numbers(column: Any, name: str, rows: Rows | None = None) -> FileTimes:
    """Return times of numbers; each row's magnitude tells its unit."""
    kind = pa.int64() if pa.types.is_integer(column.type) else pa.float64()
    numbers = column.cast(kind, safe=False).to_numpy()
    ms = np.zeros(len(numbers), dtype=np.int64)
    known = np.zeros(len(numbers), dtype=np.bool_)
    units = []
    for unit, per_second in _PER_SECOND.items():
        own = (numbers >= _FIRST_SECOND * per_second) & (numbers < _END_SECOND * per_second)
        if own.any():
            units.append(_WORDS[unit])
            ms[own] = _to_ms(numbers[own], per_second)
            known |= own
    _refuse(~known, column, name, _OTHER_YEARS, rows)
    return FileTimes(ms, tuple(units))


def _to_ms(numbers: Any, per_second: int) -> Times:
    if per_second <= 1000:
        return np.asarray(np.rint(numbers * (1000 // per_second)), dtype=np.int64)
    return np.asarray(numbers // (per_second // 1000), dtype=np.int64)


def _of_dates(column: Any, name: str, rows: Rows) -> FileTimes:
    """Return times of dates as people write them; one order of day and month holds for all."""
    written = pc.replace_substring_regex(column, _WHOLE_HOUR, r" \1:00 \2")
    parts = pc.extract_regex(written, _YEAR_FIRST)
    if parts.null_count:
        other = pc.extract_regex(written, _YEAR_LAST)
        _refuse(
            _flags(parts.is_null()) & _flags(other.is_null()),
            column,
            name,
            "is no time; write it as 2026-01-31T12:00:00Z, or as seconds or milliseconds",
            rows,
        )
        if parts.null_count < len(column):
            _refuse(parts.is_null(), column, name, "has the year last, others have it first", rows)
        day, month = _day_and_month(other, column, name, rows)
        parts = other
    else:
        day, month = _whole(parts, "day"), _whole(parts, "month")
    year = _whole(parts, "year")
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    wrong = (month < 1) | (month > 12) | (day < 1) | (dates.astype("datetime64[M]") != months)
    clock, wrong_clock = _clock_ms(parts)
    _refuse(wrong | wrong_clock, column, name, "is no day or time of the calendar", rows)
    zone = pc.struct_field(parts, "zone")
    offset, wrong_offset = _offset_ms(zone)
    _refuse(wrong_offset, column, name, "has an offset that no time zone has", rows)
    ms = dates.astype("datetime64[ms]").astype(np.int64) + clock - offset
    _refuse_years(ms, column, name, rows)
    notes = (NO_OFFSET,) if pc.any(pc.equal(zone, "")).as_py() else ()
    return FileTimes(ms, ("dates",), notes)


def _day_and_month(parts: Any, column: Any, name: str, rows: Rows) -> tuple[Times, Times]:
    """Return day and month where a number above 12 tells them apart, in any row of the file."""
    one, two = _whole(parts, "one"), _whole(parts, "two")
    if not (one > 12).any() and not (two > 12).any():
        text = column[0].as_py()
        raise DataUnusableError(
            f"{name}: row {int(rows[0]) + 1}: {text!r}: day and month cannot be told apart in any "
            "row; write the year first, such as 2026-01-31"
        )
    if (one > 12).any():
        _refuse(two > 12, column, name, "has the month first, others have the day first", rows)
        return one, two
    return two, one


def _clock_ms(parts: Any) -> tuple[Times, Flags]:
    """Return the time of the day in ms, and which rows have none that exists."""
    hour, minute, second = (_whole(parts, unit) for unit in ("hour", "minute", "second"))
    half = pc.utf8_lower(pc.struct_field(parts, "half"))
    halved = _flags(pc.not_equal(half, ""))
    wrong = (hour > 23) | (minute > 59) | (second > 59) | (halved & ((hour < 1) | (hour > 12)))
    hour = np.where(halved, hour % 12 + 12 * _flags(pc.equal(half, "pm")), hour)
    fraction = pc.utf8_slice_codeunits(
        pc.utf8_rpad(pc.struct_field(parts, "fraction"), 3, "0"), 0, 3
    )
    return ((hour * 60 + minute) * 60 + second) * 1000 + fraction.cast(pa.int64()).to_numpy(), wrong


def _offset_ms(zone: Any) -> tuple[Times, Flags]:
    """Return offsets from UTC in ms (+02:00, -0530, +01; Z, UTC, GMT, none: 0), and wrong ones."""
    digits = pc.replace_substring_regex(zone, "[^0-9]", "")
    digits = pc.utf8_rpad(digits, 4, "0").cast(pa.int64()).to_numpy()
    sign = np.where(_flags(pc.starts_with(zone, "-")), -1, 1)
    minutes = digits // 100 * 60 + digits % 100
    wrong = (minutes > _LARGEST_OFFSET_MINUTES) | (digits % 100 > 59)
    return np.asarray(sign * minutes * 60_000), np.asarray(wrong)


def _whole(parts: Any, field: str) -> Times:
    """Return a field of a date as whole numbers, 0 where it is not written."""
    text = pc.struct_field(parts, field)
    text = pc.if_else(pc.equal(text, ""), "0", text)
    return np.asarray(text.cast(pa.int64()).to_numpy())


_OTHER_YEARS: Final = (
    f"is no time from {FIRST_YEAR} to {LAST_YEAR}, in seconds, milliseconds, microseconds or "
    "nanoseconds since 1970; correct it or leave the row out"
)


def _refuse_years(ms: Times, column: Any, name: str, rows: Rows | None = None) -> None:
    wrong = (ms < _FIRST_SECOND * 1000) | (ms >= _END_SECOND * 1000)
    words = f"is not from {FIRST_YEAR} to {LAST_YEAR}; correct the year or leave the row out"
    _refuse(wrong, column, name, words, rows)


def _refuse(bad: Any, column: Any, name: str, words: str, rows: Rows | None = None) -> None:
    """Raise DataUnusableError that names the first bad row and how many there are."""
    flags = bad if isinstance(bad, np.ndarray) else _flags(bad)
    if not flags.any():
        return
    first = int(np.argmax(flags))
    row = int(rows[first]) + 1 if rows is not None else first + 1
    value = column[first].as_py()
    found = value if value is None or isinstance(value, (int, float, str)) else str(value)
    more = f", and {int(flags.sum()) - 1} more rows" if flags.sum() > 1 else ""
    raise DataUnusableError(f"{name}: row {row}: {found!r} {words}{more}")


def _flags(column: Any) -> Flags:
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
