"""Judge whether an exchange's candles may be decided on: fresh, whole, and on our clock.

Pure: what was asked of the exchange goes in, a verdict comes out. A feed that cannot be trusted is
no failure of the run: the decision is NO_TRADE, and the reason says why.
"""

from dataclasses import dataclass

import numpy as np

from bot_runtime.contract.signal import DecisionReason, reason_text
from bot_runtime.market.candles import Candles, check_candles, find_gaps, utc
from bot_runtime.process.errors import DataUnusableError


@dataclass(frozen=True, slots=True)
class Window:
    """The candles that a decision needs: `length` of them, the last one closing at `close_ms`.

    Of the `earlier` ones before them a decision needs none; they show what came of past ones.
    """

    interval_ms: int
    length: int
    close_ms: int
    earlier: int = 0

    @property
    def start_ms(self) -> int:
        """Opening time of the first candle."""
        return self.close_ms - self.length * self.interval_ms

    @property
    def earliest_ms(self) -> int:
        """Opening time of the first candle that is asked for."""
        return self.start_ms - self.earlier * self.interval_ms


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a feed is not decided on; `found` has the numbers."""

    reason: DecisionReason
    found: str
    bars_missing: int = 0

    @property
    def text(self) -> str:
        """The reason with its numbers, as a signal has it."""
        return reason_text(self.reason, self.found)


def newest_window(now_ms: int, interval_ms: int, length: int, earlier: int) -> Window:
    """Return the window that ends with the newest closed candle at the exchange's time `now_ms`."""
    return Window(interval_ms, length, now_ms // interval_ms * interval_ms, earlier)


def judge_clock(skew_ms: int, interval_ms: int) -> Trouble | None:
    """Return trouble where the exchange's clock and ours differ by more than one candle."""
    if abs(skew_ms) <= interval_ms:
        return None
    return Trouble(
        DecisionReason.FEED_SKEW,
        f"the exchange's clock is {skew_ms} ms ahead of ours, more "
        f"than a candle of {interval_ms} ms; set the node's clock",
    )


def judge_candles(candles: Candles, symbol: str, window: Window) -> Trouble | None:
    """Return trouble where the window's newest candle, or one inside of it, is missing."""
    candles = candles[int(np.searchsorted(candles.open_time_ms, window.start_ms)) :]
    newest = int(candles.close_time_ms[-1]) if len(candles) else window.start_ms
    late = (window.close_ms - newest) // window.interval_ms
    missing = window.length - len(candles)
    if late > 0:
        found = f"newest closed at {utc(newest)}" if len(candles) else "no candle in the window"
        return Trouble(
            DecisionReason.FEED_STALE,
            f"{found}, expected {utc(window.close_ms)}",
            missing,
        )
    if missing > 0:
        gaps = find_gaps(candles)
        first = utc(gaps[0].start_ms) if gaps else utc(window.start_ms)
        return Trouble(
            DecisionReason.FEED_GAP,
            f"{missing} of {window.length} candles are missing, the first one at {first}",
            missing,
        )
    try:
        check_candles(candles, symbol)
    except DataUnusableError as e:  # a candle that cannot be one counts as not delivered
        return Trouble(DecisionReason.FEED_GAP, str(e), 1)
    return None
