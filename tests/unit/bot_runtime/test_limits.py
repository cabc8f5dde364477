"""Limits of losses: when they trip, how long they stand, and that each is told once.

The account begins with 1000 on Friday, 1970-01-02, at 00:00. A day may lose 125, a week 250, and
the highest equity 500 (halves, quarters and eighths are exact).
"""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.trading import RiskSpec, RuleName
from bot_runtime.trading.limits import Limits, day_of, week_of
from bot_runtime.trading.orders import Purpose
from bot_runtime.trading.positions import Trade
from bot_runtime.trading.trips import FOREVER, Trip

HOUR_MS = 3_600_000
FRIDAY_MS, SATURDAY_MS, SUNDAY_MS, MONDAY_MS = (day * DAY_MS for day in (1, 2, 3, 4))


def limits(**risk: Any) -> Limits:
    caps = {"daily_loss_cap": 0.125, "weekly_loss_cap": 0.25, "max_drawdown": 0.5}
    return Limits(RiskSpec(**(caps | risk)), HOUR_MS, 1000, FRIDAY_MS)


def trade(profit: int, purpose: Purpose = Purpose.SIGNAL) -> Trade:
    return Trade(0, 0, 1, 1, 1, 0, profit, purpose, 0)


def told(found: Limits) -> list[tuple[str, float, int]]:
    """Return what tripped, at which value, and when it resets."""
    return [(str(trip.limit), trip.value, trip.resets_ms) for trip in found.trips]


def marked(found: Limits, *marks: tuple[float, int]) -> Limits:
    """Mark the equity at hours after Friday's midnight."""
    for hours, equity in marks:
        found.mark(FRIDAY_MS + int(hours * HOUR_MS), equity)
    return found


def stands(found: Limits, symbol: str = "A") -> list[str]:
    return [str(r.rule) for r in found.results(symbol, found.now_ms) if not r.passed]


def test_days_and_weeks_begin_at_midnight_and_on_monday() -> None:
    assert (day_of(FRIDAY_MS - 1), day_of(FRIDAY_MS)) == (0, 1)
    assert week_of(MONDAY_MS - 1) == week_of(0) == 0
    assert week_of(MONDAY_MS) == week_of(MONDAY_MS + 7 * DAY_MS - 1) == 1
    assert week_of(1_704_672_000_000) - week_of(1_704_671_999_999) == 1  # 2024-01-08, a Monday


def test_a_day_trips_at_its_cap_and_not_before() -> None:
    assert told(marked(limits(), (1, 876))) == []
    found = marked(limits(), (1, 875))
    assert told(found) == [("DailyLoss", 0.125, SATURDAY_MS)]
    assert stands(found) == ["DailyLoss"]
    assert found.blocked_until_ms == SATURDAY_MS


def test_a_limit_that_stands_is_told_once_and_does_not_go_when_the_equity_is_back() -> None:
    found = marked(limits(), (1, 870), (2, 860), (3, 999), (4, 850))
    assert told(found) == [("DailyLoss", 0.13, SATURDAY_MS)]
    assert stands(marked(found, (5, 1000))) == ["DailyLoss"]


def test_a_day_is_measured_from_the_equity_at_midnight_and_resets_there() -> None:
    found = marked(limits(), (1, 875), (23, 890), (24, 880))
    assert stands(found) == []
    assert told(marked(found, (25, 771))) == [("DailyLoss", 0.125, SATURDAY_MS)]  # 880 - 110 = 770
    assert told(marked(found, (26, 770)))[1:] == [
        ("DailyLoss", 0.125, SUNDAY_MS),
    ]


def test_whoever_was_not_marked_at_midnight_has_stood_there_as_before() -> None:
    # 960 at 23:00; at 02:00 there are 840, which is an eighth less.
    found = marked(limits(), (23, 960), (26, 840))
    assert told(found) == [("DailyLoss", 0.125, SUNDAY_MS)]


def test_several_days_without_a_mark() -> None:
    found = marked(limits(), (1, 960), (24 * 3 + 5, 840))
    assert told(found) == [("DailyLoss", 0.125, MONDAY_MS + DAY_MS)]


def test_a_week_resets_on_monday_and_not_on_sunday() -> None:
    found = marked(limits(), (1, 900), (24, 900), (30, 800), (48, 800), (50, 750))
    assert told(found)[-1] == ("WeeklyLoss", 0.25, MONDAY_MS)
    assert stands(marked(found, (71, 760))) == ["WeeklyLoss"]
    assert stands(marked(found, (72, 740))) == []
    # From Monday's 740 a quarter less is 555; no day loses an eighth.
    marked(found, (73, 700), (74, 660), (96, 660), (100, 600), (120, 600), (130, 556))
    assert stands(found) == []
    assert told(marked(found, (131, 555)))[-1] == ("WeeklyLoss", 0.25, MONDAY_MS + 7 * DAY_MS)


def test_a_week_whose_midnight_was_not_marked_begins_with_the_mark_before() -> None:
    found = marked(limits(daily_loss_cap=0.25), (71, 1000), (75, 750))
    assert [limit for limit, _, _ in told(found)] == ["DailyLoss", "WeeklyLoss"]
    # On Tuesday's midnight the week has begun a day before.
    found = marked(limits(daily_loss_cap=0.25), (71, 1000), (96, 750), (97, 749))
    assert [limit for limit, _, _ in told(found)] == ["WeeklyLoss"]


def test_a_drawdown_is_measured_from_the_highest_equity_and_stands_for_good() -> None:
    found = limits(daily_loss_cap=0.5, weekly_loss_cap=0.5)
    marked(found, (1, 1600), (24, 1600), (25, 801))
    assert told(found) == []
    marked(found, (48, 801), (49, 800))
    assert told(found) == [("Drawdown", 0.5, FOREVER)]
    marked(found, (72, 800), (73, 1700), (96, 1700), (97, 1600), (1000, 1600))
    assert stands(found) == ["Drawdown"], "a new highest equity forgives nothing"
    assert len(found.trips) == 1


def test_resume_after_forgives_drawdowns_of_before_and_measures_anew() -> None:
    found = limits(daily_loss_cap=0.5, weekly_loss_cap=0.5, resume_after="1970-01-05T12:30:00Z")
    resume_ms = MONDAY_MS + int(12.5 * HOUR_MS)
    marked(found, (1, 1600), (24, 1600), (48, 801), (72, 801), (73, 800))
    assert told(found) == [("Drawdown", 0.5, resume_ms)]
    assert stands(marked(found, (84, 800))) == ["Drawdown"]
    assert stands(marked(found, (85, 790))) == []
    marked(found, (96, 600), (240, 500), (241, 396))
    assert stands(found) == []
    assert told(marked(found, (242, 395)))[1:] == [("Drawdown", 0.5, FOREVER)]


def test_losses_in_a_row_stop_every_symbol_for_a_while() -> None:
    found = limits(loss_streak={"trades": 3, "cooldown_candles": 2})
    at = FRIDAY_MS + 5 * HOUR_MS
    for profit in (-1, -1, 0, -1, -1):  # what loses nothing ends a row
        found.closed("A", at, trade(profit))
    assert told(found) == []
    found.closed("B", at, trade(-1))
    assert told(found) == [("LossStreak", 3, at + 2 * HOUR_MS)]
    for hours, names in ((5, ["LossStreak"]), (6, ["LossStreak"]), (7, [])):
        assert stands(marked(found, (hours, 1000)), "C") == names
    assert found.blocked_until_ms == at + 2 * HOUR_MS
    found.closed("A", at, trade(-1))
    assert len(found.trips) == 1, "the next row begins with one"


def test_a_stop_keeps_its_symbol_out_for_a_while() -> None:
    found = limits(stop_cooldown_candles=2)
    at = FRIDAY_MS + 5 * HOUR_MS
    found.closed("A", at, trade(-1, Purpose.STOP))
    found.closed("B", at, trade(-1, Purpose.SIGNAL))
    assert told(found) == [("StopCooldown", 0.0, at + 2 * HOUR_MS)]
    for hours, names in ((5, ["StopCooldown"]), (6, ["StopCooldown"]), (7, [])):
        marked(found, (hours, 1000))
        assert stands(found, "A") == names
        assert stands(found, "B") == []
    assert found.blocked_until_ms <= at, "others may be entered"


def test_a_cooldown_of_no_candles_is_none() -> None:
    found = limits(stop_cooldown_candles=0)
    found.closed("A", FRIDAY_MS, trade(-1, Purpose.STOP))
    assert (told(found), stands(found)) == ([], [])


def test_results_name_every_limit_with_what_was_found() -> None:
    found = marked(limits(), (1, 900), (2, 950))
    found.closed("A", found.now_ms, trade(-1))
    assert [(str(r.rule), r.value, r.threshold) for r in found.results("A", found.now_ms)] == [
        ("DailyLoss", pytest.approx(0.05), 0.125),
        ("WeeklyLoss", pytest.approx(0.05), 0.25),
        ("Drawdown", pytest.approx(0.05), 0.5),
        ("LossStreak", 1, 4),
        ("StopCooldown", 2, 2),
    ]


def test_an_account_with_nothing_left_trips_everything_and_divides_by_nothing() -> None:
    found = marked(limits(), (1, 0), (24, 0), (80, 0))
    assert {name for name, _, _ in told(found)} == {"DailyLoss", "WeeklyLoss", "Drawdown"}
    assert all(r.value == r.value for r in found.results("A", found.now_ms))


# --- what stands, what has reset, and what a state brings back


def again(found: Limits, **risk: Any) -> Limits:
    """Return limits that are resumed from what these know, under settings that may be others."""
    caps = {"daily_loss_cap": 0.125, "weekly_loss_cap": 0.25, "max_drawdown": 0.5}
    return Limits.resumed(RiskSpec(**(caps | risk)), HOUR_MS, found.state)


def test_what_stands_is_told_with_the_symbol_it_keeps_out_and_until_when() -> None:
    found = marked(limits(), (1, 875))
    at = found.now_ms
    found.closed("A/B", at, trade(-1, Purpose.STOP))
    assert found.state.standing_at(at) == (
        Trip(at, RuleName.DAILY_LOSS, 0.125, 0.125, SATURDAY_MS),
        Trip(at, RuleName.STOP_COOLDOWN, 0.0, 2, at + 2 * HOUR_MS, "A/B"),
    )
    assert [trip.limit for trip in found.state.standing_at(at + 2 * HOUR_MS)] == ["DailyLoss"]
    assert found.state.standing_at(SATURDAY_MS) == ()


def test_a_reset_is_told_once_by_its_time() -> None:
    found = marked(limits(), (1, 875))
    found.closed("A", found.now_ms, trade(-1, Purpose.STOP))
    day, stop = found.trips
    assert found.take_resets(stop.resets_ms - 1) == []
    assert found.take_resets(SATURDAY_MS) == [stop, day]
    assert found.take_resets(SATURDAY_MS) == []


def test_a_limit_that_trips_again_has_reset_before() -> None:
    found = marked(limits(), (1, 875), (24, 880), (26, 770))
    first, second = found.trips
    assert found.take_resets(SUNDAY_MS - 1) == [first]
    assert found.state.standing_at(found.now_ms) == (second,)


def test_a_row_of_losses_while_one_stands_prolongs_it() -> None:
    found = limits(loss_streak={"trades": 1, "cooldown_candles": 5})
    for hours in (1, 3):
        found.closed("A", FRIDAY_MS + hours * HOUR_MS, trade(-1))
    first, second = found.trips
    assert found.take_resets(first.resets_ms) == [], "it still stands"
    assert found.take_resets(second.resets_ms) == [second]


@given(
    equities=st.lists(st.integers(300, 1400), min_size=2, max_size=60),
    at=st.integers(0, 60),
    resumes=st.sampled_from([None, "1970-01-02T07:30:00Z", "1970-01-03T00:00:00Z"]),
    lost=st.lists(st.integers(0, 60), max_size=12),
)
def test_limits_that_are_resumed_judge_as_if_they_had_not_been(
    equities: list[int], at: int, resumes: str | None, lost: list[int]
) -> None:
    one, other = (limits(resume_after=resumes) for _ in range(2))
    for i, equity in enumerate(equities):
        close_ms = FRIDAY_MS + (i + 1) * HOUR_MS
        if i == at:
            trips, resets = other.trips, other.resets
            other = again(other, resume_after=resumes)
            other.trips, other.resets = trips, resets
        for found in (one, other):
            if i in lost:
                found.closed("A", close_ms, trade(-1, Purpose.STOP))
            found.mark(close_ms, equity)
        assert one == other


def test_what_stands_goes_on_standing_under_other_caps() -> None:
    found = again(marked(limits(), (1, 875)), daily_loss_cap=0.2)
    assert [trip.limit for trip in found.state.standing_at(found.now_ms)] == ["DailyLoss"]
    assert stands(marked(found, (2, 999))) == ["DailyLoss"]
    assert stands(marked(found, (24, 999))) == []


def test_other_caps_judge_from_the_equities_of_before() -> None:
    found = again(marked(limits(), (1, 901)), daily_loss_cap=0.0625)
    assert (stands(found), told(found)) == ([], [])
    ((limit, value, resets_ms),) = told(marked(found, (2, 901)))
    assert (limit, resets_ms) == ("DailyLoss", SATURDAY_MS)
    assert value == pytest.approx(0.099)


def fallen(**risk: Any) -> Limits:
    """Return limits whose drawdown of half of 1600 has tripped on Sunday at 01:00."""
    loose = {"daily_loss_cap": 0.5, "weekly_loss_cap": 0.5}
    marks = ((1, 1600), (24, 1600), (48, 801), (49, 800), (60, 820))
    return marked(limits(**loose, **risk), *marks)


def drawdown(found: Limits, **risk: Any) -> Limits:
    return again(found, daily_loss_cap=0.5, weekly_loss_cap=0.5, **risk)


def test_a_time_of_resume_that_has_passed_forgives_at_once_and_measures_anew() -> None:
    found = drawdown(fallen(), resume_after="1970-01-04T02:00:00Z")
    assert stands(found) == []
    (reset,) = found.take_resets(found.now_ms)
    assert (reset.limit, reset.resets_ms) == ("Drawdown", SUNDAY_MS + 2 * HOUR_MS)
    marked(found, (72, 820), (96, 420), (97, 411))
    assert stands(found) == []
    assert told(marked(found, (98, 410)))[-1] == ("Drawdown", 0.5, FOREVER)  # half of 820


def test_a_time_of_resume_to_come_is_when_a_drawdown_resets() -> None:
    found = drawdown(fallen(), resume_after="1970-01-05T12:00:00Z")
    (trip,) = found.state.standing_at(found.now_ms)
    assert trip.resets_ms == MONDAY_MS + 12 * HOUR_MS
    assert stands(marked(found, (83, 820))) == ["Drawdown"]
    assert stands(marked(found, (84, 820))) == []


def test_a_time_of_resume_before_the_trip_forgives_nothing() -> None:
    for time in ("1970-01-04T01:00:00Z", "1970-01-03T00:00:00Z"):
        found = drawdown(fallen(), resume_after=time)
        assert [trip.resets_ms for trip in found.state.standing_at(found.now_ms)] == [FOREVER]


def test_without_a_time_of_resume_a_drawdown_stands_for_good() -> None:
    found = drawdown(fallen(resume_after="1970-01-05T12:00:00Z"))
    assert [trip.resets_ms for trip in found.state.standing_at(found.now_ms)] == [FOREVER]
    assert stands(marked(found, (84, 820))) == ["Drawdown"]


def test_an_account_that_is_worth_nothing_has_nothing_left_to_lose() -> None:
    found = again(marked(limits(), (1, 0), (80, -5), (81, -90)))
    assert told(found) == []
    assert told(marked(found, (200, -90), (201, -100))) == []


def test_a_cooldown_that_ends_within_a_candle_stands_until_then() -> None:
    found = limits(stop_cooldown_candles=2)
    found.closed("A", FRIDAY_MS, trade(-1, Purpose.STOP))
    late = FRIDAY_MS + 2 * HOUR_MS - 1
    assert not found.results("A", late)[-1].passed
    assert found.stopped_until_ms("A") > late


# --- many candles at once


@given(
    equities=st.lists(st.integers(300, 1400), min_size=1, max_size=60),
    part=st.integers(1, 9),
    resumes=st.sampled_from([None, "1970-01-02T07:30:00Z", "1970-01-03T00:00:00Z"]),
)
def test_a_span_that_is_marked_at_once_is_as_if_each_candle_had_been(
    equities: list[int], part: int, resumes: str | None
) -> None:
    marks = [(FRIDAY_MS + (i + 1) * HOUR_MS, equity) for i, equity in enumerate(equities)]
    one, other = limits(resume_after=resumes), limits(resume_after=resumes)
    for begin in range(0, len(marks), part):
        span = marks[begin : begin + part]
        for close_ms, equity in span:
            one.mark(close_ms, equity)
        money = [equity for _, equity in span]
        before = copy.deepcopy(other)
        if not other.mark_span(span[-1][0], min(money), max(money), money[-1]):
            assert other == before, "nothing was marked"
            for close_ms, equity in span:
                other.mark(close_ms, equity)
        assert other == one
        assert other.stopped_until_ms("A") == other.blocked_until_ms
        blocked = other.blocked_until_ms > span[-1][0]
        assert blocked == bool(stands(other))
