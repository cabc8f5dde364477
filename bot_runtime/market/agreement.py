"""Whether a user's candles are those of the exchange's market, where both are at hand.

Three things are told apart: files whose times are shifted (local time), files of another market or
quote currency, and files that nothing can be compared with.
"""

from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import DataUnusableError

CLOSE_TOLERANCE: Final = 0.01
"""Median distance of the closes, as a share. The same market at another exchange is within 0.2 %,
a dollar instead of a stablecoin within 1 %; another quote currency is several percent away."""
LARGEST_JUMP: Final = 1.5
"""Times by which the price may change where the file's candles end and the exchange's go on."""
_LARGEST_SHIFT_MS: Final = 14 * 3_600_000
_SHIFT_STEP_MS: Final = 900_000
"""Time zones differ by quarters of an hour, up to 14 hours."""
_SHIFT_GAIN: Final = 0.5
"""A shift is believed where it brings the closes to half their spread, or nearer."""
_ENOUGH_TO_SHIFT: Final = 30
_SMALLEST_SPREAD: Final = 1e-4
"""Closes that are nearer than this have no shift to look for."""


def compare(own: Candles, theirs: Candles, file: str, exchange: str) -> int:
    """Return how many candles stand in both; 0 says that nothing could be compared.

    Raises DataUnusableError with figures where times or closes disagree.
    """
    ratios = _log_ratios(own, theirs, 0)
    if len(ratios) == 0:
        return 0
    found = f"of {len(ratios)} closes the median is {_distance(ratios):.2%} away from {exchange}'s"
    shift_ms = _best_shift(own, theirs, _spread(ratios))
    if shift_ms:
        raise DataUnusableError(
            f"{file}: its times are {abs(shift_ms) // 60_000} minutes "
            f"{'late' if shift_ms > 0 else 'early'}: {found}, "
            f"{_distance(_log_ratios(own, theirs, shift_ms)):.2%} when shifted; write times in "
            "UTC, or with their offset"
        )
    if _distance(ratios) > CLOSE_TOLERANCE:
        raise DataUnusableError(
            f"{file}: is of another market: {found}, at most {CLOSE_TOLERANCE:.0%} is taken; put "
            "the file of this market and quote currency there"
        )
    return len(ratios)


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
                f"{file}: at {utc(int(edge))} the price goes from {before:g} to "
                f"{after:g} between its candles and the exchange's: put the file of this market "
                "there"
            )


def _best_shift(own: Candles, theirs: Candles, spread: float) -> int:
    """Return by how many ms the file's times are late; 0 where no shift brings closes nearer.

    A level of the prices that is off by itself is no shift: what counts is `spread`, the closes'
    distance from that level.
    """
    if spread < _SMALLEST_SPREAD:
        return 0
    step = max(_SHIFT_STEP_MS, own.interval_ms)
    most = max(_LARGEST_SHIFT_MS // step, 1)
    best, nearest = 0, spread * _SHIFT_GAIN
    for shift_ms in range(-most * step, most * step + 1, step):
        ratios = _log_ratios(own, theirs, shift_ms)
        if len(ratios) >= _ENOUGH_TO_SHIFT and _spread(ratios) < nearest:
            best, nearest = shift_ms, _spread(ratios)
    return best


def _log_ratios(own: Candles, theirs: Candles, shift_ms: int) -> Values:
    """Return log(close / their close) where a file, its times taken back, has their times too."""
    _, mine, other = np.intersect1d(
        own.open_time_ms - shift_ms, theirs.open_time_ms, assume_unique=True, return_indices=True
    )
    return np.log(own.close[mine] / theirs.close[other])


def _spread(ratios: Values) -> float:
    return float(np.median(np.abs(ratios - np.median(ratios))))


def _distance(ratios: Values) -> float:
    return float(np.median(np.abs(np.expm1(ratios))))
