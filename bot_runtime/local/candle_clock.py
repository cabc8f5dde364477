"""When the candles of an exchange close: by its own clock, as far as it can be asked.

Waiting costs two requests a candle. A machine that was asleep notices it within seconds, and so
does one whose clock was set.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot_runtime.process.errors import ExchangeUnavailableError

LAG_MS: Final = 1_000
"""A candle is looked for so long after its close; the inference waits for it where it is late."""
NAP_SECONDS: Final = 10.0
"""How long a sleep lasts at most before the machine's clocks are looked at."""


@dataclass(slots=True)
class CandleClock:
    """The closes of one timeframe's candles.

    Attributes:
        ask: returns the exchange's time in ms; raises ExchangeUnavailableError.
        wall, monotonic, sleep: of this machine, in seconds.
    """

    ask: Callable[[], int]
    interval_ms: int
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _ahead_ms: float = 0.0
    """How far the exchange's clock was ahead of ours when it was last asked."""

    def wait_for_close(self, after_ms: int) -> int:
        """Return the newest close, once that is another one than `after_ms`.

        An exchange whose clock has gone back is followed: what it means is the run's to tell.
        """
        while True:
            now_ms = self._now_ms()
            newest_ms = (now_ms - LAG_MS) // self.interval_ms * self.interval_ms
            if newest_ms > after_ms or newest_ms < after_ms - self.interval_ms:
                return newest_ms
            self._sleep((self._due_ms(after_ms) - now_ms) / 1000)

    def pause(self, seconds: float, after_ms: int) -> None:
        """Sleep, but no longer than until the candle after one that closed at `after_ms`."""
        left = (self._due_ms(after_ms) - self._by_our_clock()) / 1000
        self._sleep(min(seconds, max(left, 0.0)))

    def _due_ms(self, after_ms: int) -> int:
        return after_ms + self.interval_ms + LAG_MS

    def _now_ms(self) -> int:
        """Return the exchange's time; where it cannot be asked, by our clock and what it was."""
        try:
            now_ms = self.ask()
        except ExchangeUnavailableError:
            return self._by_our_clock()
        self._ahead_ms = now_ms - self.wall() * 1000
        return now_ms

    def _by_our_clock(self) -> int:
        return round(self.wall() * 1000 + self._ahead_ms)

    def _sleep(self, seconds: float) -> None:
        """Sleep until either clock says that the time is over.

        The monotonic one stands still while the machine sleeps, the other one may be set back.
        """
        ends = self.wall() + seconds, self.monotonic() + seconds
        while (left := min(ends[0] - self.wall(), ends[1] - self.monotonic())) > 0:
            self.sleep(min(left, NAP_SECONDS))
