"""What a model reads at a row: the feature rows up to it, as one window."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Flags, Rows, Values, Windows
from bot_runtime.features import rolling

ROWS_AT_ONCE: Final = 512
"""Windows that are built, and predicted on, at once: it bounds the memory of a batch."""


def windows_at(features: Values, rows: Rows, length: int) -> Windows:
    """Return the graphs' input (len(rows), length * F): each row's last `length` feature rows.

    Raises ValueError where a window begins before the first row or holds a value that is not
    finite: a warm-up row, or a bug.
    """
    if len(rows) and int(rows.min()) < length - 1:
        raise ValueError(f"row {int(rows.min())}: has fewer than {length} rows up to it")
    offsets = np.arange(1 - length, 1)
    windows = features[rows[:, None] + offsets].reshape(len(rows), -1)
    if not np.isfinite(windows).all():
        bad = rows[~np.isfinite(windows).all(axis=1)][0]
        raise ValueError(f"row {bad}: its {length} feature rows are not all finite")
    return np.ascontiguousarray(windows, dtype=np.float32)


def whole_windows(features: Values, length: int) -> Flags:
    """Tell for each row of features (n, F) whether `windows_at` has a window for it, (n,)."""
    whole = np.zeros(len(features), dtype=np.bool_)
    if length <= len(features):
        finite = np.where(np.isfinite(features).all(axis=1), 1.0, 0.0)
        whole[length - 1 :] = rolling.minima(finite, length) > 0
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class RawOutputs:
    """The raw outputs of a model, at whichever rows are asked for.

    Attributes:
        at: gives those of some rows, (len(rows), outputs).
        whole: (n,) whether each row has a window; `at` refuses the others.
    """

    at: Callable[[Rows], Values]
    whole: Flags
