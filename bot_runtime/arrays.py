"""Names of the array types that the runtime hands around; the shape stands where one is used."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
"""Prices, returns, features, losses: numbers with a fraction."""
Times = npt.NDArray[np.int64]
"""Milliseconds since the epoch, UTC."""
Counts = npt.NDArray[np.int64]
"""Whole numbers that are no positions: counts, numbers of candles."""
Rows = npt.NDArray[np.intp]
"""Positions of rows in columns."""
Flags = npt.NDArray[np.bool_]
"""One truth value a row."""
Windows = npt.NDArray[np.float32]
"""What a model's graph is fed with: one window of features a row."""
Columns = Mapping[str, Values]
"""Named columns of equal length."""
