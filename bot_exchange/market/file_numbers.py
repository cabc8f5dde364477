"""Prices and volumes of a candle file as numbers, with points or with decimal commas."""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot_exchange.market.file_rows import CandleFileError, shown

DECIMAL_COMMAS = "numbers with decimal commas"
_EMPTY = {"", "nan", "null", "none", "na", "n/a"}
_GROUPS_OF_THREE = re.compile(r"[+-]?[0-9]{1,3}([.,][0-9]{3})+")

Column = npt.NDArray[np.float64]


def read_numbers(
    columns: Mapping[str, Sequence[Any]], *, commas_delimit: bool
) -> tuple[list[Column], tuple[str, ...]]:
    """Return the columns' cells as numbers, NaN for empty ones, and notes of what was assumed.

    Raises CandleFileError with the row for what is no number, or could be two numbers.
    """
    separated = {name: _separated(cells) for name, cells in columns.items()}
    decimal = set() if commas_delimit else {n for n, rows in separated.items() if _decimal(rows)}
    for name, rows in separated.items():
        if name not in decimal:
            _refuse_groups(name, rows, points=bool(decimal))
    values = [_numbers(cells, name, comma=name in decimal) for name, cells in columns.items()]
    return values, (DECIMAL_COMMAS,) if decimal else ()


def _separated(cells: Sequence[Any]) -> dict[int, str]:
    """Return the texts that have a comma or a point, by their row."""
    return {
        row: cell.strip()
        for row, cell in enumerate(cells, 1)
        if isinstance(cell, str) and ("," in cell or "." in cell)
    }


def _decimal(rows: dict[int, str]) -> bool:
    """Tell whether a column has decimal commas: no point, and not every comma as thousands have."""
    return bool(rows) and not any("." in text for text in rows.values()) and not _grouped(rows)


def _grouped(rows: dict[int, str]) -> bool:
    return all(_GROUPS_OF_THREE.fullmatch(text) for text in rows.values())


def _refuse_groups(name: str, rows: dict[int, str], *, points: bool) -> None:
    """Raise CandleFileError for the first number with commas that are not known to be decimal.

    With `points` other columns have decimal commas, so that points may separate thousands here.
    """
    suspect = points and _grouped(rows)
    for row, text in rows.items():
        if "," in text or suspect:
            whole, part = re.sub("[.,]", "", text), text.replace(",", ".")
            either = f", which may be {whole} or {part}" if _is_one_group(text) else ""
            raise CandleFileError(
                f"row {row}: found {shown(text)} for {name}{either}; write it without separators "
                "of thousands, and with a decimal point"
            )


def _is_one_group(text: str) -> bool:
    return bool(_GROUPS_OF_THREE.fullmatch(text)) and len(re.findall("[.,]", text)) == 1


def _numbers(cells: Sequence[Any], name: str, *, comma: bool) -> Column:
    values = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            values[i] = _to_number(cell, comma=comma)
        except (TypeError, ValueError, OverflowError):
            raise CandleFileError(
                f"row {i + 1}: found {shown(cell)} for {name}; write a number"
            ) from None
    return values


def _to_number(cell: Any, *, comma: bool) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        text = cell.strip()
        if text.lower() in _EMPTY:
            return math.nan
        if not text.isascii() or "_" in text:  # float reads 1_000 and digits of other scripts
            raise ValueError(text)
        return float(text.replace(",", ".", 1) if comma else text)
    if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool):
        return float(cell)
    raise TypeError(type(cell))
