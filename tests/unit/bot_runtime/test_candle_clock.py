"""When a candle's close is acted on: by the exchange's clock, through sleep and outages."""

import pytest

from bot_runtime.local.candle_clock import LAG_MS, NAP_SECONDS
from tests.unit.bot_runtime.machines import MINUTE, NOON_MS, Machine


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_the_newest_candle_is_there_at_once(machine: Machine) -> None:
    machine.now += 30
    assert machine.clock().wait_for_close(0) == NOON_MS
    assert machine.naps == []


def test_the_next_one_is_waited_for_until_a_little_after_its_close(machine: Machine) -> None:
    machine.now += 30
    assert machine.clock().wait_for_close(NOON_MS) == NOON_MS + MINUTE
    assert machine.now * 1000 == NOON_MS + MINUTE + LAG_MS
    assert machine.asked == 2
    assert max(machine.naps) <= NAP_SECONDS


def test_a_candle_is_none_before_its_lag_is_over(machine: Machine) -> None:
    machine.now += LAG_MS / 2000
    assert machine.clock().wait_for_close(0) == NOON_MS - MINUTE


@pytest.mark.parametrize("ahead_ms", [-25_000, 20_000])
def test_the_exchange_s_clock_counts(machine: Machine, ahead_ms: int) -> None:
    machine.ahead_ms = ahead_ms
    machine.now += 30
    assert machine.clock().wait_for_close(NOON_MS) == NOON_MS + MINUTE
    assert round(machine.now * 1000) + ahead_ms == NOON_MS + MINUTE + LAG_MS


def test_an_exchange_that_is_away_is_waited_for_by_what_its_clock_was(machine: Machine) -> None:
    machine.ahead_ms = 20_000
    clock = machine.clock()
    newest_ms = clock.wait_for_close(0)
    machine.is_away = True
    assert clock.wait_for_close(newest_ms) == newest_ms + MINUTE
    assert round(machine.now * 1000) + 20_000 == newest_ms + MINUTE + LAG_MS


def test_after_a_sleep_of_the_machine_the_newest_candle_is_next(machine: Machine) -> None:
    machine.now += 5
    machine.sleeps_for = 3600
    assert machine.clock().wait_for_close(NOON_MS) == NOON_MS + 60 * MINUTE
    assert machine.awake <= NAP_SECONDS


def test_a_clock_that_is_set_back_costs_no_hour(machine: Machine) -> None:
    """Ours is corrected by an hour while it waits; the exchange's time goes on."""
    clock = machine.clock()
    machine.now += 5
    machine.sleeps_for = -3600
    machine.ahead_ms = 0
    clock.wall = lambda: machine.now
    exchange = iter([NOON_MS + 5_000, NOON_MS + MINUTE + LAG_MS])
    clock.ask = lambda: next(exchange)
    assert clock.wait_for_close(NOON_MS) == NOON_MS + MINUTE
    assert machine.awake == pytest.approx(56)


def test_an_exchange_that_goes_back_by_hours_is_followed(machine: Machine) -> None:
    machine.ahead_ms = -2 * 3_600_000
    assert machine.clock().wait_for_close(NOON_MS) < NOON_MS - 100 * MINUTE
    machine.ahead_ms = -30_000  # by less than a candle it is waited for
    assert machine.clock().wait_for_close(NOON_MS) == NOON_MS + MINUTE


def test_a_pause_ends_with_the_next_candle(machine: Machine) -> None:
    clock = machine.clock()
    clock.wait_for_close(0)
    machine.now += 10
    clock.pause(30, NOON_MS)
    assert machine.now == NOON_MS / 1000 + 40
    clock.pause(30, NOON_MS)
    assert machine.now * 1000 == NOON_MS + MINUTE + LAG_MS
    clock.pause(30, NOON_MS)
    assert machine.now * 1000 == NOON_MS + MINUTE + LAG_MS


def test_a_candle_of_a_day_is_waited_for_without_asking_all_the_time(machine: Machine) -> None:
    day_ms = 86_400_000
    clock = machine.clock(day_ms)
    newest_ms = clock.wait_for_close(0)
    assert clock.wait_for_close(newest_ms) == newest_ms + day_ms
    assert machine.asked == 3
