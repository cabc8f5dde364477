"""What was told of a candle is judged once its horizon has passed, and never before."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np

from bot_runtime.arrays import Flags, Values
from bot_runtime.market.candles import Candles


class Told(Protocol):
    """Something that was told of the candle that closed at `bar_close_ms`."""

    @property
    def bar_close_ms(self) -> int:
        """Close of the candle, milliseconds since 1970 in UTC."""


T = TypeVar("T", bound=Told)


def has_ended(bar_close_ms: int, horizon_ms: int, now_ms: int) -> bool:
    """Tell whether the horizon of a candle that closed at `bar_close_ms` has passed by now."""
    return bar_close_ms + horizon_ms <= now_ms


def settle(
    told: Iterable[T], candles: Candles, horizon_steps: int
) -> tuple[list[tuple[T, Values]], tuple[T, ...]]:
    """Return what has ended with the closes that followed it, and what still waits.

    The closes (k,) are those after the candle that was told of, up to its horizon's end: k is
    `horizon_steps` where no candle is missing. What the candles do not show the end of is in
    neither: nobody will know its outcome.
    """
    times = candles.close_time_ms
    horizon_ms = horizon_steps * candles.interval_ms
    newest_ms = int(times[-1])
    known, waiting = [], []
    for one in told:
        if not has_ended(one.bar_close_ms, horizon_ms, newest_ms):
            waiting.append(one)
            continue
        end_ms = one.bar_close_ms + horizon_ms
        first, last = np.searchsorted(times, (one.bar_close_ms + 1, end_ms))
        if times[last] == end_ms:
            known.append((one, candles.close[first : last + 1]))
    return known, tuple(waiting)


def rises(closes: Values, barrier: Values) -> Flags:
    """Tell of each row whether its trend was up, (m,), as the label of a training says.

    `closes` (m, steps + 1) are a row's own and those of its horizon. The first move of `barrier`
    (m,) decides, a share of the own close; where none is so large, or it is infinite, the last.
    """
    moves = closes[:, 1:] / closes[:, :1] - 1.0
    reached = np.abs(moves) >= barrier[:, None]
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), moves.shape[1] - 1)
    return np.asarray(np.take_along_axis(moves, first[:, None], axis=1)[:, 0] > 0)
