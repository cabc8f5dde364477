import numpy as np
import pytest

from bot_exchange.market.candles import (
    DAY_MS,
    INTERVALS_MS,
    Candles,
    aggregate,
    interval_start,
    join,
)

MINUTE_MS = 60_000


def minutes(count: int, start_ms: int = 0) -> Candles:
    """Candles whose prices and volume tell which minute they are of."""
    number = np.arange(count, dtype=float) + 1
    opens = start_ms + np.arange(count, dtype=np.int64) * MINUTE_MS
    return Candles(opens, number, number + 0.5, number - 0.5, number + 0.25, number)


def test_five_candles_become_one() -> None:
    five = aggregate(minutes(10), INTERVALS_MS["5m"])
    assert five.open_ms.tolist() == [0, 5 * MINUTE_MS]
    assert five.open.tolist() == [1, 6]
    assert five.high.tolist() == [5.5, 10.5]
    assert five.low.tolist() == [0.5, 5.5]
    assert five.close.tolist() == [5.25, 10.25]
    assert five.volume.tolist() == [15, 40]


def test_the_same_interval_changes_nothing() -> None:
    one = minutes(7)
    for column in ("open_ms", "open", "high", "low", "close", "volume"):
        same = getattr(aggregate(one, MINUTE_MS), column)
        np.testing.assert_array_equal(same, getattr(one, column))


def test_an_interval_without_candles_has_none() -> None:
    base = join([minutes(5), minutes(5, start_ms=10 * MINUTE_MS)])
    assert aggregate(base, 5 * MINUTE_MS).open_ms.tolist() == [0, 10 * MINUTE_MS]
    assert len(aggregate(minutes(0), 5 * MINUTE_MS)) == 0


def test_weeks_open_on_monday() -> None:
    week = INTERVALS_MS["1w"]
    assert interval_start(1_790_000_040_000, week) == 1_789_948_800_000  # 2026-09-21
    monday = interval_start(0, week)
    assert monday == -3 * DAY_MS
    assert aggregate(minutes(2), week).open_ms.tolist() == [monday]


@pytest.mark.parametrize("name", INTERVALS_MS)
def test_every_interval_contains_the_time_it_starts_for(name: str) -> None:
    start = interval_start(1_790_000_070_123, INTERVALS_MS[name])
    assert start <= 1_790_000_070_123 < start + INTERVALS_MS[name]


def test_between_takes_the_start_and_leaves_the_end() -> None:
    part = minutes(10).between(2 * MINUTE_MS, 4 * MINUTE_MS)
    assert part.open_ms.tolist() == [2 * MINUTE_MS, 3 * MINUTE_MS]
