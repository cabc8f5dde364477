from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.cron import fires_finer_than, is_schedule
from bot_runtime.contract.intervals import TIMEFRAMES, Timeframe, schedule_of, seconds_of

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@st.composite
def fields(draw: st.DrawFn, size: int) -> str:
    """Draw a cron field of a dial with `size` values."""

    def item() -> str:
        first = draw(st.integers(0, size - 1))
        # cronsim reads 3-3/2 as 3-23/2; Kubernetes, which runs the schedules, as 3.
        last = draw(st.integers(min(first + 1, size - 1), size - 1))
        spans = ["*", str(first), *([f"{first}-{last}"] if first < last else [])]
        span = draw(st.sampled_from(spans))
        return span + draw(st.sampled_from(["", "/1", "/2", "/5", "/7", "/15", "/30", "/59"]))

    return ",".join(item() for _ in range(draw(st.integers(1, 3))))


def _least_gap(schedule: str, *, dial: timedelta) -> timedelta:
    """Return the least time between firings in two turns of the dial, by running the schedule."""
    times = takewhile(lambda at: at <= START + 2 * dial, CronSim(schedule, START))
    return min(b - a for a, b in pairwise(times))


@given(minute=fields(60), timeframe=st.sampled_from([t for t in TIMEFRAMES if t.endswith("m")]))
def test_finer_in_minutes_agrees_with_a_run_of_the_schedule(minute: str, timeframe: str) -> None:
    schedule = f"{minute} * * * *"
    assert is_schedule(schedule)
    finer = _least_gap(schedule, dial=HOUR) < timedelta(seconds=seconds_of(timeframe))
    assert fires_finer_than(schedule, timeframe) == finer


@given(hour=fields(24), timeframe=st.sampled_from([t for t in TIMEFRAMES if not t.endswith("m")]))
def test_finer_in_hours_agrees_with_a_run_of_the_schedule(hour: str, timeframe: str) -> None:
    schedule = f"7 {hour} * * *"
    finer = _least_gap(schedule, dial=DAY) < timedelta(seconds=seconds_of(timeframe))
    assert fires_finer_than(schedule, timeframe) == finer


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_the_schedule_of_a_timeframe_fires_at_every_close(timeframe: Timeframe) -> None:
    schedule = schedule_of(timeframe)
    assert is_schedule(schedule)
    assert not fires_finer_than(schedule, timeframe)
    step = timedelta(seconds=seconds_of(timeframe))
    fired = list(islice(CronSim(schedule, START - timedelta(seconds=1)), 300))
    assert fired == [START + step * n for n in range(300)]


@given(minute=fields(60), hour=fields(24))
def test_every_schedule_that_is_accepted_can_be_run(minute: str, hour: str) -> None:
    assert next(CronSim(f"{minute} {hour} * * *", START)) >= START


def test_a_year_end_is_no_gap() -> None:
    """A day's last and first firing are neighbours: the dial has no end."""
    assert fires_finer_than("0 1,23 * * *", "4h")
    assert not fires_finer_than("0 3,23 * * *", "4h")


def test_a_newline_at_the_end_is_no_part_of_a_schedule() -> None:
    assert not is_schedule("* * * * *\n")
