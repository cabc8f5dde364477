"""Faults that a test orders: what the feed hides or spoils, and how the next requests fail."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np

from bot_exchange.market.candles import Candles
from bot_exchange.venue.errors import ApiError
from bot_exchange.venue.limits import banned, too_many_requests

GARBLED = ("html", "cut", "empty", "error", "null")
"""What may stand in the place of an answer's JSON: a page of HTML, its first half, nothing, an
object that tells of an error, null."""
BROKEN = ("null_volume", "zero_price", "high_below_close", "off_grid")
"""What may be wrong with a row that cannot be a candle."""


class FaultError(ValueError):
    """An order that cannot be understood; it changes nothing."""


@dataclass(slots=True)
class Faults:
    """The faults in force; the default is none.

    stale_since_ms: nothing after this time is shown. gaps: pairs [from_ms, to_ms), in which no
    base candle exists. broken: triples [kind, from_ms, to_ms), in which klines are none of BROKEN's
    kinds. memory_candles: only the newest ones of an interval are shown, whatever is asked; 0: all.
    page_candles: a page ends that many candles after its start, whether there are any or not; 0: as
    Binance does. clock_skew_ms: added to the server time that clients see and are checked against.
    rate_limit_next, ban_next, error_next, hang_next, drop_next: the number of next API requests
    that get a 429, a 418, a 503, no answer for hang_seconds, or a closed connection. garbled_next:
    the number of next answers of 200 whose path ends with garbled_path that are garbled_as.
    """

    stale_since_ms: int | None = None
    gaps: tuple[tuple[int, int], ...] = ()
    broken: tuple[tuple[str, int, int], ...] = ()
    memory_candles: int = 0
    page_candles: int = 0
    clock_skew_ms: int = 0
    rate_limit_next: int = 0
    ban_next: int = 0
    error_next: int = 0
    hang_next: int = 0
    hang_seconds: float = 30.0
    drop_next: int = 0
    garbled_next: int = 0
    garbled_as: str = GARBLED[0]
    garbled_path: str = ""

    def visible_until(self, now_ms: int) -> int:
        """Return the time up to which the feed shows the market."""
        return now_ms if self.stale_since_ms is None else min(now_ms, self.stale_since_ms)

    def without_gaps(self, base: Candles) -> Candles:
        """Return the base candles that the gaps leave."""
        keep = np.ones(len(base), np.bool_)
        for start, end in self.gaps:
            keep &= (base.open_ms < start) | (base.open_ms >= end)
        return base.where(keep) if self.gaps else base

    def take(self, name: str) -> bool:
        """Use up one of the counted faults; tell whether there was one."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0

    async def strike(self, limit: int) -> bool:
        """Let the next request fail as ordered; return True where its connection is to be closed.

        Raises ApiError for a failure that has an answer.
        """
        if self.take("hang_next"):
            await asyncio.sleep(self.hang_seconds)
        if self.take("rate_limit_next"):
            raise too_many_requests(limit, retry_after=1)
        if self.take("ban_next"):
            raise banned(until_ms=0, retry_after=1)
        if self.take("error_next"):
            raise ApiError(
                -1001, "Internal error; unable to process your request. Please try again.", 503
            )
        return self.take("drop_next")

    def adopt(self, order: "Faults") -> None:
        """Take over what another order says, all of it."""
        for known in fields(self):
            setattr(self, known.name, getattr(order, known.name))

    def to_json(self) -> dict[str, object]:
        """Return the faults as they are ordered."""
        return asdict(self)


def parse_faults(order: object) -> Faults:
    """Return the faults that an order, a JSON object, asks for; absent ones are off.

    Raises FaultError naming the field.
    """
    if not isinstance(order, Mapping):
        raise FaultError(f"expected an object, found {type(order).__name__}")
    known = {known.name for known in fields(Faults)}
    for name, value in order.items():
        if name not in known:
            raise FaultError(f"{name}: unknown; known are {', '.join(sorted(known))}")
        _check_fault(name, value)
    spans = {
        name: tuple(tuple(span) for span in order.get(name, ())) for name in ("gaps", "broken")
    }
    return Faults(**{**order, **spans})


def _check_fault(name: str, value: object) -> None:
    if name in _SHAPES:
        is_usable, expected = _SHAPES[name]
        if not is_usable(value):
            raise FaultError(f"{name}: found {value!r}; use {expected}")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise FaultError(f"{name}: found {value!r}; use a number")
    elif name != "hang_seconds" and not isinstance(value, int):
        raise FaultError(f"{name}: found {value!r}; use a whole number")
    elif name != "clock_skew_ms" and value < 0:
        raise FaultError(f"{name}: found {value!r}; use a number from 0")


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_span(span: object) -> bool:
    return (
        isinstance(span, list) and len(span) == 2 and all(map(_is_time, span)) and span[0] < span[1]
    )


def _is_broken_span(span: object) -> bool:
    return isinstance(span, list) and len(span) == 3 and span[0] in BROKEN and _is_span(span[1:])


_SHAPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "stale_since_ms": (
        lambda value: value is None or _is_time(value),
        "a time in ms, or null",
    ),
    "gaps": (
        lambda value: isinstance(value, list) and all(map(_is_span, value)),
        "a list of [from_ms, to_ms]",
    ),
    "broken": (
        lambda value: isinstance(value, list) and all(map(_is_broken_span, value)),
        f"a list of [kind, from_ms, to_ms], a kind being one of {', '.join(BROKEN)}",
    ),
    "garbled_as": (lambda value: value in GARBLED, f"one of {', '.join(GARBLED)}"),
    "garbled_path": (lambda value: isinstance(value, str), "the end of a path"),
}
"""Faults that are not a number: what is taken, and what a message says to use."""
