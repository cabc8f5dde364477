"""Request weights and the answers to a client that uses too much of them, per address."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bot_exchange.venue.errors import ApiError

WINDOW_SECONDS = 60
BAN_SECONDS = 120
REFUSALS_BEFORE_BAN = 10


@dataclass(slots=True)
class _Usage:
    window: int = -1
    weight: int = 0
    refusals: int = 0
    banned_until: float = 0.0


class WeightLimiter:
    """Counts the weight per address and minute; `real_seconds` is a clock that a test may own.

    The minute is a real one even where the market runs faster: it protects the server.
    """

    def __init__(self, limit: int, real_seconds: Callable[[], float]) -> None:
        self.limit = limit
        self._real_seconds = real_seconds
        self._usage: dict[str, _Usage] = {}

    def charge(self, address: str, weight: int) -> int:
        """Add the weight and return what the address has used in this minute.

        Raises ApiError: 429 above the limit; 418 for a client that goes on all the same.
        """
        now = self._real_seconds()
        usage = self._usage.setdefault(address, _Usage())
        if now < usage.banned_until:
            raise self._ban(usage, now)
        window = int(now // WINDOW_SECONDS)
        if window != usage.window:
            usage.window, usage.weight, usage.refusals = window, 0, 0
        usage.weight += weight
        if usage.weight <= self.limit:
            return usage.weight
        usage.refusals += 1
        if usage.refusals > REFUSALS_BEFORE_BAN:
            usage.banned_until = now + BAN_SECONDS
            raise self._ban(usage, now)
        raise self._refusal(now)

    def _refusal(self, now: float) -> ApiError:
        return too_many_requests(self.limit, math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS))

    def _ban(self, usage: _Usage, now: float) -> ApiError:
        return banned(int(usage.banned_until * 1000), math.ceil(usage.banned_until - now))


def too_many_requests(limit: int, retry_after: int) -> ApiError:
    """Return Binance's 429."""
    return ApiError(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        status=429,
        retry_after=retry_after,
    )


def banned(until_ms: int, retry_after: int) -> ApiError:
    """Return Binance's 418."""
    return ApiError(
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        status=418,
        retry_after=retry_after,
    )
