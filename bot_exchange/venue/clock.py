"""The exchange's clock: the wall clock, the same one faster, or one that a test sets."""

import time
from collections.abc import Callable


def _wall_ms() -> float:
    return time.time() * 1000


class Clock:
    """Time in ms since 1970, UTC, as the exchange sees it.

    `speed` is how many of its seconds pass in one real one; 0 stands still. Without a speed other
    than 1 and without a start it is the wall clock itself, and follows its corrections.
    """

    def __init__(
        self,
        speed: float = 1.0,
        start_ms: int | None = None,
        real_ms: Callable[[], float] = _wall_ms,
    ) -> None:
        self._real_ms = real_ms
        self._speed = speed
        self._real_start = real_ms()
        self._start = self._real_start if start_ms is None else float(start_ms)

    def now_ms(self) -> int:
        """Return the exchange's time."""
        return int(self._start + (self._real_ms() - self._real_start) * self._speed)

    @property
    def speed(self) -> float:
        """Exchange seconds in one real second."""
        return self._speed

    def set(self, now_ms: int | None = None, speed: float | None = None) -> None:
        """Go on from another time, at another speed; what is not given stays."""
        self._start = float(self.now_ms() if now_ms is None else now_ms)
        self._real_start = self._real_ms()
        if speed is not None:
            self._speed = speed
