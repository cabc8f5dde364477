"""A schedule that fires: when, in which zone, and how long a signal of it counts as fresh."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

from bot_runtime.contract.timezones import find_zone, unknown_zone

_FIRINGS_LOOKED_AT = 8
_REPEATED_HOURS = timedelta(hours=3)
"""Longer than what any zone repeats when its clocks go back."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule that fires, in its time zone."""

    schedule: str
    zone: tzinfo

    def firing(self, after: datetime, count: int) -> datetime:
        """Return the `count`-th firing after a moment, in UTC.

        Raises:
            StopIteration: it fires less often.
        """
        return next(islice(self._next(after, count), count - 1, None))

    def last(self, at: datetime) -> datetime:
        """Return the newest firing that is not after a moment, in UTC."""
        start = (at + self._repeated(at)).astimezone(self.zone)
        past = map(_to_utc, CronSim(self.schedule, start, reverse=True))
        return next(firing for firing in past if firing <= at)

    def least_period(self, now: datetime) -> float:
        """Return the least number of seconds between two of the next firings."""
        firings = self._next(now, _FIRINGS_LOOKED_AT)
        return min((b - a).total_seconds() for a, b in pairwise(firings))

    def _next(self, after: datetime, count: int) -> Iterator[datetime]:
        # It fires at whole minutes alone: within a minute the answer stays the same.
        return iter(_firings(self, after.replace(second=0, microsecond=0), count))

    def following(self, after: datetime) -> Iterator[datetime]:
        """Yield the firings after a moment, in UTC."""
        start = (after - self._repeated(after)).astimezone(self.zone)
        return (at for at in map(_to_utc, CronSim(self.schedule, start)) if at > after)

    def _repeated(self, at: datetime) -> timedelta:
        """Return how far from `at` to begin: in an hour that the zone repeats CronSim errs."""
        around = [at - _REPEATED_HOURS, at + _REPEATED_HOURS]
        offsets = {moment.astimezone(self.zone).utcoffset() for moment in around}
        return _REPEATED_HOURS if len(offsets) > 1 else timedelta(seconds=1)


@lru_cache(maxsize=4096)
def _firings(timetable: Timetable, minute: datetime, count: int) -> tuple[datetime, ...]:
    """Return the next firings after a whole minute: the same for every bot of the timetable."""
    return tuple(islice(timetable.following(minute), count))


def _to_utc(at: datetime) -> datetime:
    # Times of one zone are compared by their hands: those of a repeated hour would be the same.
    return at.astimezone(UTC)


def check_schedule(part: str, schedule: str, time_zone: str, now: datetime) -> Timetable | str:
    """Return the timetable, or what is wrong with it; `part` of the spec has the schedule."""
    zone = find_zone(time_zone)
    if zone is None:
        return unknown_zone(part, time_zone)
    timetable = Timetable(schedule, zone)
    try:
        timetable.firing(now, 1)
    except (CronSimError, StopIteration, ValueError):
        return f"spec.{part}.schedule: {schedule} never fires; write one that does: 0 3 * * *"
    return timetable


def is_fresh_until(timetable: Timetable, at: datetime, deadline_seconds: int) -> datetime:
    """Return until when a signal of `at` counts as fresh: two firings and one run later."""
    run_seconds = min(float(deadline_seconds), timetable.least_period(at))
    return timetable.firing(at, 2) + timedelta(seconds=run_seconds)
