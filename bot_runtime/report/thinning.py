"""Fewer points that show the same: no high, no low and no fall is left out."""

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.market.candles import Candles


def rows_of_extremes(values: Values, parts: int) -> Rows:
    """Return the rows of the lowest and the highest of each part, and of both ends, rising."""
    if len(values) <= 2 * parts:
        return np.arange(len(values))
    begins = _begins(len(values), parts)
    chosen = {0, len(values) - 1}
    for begin, end in zip(begins, [*begins[1:], len(values)], strict=True):
        own = values[begin:end]
        chosen |= {int(begin + own.argmin()), int(begin + own.argmax())}
    return np.array(sorted(chosen))


def means_of(values: Values, parts: int) -> tuple[Rows, Values]:
    """Return the first row of each part, and the mean of it; the values where they are few."""
    begins = np.array(_begins(len(values), min(parts, len(values))))
    counts = np.diff(np.append(begins, len(values)))
    return begins, np.asarray(np.add.reduceat(values, begins) / counts, dtype=np.float64)


def join(candles: Candles, parts: int) -> Candles:
    """Return at most `parts` longer candles: first open, highest, lowest, last close."""
    each = -(-len(candles) // parts)
    if each <= 1:
        return candles
    begins = np.arange(0, len(candles), each)
    ends = np.append(begins[1:], len(candles)) - 1
    return Candles(
        interval_ms=each * candles.interval_ms,
        open_time_ms=candles.open_time_ms[begins],
        open=candles.open[begins],
        high=np.maximum.reduceat(candles.high, begins),
        low=np.minimum.reduceat(candles.low, begins),
        close=candles.close[ends],
        volume=np.add.reduceat(candles.volume, begins),
    )


def _begins(count: int, parts: int) -> list[int]:
    return [int(begin) for begin in np.linspace(0, count, parts, endpoint=False)]
