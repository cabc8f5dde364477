"""Candles: what is refused with its row, and where holes are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.market.candles import (
    Candles,
    Gap,
    check_candles,
    find_gaps,
    from_rows,
    merge,
    missing_count,
    rows_without_gap,
    utc,
)
from bot_runtime.process.errors import DataUnusableError
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import START_MS, random_candles, without


def spoilt(row: int, **values: float) -> Candles:
    """Return ten candles with values of one row replaced."""
    candles = random_candles(10)
    for name, value in values.items():
        getattr(candles, name)[row] = value
    return candles


@pytest.mark.parametrize(
    ("candles", "what"),
    [
        (spoilt(3, high=1.0), "high below another price"),
        (spoilt(3, low=1e6, high=1e7), "low above another price"),
        (spoilt(3, close=float("nan")), "not a positive number"),
        (spoilt(3, open=0.0), "not a positive number"),
        (spoilt(3, close=float("inf")), "not a positive number"),
        (spoilt(3, volume=-1.0), "volume that is negative"),
        (spoilt(3, volume=float("nan")), "volume that is negative"),
        (spoilt(3, open_time_ms=START_MS), "not in time order"),
        (spoilt(3, open_time_ms=START_MS + 3 * MINUTE_MS + 1), "off the timeframe's grid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_broken_row_is_refused_with_its_number(candles: Candles, what: str) -> None:
    with pytest.raises(DataUnusableError, match=rf"BTC/USDT: row 3 of 10 .*{what}"):
        check_candles(candles, "BTC/USDT")


@given(st.integers(0, 50), st.integers(0, 1000))
def test_good_candles_pass(count: int, seed: int) -> None:
    check_candles(random_candles(count, seed), "BTC/USDT")


def test_gaps_are_found_with_start_and_length() -> None:
    candles = without(random_candles(20), 3, 4, 9)
    assert find_gaps(candles) == (
        Gap(START_MS + 3 * MINUTE_MS, 2),
        Gap(START_MS + 9 * MINUTE_MS, 1),
    )
    assert missing_count(candles) == 3


def test_rows_are_sorted_and_the_last_of_a_time_is_kept() -> None:
    rows = [[120_000, 3, 3, 3, 3, 3], [60_000, 1, 1, 1, 1, 1], [60_000, 2, 2, 2, 2, 2]]
    candles = from_rows(rows, MINUTE_MS)
    assert candles.open_time_ms.tolist() == [60_000, 120_000]
    assert candles.close.tolist() == [2, 3]


def test_merge_of_parts_is_the_whole() -> None:
    whole = random_candles(30)
    joined = merge([without(whole, 5, 6), whole[4:8]])
    assert joined.open_time_ms.tolist() == whole.open_time_ms.tolist()
    assert joined.close.tolist() == whole.close.tolist()


@given(st.sets(st.integers(0, 29), max_size=8), st.integers(1, 10))
def test_rows_without_gap_end_consecutive_candles(missing: set[int], length: int) -> None:
    candles = without(random_candles(30), *missing)
    positions = (candles.open_time_ms - START_MS) // MINUTE_MS
    expected = [
        all(position - back in positions for back in range(length)) for position in positions
    ]
    assert rows_without_gap(candles, length).tolist() == expected


def test_empty_rows_make_empty_candles() -> None:
    assert len(from_rows([], MINUTE_MS)) == 0


def test_times_are_written_in_utc() -> None:
    assert utc(0) == "1970-01-01T00:00:00Z"
    assert utc(1_767_225_599_999) == "2025-12-31T23:59:59Z"


def test_close_time_is_an_interval_after_the_open() -> None:
    candles = random_candles(2)
    assert np.array_equal(candles.close_time_ms - candles.open_time_ms, [MINUTE_MS] * 2)
