"""A machine's clocks as a test moves them, and an exchange's clock beside them."""

from dataclasses import dataclass, field

from bot_runtime.local.candle_clock import CandleClock
from bot_runtime.process.errors import ExchangeUnavailableError

MINUTE = 60_000
NOON_MS = 1_700_000_040_000 // MINUTE * MINUTE


@dataclass
class Machine:
    """A machine's clocks, and an exchange whose clock is so far ahead of them."""

    now: float = NOON_MS / 1000
    ahead_ms: int = 0
    is_away: bool = False
    asked: int = 0
    naps: list[float] = field(default_factory=list)
    awake: float = 0.0
    sleeps_for: float = 0.0
    """Seconds for which the machine itself is asleep during the next nap."""
    ends_at: float = float("inf")
    """When somebody presses Ctrl-C, provided that the machine waits then."""

    def ask(self) -> int:
        self.asked += 1
        if self.is_away:
            raise ExchangeUnavailableError("away")
        return round(self.now * 1000) + self.ahead_ms

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        if self.now + seconds > self.ends_at:
            raise KeyboardInterrupt
        self.naps.append(seconds)
        self.awake += seconds
        self.now += seconds + self.sleeps_for
        self.sleeps_for = 0.0

    def clock(self, interval_ms: int = MINUTE) -> CandleClock:
        return CandleClock(self.ask, interval_ms, lambda: self.now, lambda: self.awake, self.sleep)
