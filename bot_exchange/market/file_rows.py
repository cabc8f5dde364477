"""What a candle file holds before anything of it is understood: names, and cells in rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMELESS = ("time", "open", "high", "low", "close", "volume")
"""The columns of a file that names none: exchanges dump them in this order, and more after them."""
NO_NAMES = f"no header: columns are taken as {', '.join(NAMELESS)}"


class CandleFileError(ValueError):
    """A file that cannot be read or trusted; nothing of it is served."""


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file's columns.

    Attributes:
        names: as the file has them; a name may stand twice.
        count: number of rows.
        cells: gives the cells of the column at a place, from the first row to the last.
        commas_delimit: whether a comma ends a cell, and so is no decimal comma.
        notes: what was taken for granted, in a few words each.
    """

    names: list[str]
    count: int
    cells: Callable[[int], list[Any]]
    commas_delimit: bool = False
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> list[Any]:
        """Return the cells of a column, from the first row to the last."""
        return self.cells(self.names.index(name))


def shown(cell: object) -> str:
    """Return a cell as messages show it: in short."""
    text = repr(cell)
    return text if len(text) <= 60 else text[:60] + "..."
