"""Cron schedules as the resources accept them, and the rule that holds them to the timeframe.

Five fields of lists, ranges and steps; no names, no `@daily`, no `TZ=` (a field of its own says the
time zone), day of week 0-6. The API server judges what CEL can within its cost budget; what is left
(such as 31 February) ends in `Stalled`, reason InvalidSchedule.
"""

import re
from typing import Annotated, Final

from pydantic import Field

from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.rules import Rule


def _field(number: str) -> str:
    item = rf"(\*|{number}(-{number})?)(/[1-9][0-9]?)?"
    return rf"{item}(,{item}){{0,11}}"


_MINUTE = "([0-9]|[1-5][0-9])"
_HOUR = "([0-9]|1[0-9]|2[0-3])"
_DAY = "([1-9]|[12][0-9]|3[01])"
_MONTH = "([1-9]|1[0-2])"
_WEEKDAY = "[0-6]"

_PATTERN: Final = " ".join(map(_field, (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)))
_COMPILED: Final = re.compile(_PATTERN)
_RANGE: Final = re.compile(r"([0-9]+)-([0-9]+)")
_MINUTES_AN_HOUR: Final = 60
_HOURS_A_DAY: Final = 24


def is_schedule(text: str) -> bool:
    """Tell whether `text` is a schedule as the resources accept it."""
    return _COMPILED.fullmatch(text) is not None and all(
        int(first) <= int(last) for first, last in _RANGE.findall(text)
    )


def fires_finer_than(schedule: str, timeframe: str) -> bool:
    """Tell whether a valid schedule fires twice within one candle of `timeframe`.

    The fields are judged around the clock, whatever the other fields are: `58,0 3 * * *` counts
    as two minutes apart.
    """
    minute, hour = schedule.split(" ")[:2]
    least = seconds_of(timeframe) // 60
    minutes = _members(minute, _MINUTES_AN_HOUR)
    if timeframe.endswith("m"):
        return _least_gap(minutes, _MINUTES_AN_HOUR) < least
    return len(minutes) > 1 or _least_gap(_members(hour, _HOURS_A_DAY), _HOURS_A_DAY) < least // 60


def _members(field: str, size: int) -> list[int]:
    """Return the values out of range(size) that a minute or hour field names, in order."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = ("0", "-", str(size - 1)) if span == "*" else span.partition("-")
        end = int(last) if last else size - 1 if step else int(first)
        found.update(range(int(first), end + 1, int(step or 1)))
    return sorted(found)


def _least_gap(values: list[int], size: int) -> int:
    """Return the least distance of neighbours on a dial of `size`; `size` for a single value."""
    following = [*values[1:], values[0] + size]
    return min(b - a for a, b in zip(values, following, strict=True))


def _cel_members(field: int, size: int) -> str:
    """Return CEL for the list of the values that cron field `field` names, out of `size`."""
    values = "[" + ",".join(map(str, range(size))) + "]"
    item = f"self.inference.schedule.split(' ')[{field}].split(',')"
    step = "(p.contains('/') ? int(p.split('/')[1]) : 1)"
    span = "p.split('/')[0]"
    first = f"int({span}.split('-')[0])"
    last = (
        f"({span}.contains('-') ? int({span}.split('-')[1]) : "
        f"(p.contains('/') ? {size - 1} : {first}))"
    )
    return (
        f"{values}.filter(v, {item}.exists(p, {span} == '*' ? v % {step} == 0 : "
        f"(v >= {first} && v <= {last} && (v - {first}) % {step} == 0)))"
    )


def _cel_gap_holds(field: int, size: int, least: str) -> str:
    """Return CEL: neighbouring values of the field are at least `least` apart, around the clock."""
    return (
        f"[{_cel_members(field, size)}].all(l, l.all(a, l.all(b, a == b || "
        f"(b - a + {size}) % {size} >= {least})))"
    )


_CEL_MINUTES = "{'1m':1,'3m':3,'5m':5,'15m':15,'30m':30}"
_CEL_HOURS = "{'1h':1,'2h':2,'4h':4,'6h':6,'8h':8,'12h':12,'1d':24}"

# In one rule with the pattern: what is no schedule must not be taken apart.
_CEL_RANGES = (
    "self.split(' ').all(f, f.split(',').all(p, !p.contains('-') || "
    "int(p.split('/')[0].split('-')[0]) <= int(p.split('/')[0].split('-')[1])))"
)

Schedule = Annotated[
    str,
    Field(max_length=48),
    Rule(
        f"self.matches(r'^{_PATTERN}$') && {_CEL_RANGES}",
        "is not a cron schedule: write minute, hour, day, month and weekday (0-6) as numbers, "
        "lists, ranges and steps, such as */15 * * * * (no names, no @daily, no TZ=)",
        is_schedule,
        quotes=True,
    ),
]
"""Cron schedule of five fields."""

CEL_NOT_FINER: Final = (
    f"!has(self.inference.schedule) || !self.inference.schedule.matches(r'^{_PATTERN}$') || "
    "(self.timeframe.endsWith('m') ? "
    + _cel_gap_holds(0, _MINUTES_AN_HOUR, f"{_CEL_MINUTES}[self.timeframe]")
    + f" : ({_cel_members(0, _MINUTES_AN_HOUR)}.size() == 1 && "
    + _cel_gap_holds(1, _HOURS_A_DAY, f"{_CEL_HOURS}[self.timeframe]")
    + "))"
)
"""CEL on a bot's spec: its schedule fires at most once a candle."""
