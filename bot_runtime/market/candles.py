"""Candles of one symbol: what they must be, and where some are missing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from bot_runtime.arrays import Flags, Rows, Times, Values
from bot_runtime.process.errors import DataUnusableError

PRICE_COLUMNS = ("open", "high", "low", "close")
VALUE_COLUMNS = (*PRICE_COLUMNS, "volume")
ROWS_NAMED = 5
"""Broken rows that a message names for each rule."""


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Closed candles in time order; `interval_ms` apart where none is missing.

    Attributes:
        interval_ms: length of a candle in milliseconds.
        open_time_ms: (n,) opening times, milliseconds since 1970 in UTC, strictly increasing,
            multiples of `interval_ms`.
        open: (n,) prices in the quote currency, as are `high`, `low` and `close`.
        volume: (n,) amounts of the base currency, not negative.
    """

    interval_ms: int
    open_time_ms: Times
    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values

    def __len__(self) -> int:
        return len(self.open_time_ms)

    def __getitem__(self, rows: slice | Flags) -> "Candles":
        return Candles(
            self.interval_ms,
            self.open_time_ms[rows],
            *(getattr(self, name)[rows] for name in VALUE_COLUMNS),
        )

    def between(self, begin_ms: int, end_ms: int) -> "Candles":
        """Return the candles that open in [begin, end) ms."""
        first, last = np.searchsorted(self.open_time_ms, (begin_ms, end_ms))
        return self[int(first) : int(last)]

    @property
    def close_time_ms(self) -> Times:
        """(n,) the moments at which the candles closed."""
        return self.open_time_ms + self.interval_ms


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that are not there: `missing` of them from `start_ms`, an opening time."""

    start_ms: int
    missing: int


def merge(parts: Sequence[Candles]) -> Candles:
    """Return the candles of all parts in time order; of the same time the last part's is kept."""
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("open_time_ms", *VALUE_COLUMNS)
    )
    return from_rows(
        np.stack([column.astype(np.float64) for column in columns], axis=1), parts[0].interval_ms
    )


def from_rows(rows: npt.ArrayLike, interval_ms: int) -> Candles:
    """Return candles of rows (open time in ms, open, high, low, close, volume), in any order.

    Of rows with the same time the last one is kept. Nothing else is checked: see `check_candles`.
    """
    table = np.asarray(rows, dtype=np.float64).reshape(-1, 6)
    times = table[:, 0].astype(np.int64)
    newest = len(times) - 1 - np.unique(times[::-1], return_index=True)[1]
    table = table[newest]
    return Candles(interval_ms, times[newest], *(table[:, i].copy() for i in range(1, 6)))


def broken_rules(candles: Candles) -> dict[str, Flags]:
    """Return for each rule of candles, in the words of a message, which rows break it."""
    times = candles.open_time_ms
    prices = np.stack([getattr(candles, name) for name in PRICE_COLUMNS])
    return {
        "opens off the timeframe's grid": times % candles.interval_ms != 0,
        "is not in time order": np.diff(times, prepend=times[:1] - 1) <= 0,
        "has a price that is not a positive number": ~np.isfinite(prices).all(axis=0)
        | (prices <= 0).any(axis=0),
        "has a high below another price": candles.high < prices.max(axis=0),
        "has a low above another price": candles.low > prices.min(axis=0),
        "has a volume that is negative or not a number": ~np.isfinite(candles.volume)
        | (candles.volume < 0),
    }


def leave_out_broken(candles: Candles) -> Candles:
    """Return the candles without the rows that cannot be any."""
    return candles[~np.any(list(broken_rules(candles).values()), axis=0)]


def describe_broken(candles: Candles) -> str:
    """Return how many rows cannot be candles and what is wrong with the first; empty for none."""
    rules = broken_rules(candles)
    broken = np.any(list(rules.values()), axis=0)
    if not broken.any():
        return ""
    first = int(np.argmax(broken))
    rule = next(what for what, bad in rules.items() if bad[first])
    return (
        f"rows that cannot be candles: {int(broken.sum())} of {len(candles)}; the first one "
        f"({utc(int(candles.open_time_ms[first]))}) {rule}"
    )


def check_candles(candles: Candles, symbol: str) -> None:
    """Raise DataUnusableError that names the first bad row, what was found, and the remedy."""
    for what, bad in broken_rules(candles).items():
        if bad.any():
            row = int(np.argmax(bad))
            found = ", ".join(f"{name} {getattr(candles, name)[row]:g}" for name in VALUE_COLUMNS)
            raise DataUnusableError(
                f"{symbol}: row {row} of {len(candles)} ({utc(int(candles.open_time_ms[row]))}) "
                f"{what}: {found}; {int(bad.sum())} such rows; ask the exchange again or leave the "
                "window out"
            )


def rows_digest(candles: Candles) -> str:
    """Return the sha256 of the rows themselves, the same in whatever file they stand."""
    digest = hashlib.sha256(candles.open_time_ms.astype("<i8").tobytes())
    for name in VALUE_COLUMNS:
        digest.update(getattr(candles, name).astype("<f8").tobytes())
    return digest.hexdigest()


def row_numbers(rows: Rows) -> str:
    """Return the first ROWS_NAMED of sorted row numbers for a message: 5, 900, ..."""
    return ", ".join([*map(str, rows[:ROWS_NAMED]), *(["..."] if len(rows) > ROWS_NAMED else [])])


def find_gaps(candles: Candles) -> tuple[Gap, ...]:
    """Return where candles are missing between the first and the last one."""
    steps = np.diff(candles.open_time_ms) // candles.interval_ms
    return tuple(
        Gap(int(candles.open_time_ms[i]) + candles.interval_ms, int(steps[i]) - 1)
        for i in np.flatnonzero(steps > 1)
    )


def missing_count(candles: Candles) -> int:
    """Return how many candles are missing between the first and the last one."""
    return sum(gap.missing for gap in find_gaps(candles))


def rows_without_gap(candles: Candles, length: int) -> Flags:
    """Tell for each row whether it ends `length` consecutive candles, none of them missing."""
    whole = np.zeros(len(candles), dtype=np.bool_)
    if length <= len(candles):
        times = candles.open_time_ms
        first = times[: len(times) - length + 1]
        whole[length - 1 :] = times[length - 1 :] - first == (length - 1) * candles.interval_ms
    return whole


def utc(time_ms: int) -> str:
    """Return a time as RFC 3339 in UTC with seconds: 2026-01-31T12:00:00Z."""
    return f"{np.datetime64(time_ms, 'ms').astype('datetime64[s]')}Z"


def ms_of(time: str) -> int:
    """Return a time in RFC 3339, as `utc` writes it, in ms."""
    return int(datetime.fromisoformat(time).timestamp() * 1000)
