"""Which column of a user's candle file is which, whatever it is called, and its numbers."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bot_runtime.arrays import Flags, Values
from bot_runtime.market.candles import PRICE_COLUMNS
from bot_runtime.process.errors import DataUnusableError

TIME_NAMES: Final = (
    *("opentime", "opentimems", "opentimeutc", "klineopentime", "starttime"),
    *("unix", "unixtime", "unixtimestamp", "timestamp", "timestampms"),
    *("time", "ts", "datetime", "datetimeutc", "date", "dateutc"),
    *("index", "indexlevel0", ""),  # an index: of R, of pandas in parquet and in csv
)
"""Names of the column of opening times, bare of all but letters and digits; the first one counts.

Where a file has a time as a number and as a text, the number comes first: it has no time zone.
"""
VOLUME_NAMES: Final = ("volume", "basevolume", "volumebase", "baseassetvolume", "volumefrom")
DECIMAL_COMMAS: Final = "numbers with decimal commas"
_ABSENT: Final = ["", "nan", "null", "none", "na", "n/a", "#n/a"]
_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?[Ii]nf(inity)?$"
_COMMA: Final = r"^[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?$"
_GROUPS: Final = {sign: rf"^[+-]?[0-9]{{1,3}}(\{sign}[0-9]{{3}})+$" for sign in ",."}


def find_columns(names: tuple[str, ...], file: str, base: str | None) -> dict[str, int]:
    """Return the places of time, open, high, low, close and volume among a file's columns.

    `base` is the market's base currency: files with several volumes name theirs after it. Raises
    DataUnusableError where a column is absent or there are two of it.
    """
    bare: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        bare.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), []).append(place)
    volumes = (f"volume{base.lower()}", f"{base.lower()}volume") if base else ()
    spellings = {
        "time": TIME_NAMES,
        **{name: (name,) for name in PRICE_COLUMNS},
        "volume": (*VOLUME_NAMES, *volumes),
    }
    found = {
        wanted: next((bare[name] for name in known if name in bare), [])
        for wanted, known in spellings.items()
    }
    _refuse_absent(found, names, file)
    for wanted, places in found.items():
        if len(places) > 1:
            same = ", ".join(repr(names[place]) for place in places)
            raise DataUnusableError(f"{file}: columns {same} are both {wanted}; leave one")
    return {wanted: places[0] for wanted, places in found.items()}


def _refuse_absent(found: dict[str, list[int]], names: tuple[str, ...], file: str) -> None:
    absent = [name for name, places in found.items() if not places]
    if not absent:
        return
    hint = "; name them so in a header"
    if absent == ["time"]:
        hint = "; name the one of the opening times date or open_time"
    several = [name for name in names if "vol" in name.lower()]
    if absent == ["volume"] and several:
        hint = f"; name the base currency's of {', '.join(several)} volume"
    raise DataUnusableError(
        f"{file}: has no column {', '.join(absent)}; found {', '.join(names)}{hint}"
    )


def read_values(
    columns: Sequence[Any], names: Sequence[str], *, decimal_commas: bool
) -> tuple[Values, bool]:
    """Return Arrow columns as numbers (n, columns), NaN where there is none.

    Also tells whether their decimals stand after a comma; `decimal_commas` says that they may.
    Raises DataUnusableError by row, counted from 1.
    """
    read = [
        _read_numbers(column, name, decimal_commas=decimal_commas)
        for column, name in zip(columns, names, strict=True)
    ]
    commas = any(with_commas for _, with_commas in read)
    if commas:
        for column, name in zip(columns, names, strict=True):
            _refuse_points_of_groups(column, name)
    return np.stack([values for values, _ in read], axis=1), commas


def _read_numbers(column: Any, name: str, *, decimal_commas: bool) -> tuple[Values, bool]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    commas = False
    if is_text(column.type):
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        column, commas = _of_text(column, name, decimal_commas=decimal_commas)
    elif pa.types.is_boolean(column.type):
        raise DataUnusableError(f"{name}: row 1: found {column[0].as_py()}; write a number")
    try:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, ValueError) as e:
        raise DataUnusableError(f"{name}: found {column.type}; write numbers") from e
    return np.asarray(values, np.float64), commas


def is_text(kind: Any) -> bool:
    """Tell whether an Arrow type is text, of any of its layouts."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(check(kind) for check in kinds)


def _refuse_points_of_groups(column: Any, name: str) -> None:
    """Refuse points that stand as those of thousands do, beside columns with decimal commas."""
    if not is_text(column.type):
        return
    column = pc.utf8_trim_whitespace(column.cast(pa.string()))
    points = _flags(pc.match_substring(column, "."))
    groups = _flags(pc.match_substring_regex(column, _GROUPS["."]))
    if points.any() and (points == groups).all():
        _refuse_groups(column[int(np.argmax(groups))].as_py(), int(np.argmax(groups)), ".", name)


def _refuse_groups(text: str, row: int, sign: str, name: str) -> None:
    raise DataUnusableError(
        f"{name}: row {row + 1}: found {text!r}, which may be {text.replace(sign, '')} or "
        f"{text.replace(sign, '.', 1)}; write it without separators"
    )


def _of_text(column: Any, name: str, *, decimal_commas: bool) -> tuple[Any, bool]:
    absent = pc.is_in(pc.utf8_lower(column), pa.array(_ABSENT))
    column = pc.if_else(absent, pa.scalar(None, pa.string()), column)
    with_comma = _flags(pc.match_substring_regex(column, _COMMA))
    with_point = _flags(pc.match_substring(column, "."))
    commas = decimal_commas and bool(with_comma.any()) and not with_point.any()
    if commas:
        groups = _flags(pc.match_substring_regex(column, _GROUPS[","]))
        if (groups == _flags(pc.match_substring(column, ","))).all():
            first = int(np.argmax(groups))
            _refuse_groups(column[first].as_py(), first, ",", name)
        column = pc.replace_substring(column, ",", ".", max_replacements=1)
    wrong = ~_flags(pc.match_substring_regex(column, _NUMBER)) & ~_flags(column.is_null())
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataUnusableError(
            f"{name}: row {row + 1}: found {column[row].as_py()!r}; write a number, without "
            "separators of thousands"
        )
    return column, commas


def _flags(column: Any) -> Flags:
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
