"""Timeframes of candles and durations of windows, as strings that the resources carry."""

import re
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from bot_runtime.contract.rules import matches

Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
TIMEFRAMES: Final[tuple[str, ...]] = get_args(Timeframe)

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

_DURATION: Final = "[1-9][0-9]{0,4}[mhdw]"
_UNIT_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

Duration = Annotated[
    str,
    Field(max_length=6),
    matches(
        _DURATION, "is not a duration: write a whole number and one of m, h, d, w, such as 180d"
    ),
]
"""Length of a window."""


def seconds_of(duration: str) -> int:
    """Return the seconds of a duration or timeframe such as `5m`, `36h`, `180d`, `4w`.

    Raises ValueError that names the value where it is not one.
    """
    if re.fullmatch(_DURATION, duration) is None:
        raise ValueError(
            f"duration: found {duration!r}; write a number and one of m, h, d, w: 180d"
        )
    return int(duration[:-1]) * _UNIT_SECONDS[duration[-1]]


def schedule_of(timeframe: Timeframe) -> str:
    """Return the cron schedule that fires at every close of a candle of `timeframe` (UTC)."""
    number, unit = int(timeframe[:-1]), timeframe[-1]
    if unit == "m":
        return "* * * * *" if number == 1 else f"*/{number} * * * *"
    if unit == "h":
        return "0 * * * *" if number == 1 else f"0 */{number} * * *"
    return "0 0 * * *"
