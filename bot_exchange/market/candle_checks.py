"""Whether rows of candle files are the candles of one market, and these in order of time."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from bot_exchange.market.candles import DAY_MS, MINUTE_MS, Candles, Integers, commonest_distance
from bot_exchange.market.file_columns import PRICES
from bot_exchange.market.file_rows import CandleFileError

LARGEST_HOLE_MS = 7 * DAY_MS
"""A wider hole is a wrong time or a missing file; the longest outage known took 34 hours."""
LARGEST_JUMP = 1.5
"""Of a price from one candle's close to the next one's open; real ones are within 1.05."""
STRETCH = 1000
"""Rows of a file in which the commonest distance is the market's, too."""
_SAME = 1e-9
"""Values of one candle that differ relatively by less were written with other digits."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rows:
    """Candles, with the number of the file that each is from and its row there, counted from 1."""

    candles: Candles
    files: tuple[str, ...]
    file: Integers
    row: Integers

    def __len__(self) -> int:
        return len(self.row)

    @property
    def label(self) -> str:
        """The name of the first file, and how many there are more."""
        more = len(self.files) - 1
        return self.files[0] + (f" and {more} more" if more else "")

    def at(self, i: int) -> str:
        """Return where a candle stands."""
        return f"{self.files[self.file[i]]} row {self.row[i]}"

    def where(self, selection: npt.NDArray[np.bool_ | np.intp]) -> "Rows":
        """Return the rows that a mask or their numbers select."""
        return Rows(
            self.candles.where(selection), self.files, self.file[selection], self.row[selection]
        )


def find_problems(candles: Candles, numbers: Integers | None = None) -> list[str]:
    """Return a line for every row that cannot be a candle; `numbers` are those of the rows."""
    prices = np.array([getattr(candles, name) for name in PRICES])
    checks: list[tuple[npt.NDArray[np.bool_], str]] = [
        (~np.all(np.isfinite(prices), axis=0), "a price is missing or infinite"),
        (np.any(prices <= 0, axis=0), "a price is not above 0"),
        (candles.high < np.max(prices, axis=0), "high is not the highest price"),
        (candles.low > np.min(prices, axis=0), "low is not the lowest price"),
        (~np.isfinite(candles.volume), "volume is missing or infinite"),
        (candles.volume < 0, "volume is below 0"),
    ]
    found = sorted(
        (int(row), number) for number, (bad, _) in enumerate(checks) for row in np.flatnonzero(bad)
    )
    names = np.arange(1, len(candles) + 1) if numbers is None else numbers
    return [f"row {names[row]}: {checks[number][1]}" for row, number in found]


def in_order(rows: Rows) -> Candles:
    """Return the candles sorted and each once. Raises CandleFileError by file and row.

    Refused are a time with two different candles, distances that change, times off the grid, a hole
    that no outage explains, and a price that jumps.
    """
    order = np.argsort(rows.candles.open_ms, kind="stable")
    if np.any(np.diff(order) < 0):
        _LOG.warning("%s: rows were not in order of time: sorted", rows.label)
    every = rows.where(order)
    once = _once(every)
    if len(once) > 1:
        interval_ms = commonest_distance(once.candles.open_ms)
        for number in range(len(rows.files)):
            _check_distances(every.where(every.file == number), interval_ms)
        _check_grid(once, interval_ms)
        _check_holes(once, interval_ms)
        _check_jumps(once, interval_ms)
    return once.candles


def _once(rows: Rows) -> Rows:
    candles = rows.candles
    again = np.flatnonzero(np.diff(candles.open_ms) == 0) + 1
    if len(again) == 0:
        return rows
    values = np.array([getattr(candles, name) for name in (*PRICES, "volume")])
    differ = ~np.all(np.isclose(values[:, again], values[:, again - 1], _SAME, 0), axis=0)
    if np.any(differ):
        i = int(again[np.argmax(differ)])
        raise CandleFileError(
            f"{rows.at(i - 1)} and {rows.at(i)} are both {_iso(candles.open_ms[i])}, "
            "with different values; leave one"
        )
    _LOG.warning("%s: %d rows stand twice: taken once", rows.label, len(again))
    return rows.where(np.delete(np.arange(len(rows)), again))


def _check_distances(rows: Rows, interval_ms: int) -> None:
    """Refuse a stretch of a file whose candles are mostly further apart than the market's."""
    rows = rows.where(np.unique(rows.candles.open_ms, return_index=True)[1])
    steps = np.diff(rows.candles.open_ms)
    for start in range(0, len(steps), STRETCH):
        begin = max(0, min(start, len(steps) - STRETCH))  # the last stretch is as long as others
        stretch = steps[begin : begin + STRETCH]
        found = commonest_distance(rows.candles.open_ms[begin : begin + STRETCH + 1])
        if np.sum(stretch == found) > np.sum(stretch == interval_ms):
            at = begin + int(np.argmax(stretch == found))
            others = np.flatnonzero(steps[:at] != found)
            first = int(others[-1]) + 1 if len(others) else 0
            raise CandleFileError(
                f"{rows.at(first)} on: candles are {_length(found)} apart, the others "
                f"{_length(interval_ms)}; give files of one timeframe"
            )


def _check_grid(rows: Rows, interval_ms: int) -> None:
    off = np.flatnonzero(rows.candles.open_ms % interval_ms)
    if len(off):
        i = int(off[0])
        raise CandleFileError(
            f"{rows.at(i)}: opens at {_iso(rows.candles.open_ms[i])}, off the grid of "
            f"{_length(interval_ms)}; correct the time"
        )


def _check_holes(rows: Rows, interval_ms: int) -> None:
    times = rows.candles.open_ms
    missing = np.diff(times) - interval_ms
    wide = np.flatnonzero(missing > LARGEST_HOLE_MS)
    if len(wide):
        at = int(wide[0])
        raise CandleFileError(
            f"a hole of {missing[at] / DAY_MS:.1f} days from {_iso(times[at])} ({rows.at(at)}) to "
            f"{_iso(times[at + 1])} ({rows.at(at + 1)}), {LARGEST_HOLE_MS // DAY_MS} at most; "
            "correct the time, or add what is missing"
        )


def _check_jumps(rows: Rows, interval_ms: int) -> None:
    candles = rows.candles
    ratio = candles.open[1:] / candles.close[:-1]
    follows = np.diff(candles.open_ms) == interval_ms
    jumps = np.flatnonzero(follows & ((ratio > LARGEST_JUMP) | (ratio < 1 / LARGEST_JUMP)))
    if len(jumps):
        i = int(jumps[0]) + 1
        raise CandleFileError(
            f"{rows.at(i)}: opens at {candles.open[i]:g} where the row before closed at "
            f"{candles.close[i - 1]:g}; two markets in one file, or a wrong price"
        )


def _length(ms: int) -> str:
    return "1 minute" if ms == MINUTE_MS else f"{ms / MINUTE_MS:g} minutes"


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
