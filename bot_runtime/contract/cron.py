"""Cron schedules as the resources accept them, and the CEL that holds them to the timeframe.

Five fields of lists, ranges and steps; no names, no `@daily`, no `TZ=` (a field of its own says the
time zone), day of week 0-6. The API server judges what CEL can within its cost budget; what is left
(such as 31 February) ends in `Stalled`, reason InvalidSchedule.
"""


def _field(number: str) -> str:
    item = rf"(\*|{number}(-{number})?)(/[1-9][0-9]?)?"
    return rf"{item}(,{item}){{0,11}}"


_MINUTE = "([0-9]|[1-5][0-9])"
_HOUR = "([0-9]|1[0-9]|2[0-3])"
_DAY = "([1-9]|[12][0-9]|3[01])"
_MONTH = "([1-9]|1[0-2])"
_WEEKDAY = "[0-6]"

SCHEDULE_PATTERN = "^" + " ".join(map(_field, (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY))) + "$"
SCHEDULE_MAX_LENGTH = 64


def _members(field: int, size: int) -> str:
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


def _gap_holds(field: int, size: int, least: str) -> str:
    """Return CEL: neighbouring values of the field are at least `least` apart, around the clock."""
    return (
        f"[{_members(field, size)}].all(l, l.all(a, l.all(b, a == b || "
        f"(b - a + {size}) % {size} >= {least})))"
    )


_MINUTES = "{'1m':1,'3m':3,'5m':5,'15m':15,'30m':30}"
_HOURS = "{'1h':1,'2h':2,'4h':4,'6h':6,'8h':8,'12h':12,'1d':24}"

SCHEDULE_NOT_FINER_RULE = (
    "!has(self.inference.schedule) || (self.timeframe.endsWith('m') ? "
    + _gap_holds(0, 60, f"{_MINUTES}[self.timeframe]")
    + f" : ({_members(0, 60)}.size() == 1 && "
    + _gap_holds(1, 24, f"{_HOURS}[self.timeframe]")
    + "))"
)
SCHEDULE_NOT_FINER_MESSAGE = (
    "inference.schedule is finer than the timeframe: no new candle would have closed; "
    "fire at most once a candle, or leave it out to fire at every close"
)
