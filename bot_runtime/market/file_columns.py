"""Which column of a user's candle file is which, whatever it is called, and its numbers."""

import re
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
_GROUPS: Final = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+$"


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


def read_numbers(column: Any, name: str) -> tuple[Values, bool]:
    """Return an Arrow column as numbers, NaN where there is none, and whether commas are decimal.

    Raises DataUnusableError by row, counted from 1.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    commas = False
    if is_text(column.type):
        column, commas = _of_text(pc.utf8_trim_whitespace(column.cast(pa.string())), name)
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


def _of_text(column: Any, name: str) -> tuple[Any, bool]:
    absent = pc.is_in(pc.utf8_lower(column), pa.array(_ABSENT))
    column = pc.if_else(absent, pa.scalar(None, pa.string()), column)
    with_comma = _flags(pc.match_substring_regex(column, _COMMA))
    commas = bool(with_comma.any()) and not _flags(pc.match_substring(column, ".")).any()
    if commas:
        groups = _flags(pc.match_substring_regex(column, _GROUPS))
        if (groups == _flags(pc.match_substring(column, ","))).all():
            text = column[int(np.argmax(groups))].as_py()
            raise DataUnusableError(
                f"{name}: row {int(np.argmax(groups)) + 1}: found {text!r}, which may be "
                f"{text.replace(',', '')} or {text.replace(',', '.', 1)}; write it without "
                "separators"
            )
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
