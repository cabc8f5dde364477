"""Candles as arrays of columns, the intervals that Binance names, and aggregation."""

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MINUTE_MS = 60_000
DAY_MS = 86_400_000
# 1970-01-01 was a Thursday; Binance's weekly candles open on Mondays.
MONDAY_OFFSET_MS = 4 * DAY_MS

# Binance also has 1M; its length varies with the calendar, so it is refused like an unknown one.
INTERVALS_MS = {
    "1s": 1_000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}


@dataclass(frozen=True, slots=True)
class Candles:
    """Columns of equal length, oldest first; `open_ms` is the open time in ms since 1970, UTC.

    Prices are in the quote asset, volume is in the base asset.
    """

    open_ms: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.open_ms)

    def where(self, selection: slice | npt.NDArray[np.bool_ | np.intp]) -> "Candles":
        """Return the rows that a slice, a mask or their numbers select."""
        return Candles(*(getattr(self, column.name)[selection] for column in fields(self)))

    def between(self, start_ms: int, end_ms: int) -> "Candles":
        """Return the candles that open in [start_ms, end_ms)."""
        low, high = np.searchsorted(self.open_ms, [start_ms, end_ms])
        return self.where(slice(int(low), int(high)))

    def shifted(self, by_ms: int) -> "Candles":
        """Return the same candles at other times."""
        return Candles(
            self.open_ms + by_ms, self.open, self.high, self.low, self.close, self.volume
        )


class Market(Protocol):
    """Where the served candles come from. Candles of one market have one length, the base."""

    @property
    def timeframe_ms(self) -> int:
        """Length of a base candle, a divisor of a day."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols as BASE/QUOTE."""

    @property
    def listed_ms(self) -> int:
        """Open time of the oldest candle."""

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Return the complete base candles that open in [start_ms, end_ms)."""

    def open_candle(self, symbol: str, now_ms: int) -> Candles:
        """Return the base candle that is open at `now_ms` as seen then: one row, or none.

        Shows nothing of the rest of the candle: its high, low and volume only grow with time.
        """


def join(parts: list[Candles]) -> Candles:
    """Return the parts one after the other."""
    if not parts:
        return Candles(np.empty(0, np.int64), *(np.empty(0) for _ in range(5)))
    return Candles(
        *(
            np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(parts[0])
        )
    )


def commonest_distance(open_ms: Integers) -> int:
    """Return the distance in ms that most times in order have, two at least.

    The shortest of those that are equally common.
    """
    steps, counts = np.unique(np.diff(open_ms), return_counts=True)
    return int(steps[np.argmax(counts)])


def interval_start(time_ms: int, interval_ms: int) -> int:
    """Return the open time of the candle of this length that contains `time_ms`."""
    offset = MONDAY_OFFSET_MS if interval_ms == INTERVALS_MS["1w"] else 0
    return (time_ms - offset) // interval_ms * interval_ms + offset


def aggregate(base: Candles, interval_ms: int) -> Candles:
    """Return the candles of a longer interval; an interval without any base candle has none."""
    if len(base) == 0:
        return base
    offset = MONDAY_OFFSET_MS if interval_ms == INTERVALS_MS["1w"] else 0
    slots = (base.open_ms - offset) // interval_ms
    first = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    last = np.append(first[1:], len(base)) - 1
    return Candles(
        slots[first] * interval_ms + offset,
        base.open[first],
        np.maximum.reduceat(base.high, first),
        np.minimum.reduceat(base.low, first),
        base.close[last],
        np.add.reduceat(base.volume, first),
    )
