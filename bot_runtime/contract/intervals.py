"""Timeframes of candles and durations of windows, as strings that the resources carry."""

import re
from typing import Final, Literal, get_args

Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
TIMEFRAMES: Final[tuple[str, ...]] = get_args(Timeframe)

DURATION_PATTERN: Final = r"^[1-9][0-9]{0,4}(m|h|d|w)$"
_UNIT_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds_of(duration: str) -> int:
    """Return the seconds of a duration or timeframe such as `5m`, `36h`, `180d`, `4w`.

    Raises ValueError that names the value where it is not one.
    """
    if not re.match(DURATION_PATTERN, duration):
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
