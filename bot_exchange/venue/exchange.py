"""The exchange that the routes serve: one market, one clock, its keys, limits and faults."""

from dataclasses import dataclass, field

from bot_exchange.market.symbols import SymbolRules
from bot_exchange.venue.clock import Clock
from bot_exchange.venue.credentials import ApiKey
from bot_exchange.venue.faults import Faults
from bot_exchange.venue.limits import WeightLimiter
from bot_exchange.venue.view import Feed


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything a request may touch; built once, when the server starts."""

    feed: Feed
    rules: dict[str, SymbolRules]
    limiter: WeightLimiter
    keys: dict[str, ApiKey] = field(default_factory=dict, repr=False)

    @property
    def clock(self) -> Clock:
        """The clock that the feed runs on."""
        return self.feed.clock

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        return self.feed.faults

    def server_time_ms(self) -> int:
        """Return the time that clients are told, skewed where a fault says so."""
        return self.clock.now_ms() + self.faults.clock_skew_ms
