"""Whether a user's candles are those of the exchange's market, where both are at hand.

Three things are told apart: files whose times are shifted (local time, close times), files of
another market or quote currency, and files that nothing can be compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.intervals import DAY_MS, HOUR_MS
from bot_runtime.market.candles import Candles, utc
from bot_runtime.market.file_rows import LARGEST_JUMP
from bot_runtime.process.errors import DataUnusableError

CLOSE_TOLERANCE: Final = 0.01
"""Median distance of a page's closes, as a share. The same market at another exchange is within
0.2 %, a dollar instead of a stablecoin within 1 %; another quote currency is several percent away.
"""
FAR: Final = 0.05
MOST_FAR: Final = 0.01
"""Share of a page's closes that may be farther away than FAR."""
VOLUMES_ALIKE: Final = 20.0
"""Times by which volumes of two exchanges may differ without a word."""
_LARGEST_SHIFT_MS: Final = 14 * HOUR_MS
_QUARTER_MS: Final = 900_000
"""Time zones differ by quarters of an hour, up to 14 hours."""
_NEXT_CANDLES: Final = 3
"""Candles by which close times, or a column that slipped, are off."""
_LEAST_CORRELATION: Final = 0.6
_GAIN: Final = 0.4
"""A shift is believed where returns then correlate so well, and so much better than without it.

Measured on four markets of 1m to 1h: every shift was found, and there was no false alarm with noise
of 0.1 %, closes repeated up to 30 times or half of them late; a gain of 0.2 gave 3 % of them.
"""
ENOUGH: Final = 30
"""Returns that a correlation is judged on."""
_OUTLIERS: Final = 99


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared: closes that stand in both, and the median ratio of their volumes."""

    closes: int
    volumes: float

    @property
    def is_enough(self) -> bool:
        """Whether a shift of times would have been seen."""
        return self.closes > ENOUGH


def compare(own: Candles, pages: Sequence[Candles], file: str, exchange: str) -> Comparison:
    """Return how much was compared of a file with pages of the exchange's candles.

    Each page is judged by itself: a part of a file may be wrong. Raises DataUnusableError with
    figures where times or closes disagree.
    """
    compared, volumes = np.empty(0, np.int64), np.empty(0)
    for theirs in pages:
        near = _around(own, theirs)
        mine, other = _common(near, theirs, 0)
        if len(mine) == 0:
            continue
        ratios = near.close[mine] / theirs.close[other]
        where = f"{utc(int(theirs.open_time_ms[0]))} to {utc(int(theirs.open_time_ms[-1]))}"
        distance = float(np.median(np.abs(ratios - 1)))
        found = f"from {where}, {len(mine)} closes are {distance:.2%} away in the median"
        shift_ms = _best_shift(near, theirs)
        if shift_ms:
            raise DataUnusableError(
                f"{file}: its times are {abs(shift_ms) // 60_000} minutes "
                f"{'late' if shift_ms > 0 else 'early'}: {found}; shifted, they go with "
                f"{exchange}'s; write opening times in UTC, or with their offset"
            )
        if distance > CLOSE_TOLERANCE:
            raise DataUnusableError(
                f"{file}: is of another market than {exchange}'s: {found}, at most "
                f"{CLOSE_TOLERANCE:.0%} is taken; put the file of this market and quote currency "
                "there"
            )
        far = np.abs(ratios - 1) > FAR
        if far.mean() > MOST_FAR:
            first = utc(int(near.open_time_ms[mine[int(np.argmax(far))]]))
            raise DataUnusableError(
                f"{file}: from {where}, {int(far.sum())} of {len(mine)} closes are more than "
                f"{FAR:.0%} away from {exchange}'s, the first at {first}; correct these rows"
            )
        traded = theirs.volume[other] > 0
        volumes = np.append(volumes, near.volume[mine[traded]] / theirs.volume[other[traded]])
        compared = np.append(compared, near.open_time_ms[mine])
    return Comparison(len(np.unique(compared)), float(np.median(volumes)) if len(volumes) else 1.0)


def check_joints(own: Candles, whole: Candles, file: str) -> None:
    """Refuse a file that the exchange's candles do not go on from: it is of another market.

    `whole` are the file's candles and those that were fetched. Raises DataUnusableError.
    """
    edges = (own.open_time_ms[0], own.close_time_ms[-1]) if len(own) else ()
    for edge in edges:
        i = int(np.searchsorted(whole.open_time_ms, edge))
        if not 0 < i < len(whole) or whole.close_time_ms[i - 1] != whole.open_time_ms[i]:
            continue
        before, after = float(whole.close[i - 1]), float(whole.open[i])
        if max(before / after, after / before) > LARGEST_JUMP:
            raise DataUnusableError(
                f"{file}: at {utc(int(edge))} the price goes from {before:g} to {after:g} between "
                "its candles and the exchange's: put the file of this market there"
            )


def _around(own: Candles, theirs: Candles) -> Candles:
    """Return the file's candles that a shift could bring upon the exchange's."""
    if len(theirs) == 0:
        return own[:0]
    first, last = int(theirs.open_time_ms[0]), int(theirs.open_time_ms[-1])
    near = np.searchsorted(own.open_time_ms, (first - DAY_MS, last + DAY_MS + 1))
    return own[slice(*near)]


def _best_shift(own: Candles, theirs: Candles) -> int:
    """Return by how many ms the file's times are late; 0 where no shift explains more.

    What is compared are returns: another level of the prices is no shift.
    """
    interval_ms = own.interval_ms
    at_once, best, gained = _correlation(own, theirs, 0), 0, 0.0
    quarters = range(-_LARGEST_SHIFT_MS, _LARGEST_SHIFT_MS + 1, _QUARTER_MS)
    next_ones = (i * interval_ms for i in range(-_NEXT_CANDLES, _NEXT_CANDLES + 1))
    for shift_ms in dict.fromkeys((*next_ones, *quarters, -DAY_MS, DAY_MS)):
        if shift_ms == 0 or shift_ms % interval_ms:
            continue
        found = _correlation(own, theirs, shift_ms)
        if found >= _LEAST_CORRELATION and found - at_once > max(_GAIN, gained):
            best, gained = shift_ms, found - at_once
    return best


def _correlation(own: Candles, theirs: Candles, shift_ms: int) -> float:
    """Return the correlation of returns that both have, the file's times taken back; 0 if few."""
    mine, other = _common(own, theirs, shift_ms)
    together = (np.diff(mine) == 1) & (np.diff(other) == 1)
    if together.sum() < ENOUGH:
        return 0.0
    ours = _clipped(np.diff(np.log(own.close[mine]))[together])
    others = _clipped(np.diff(np.log(theirs.close[other]))[together])
    if ours.std() == 0 or others.std() == 0:
        return 0.0
    return float(np.corrcoef(ours, others)[0, 1])


def _clipped(returns: Values) -> Values:
    """Return returns with those beyond the 99th percentile at it: one jump decides nothing."""
    most = float(np.percentile(np.abs(returns), _OUTLIERS))
    return np.clip(returns, -most, most)


def _common(own: Candles, theirs: Candles, shift_ms: int) -> tuple[Rows, Rows]:
    """Return the rows of a file, its times taken back, and the exchange's of the same time."""
    _, mine, other = np.intersect1d(
        own.open_time_ms - shift_ms, theirs.open_time_ms, assume_unique=True, return_indices=True
    )
    return mine, other
