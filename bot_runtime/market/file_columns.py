"""Which column of a user's candle file is which, whatever it is called."""

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bot_runtime.arrays import Values
from bot_runtime.market.candles import PRICE_COLUMNS
from bot_runtime.process.errors import DataUnusableError

TIME_NAMES: Final = (
    "unix",
    "unixtimestamp",
    "timestamp",
    "opentime",
    "opentimems",
    "starttime",
    "time",
    "datetime",
    "date",
    "indexlevel0",  # what pandas calls an index without a name, in parquet
    "",  # and in csv
)
"""Names of the column of opening times, bare of all but letters and digits; the first one counts.

Where a file has a time as a number and as a text, the number comes first: it has no time zone.
"""
_ABSENT: Final = ["", "nan", "null", "none", "na", "n/a"]


def find_columns(names: list[str], file: str, base: str | None) -> dict[str, str]:
    """Return which name in the file is time, open, high, low, close and volume.

    `base` is the market's base currency: files with several volumes name theirs after it. Raises
    DataUnusableError where a column is absent or there are two of it.
    """
    bare: dict[str, list[str]] = {}
    for name in names:
        bare.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), []).append(name)
    chosen: dict[str, list[str]] = {
        "time": next((bare[name] for name in TIME_NAMES if name in bare), []),
        **{name: bare.get(name, []) for name in PRICE_COLUMNS},
        "volume": _volume(bare, base),
    }
    absent = [name for name, found in chosen.items() if not found]
    if absent:
        several = [name for name in names if "vol" in name.lower()] if "volume" in absent else []
        hint = (
            f"; name the base currency's of {', '.join(several)} 'volume', or the file after its "
            "market, such as BTC-USDT-5m.csv"
            if several
            else ""
        )
        raise DataUnusableError(
            f"{file}: has no column {', '.join(absent)}; found {', '.join(names)}{hint}"
        )
    for name, found in chosen.items():
        if len(found) > 1:
            raise DataUnusableError(
                f"{file}: columns {', '.join(map(repr, found))} are both {name}; leave one"
            )
    return {name: found[0] for name, found in chosen.items()}


def _volume(bare: dict[str, list[str]], base: str | None) -> list[str]:
    own = (f"volume{base.lower()}", f"{base.lower()}volume") if base else ()
    wanted = ("volume", "basevolume", "volumebase", *own)
    return next((bare[name] for name in wanted if name in bare), [])


def read_numbers(column: Any, name: str) -> Values:
    """Return an Arrow column as numbers, NaN where there is none; raises DataUnusableError by row.

    A decimal comma is read where the text has no point.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _of_text(pc.utf8_trim_whitespace(column), name)
    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    except (pa.ArrowException, ValueError) as e:
        raise DataUnusableError(f"{name}: found {column.type}; write numbers") from e


def _of_text(column: Any, name: str) -> Any:
    absent = pc.is_in(pc.utf8_lower(column), pa.array(_ABSENT))
    column = pc.if_else(absent, pa.scalar(None, pa.string()), column)
    decimal_comma = pc.any(pc.match_substring_regex(column, "^-?[0-9]+,[0-9]+$")).as_py()
    if decimal_comma and not pc.any(pc.match_substring(column, ".")).as_py():
        column = pc.replace_substring(column, ",", ".", max_replacements=1)
    wrong = pc.invert(pc.match_substring_regex(column, _NUMBER))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise DataUnusableError(
            f"{name}: row {row + 1}: found {column[row].as_py()!r}; write a number"
        )
    return column


_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(inf|infinity|Inf)$"
