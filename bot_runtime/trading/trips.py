"""A limit that tripped: limits.py judges when, a journal and a report tell it."""

from typing import Final, NamedTuple

from bot_runtime.contract.trading import RuleName

FOREVER: Final = 1 << 62
"""A time that never comes, in ms."""


class Trip(NamedTuple):
    """A limit that tripped: what was found, what was allowed, and when it resets.

    Attributes:
        symbol: the one that may not be entered; empty where none may.
    """

    at_ms: int
    limit: RuleName
    value: float
    threshold: float
    resets_ms: int
    symbol: str = ""
