"""What a model reads at a row: the feature rows up to it, as one window."""

from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Values, Windows

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
