"""Coarser candles: whole ones alone, aligned to UTC, and nothing that has not closed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import VALUE_COLUMNS, Candles
from bot_runtime.market.coarser_candles import coarsen
from tests.unit.bot_runtime.markets import random_candles, without

FIVE_MS, HOUR_MS = 300_000, 3_600_000


def aligned(count: int, first: int = 0) -> Candles:
    """Return candles of five minutes; the first one is the `first` of an hour."""
    found = random_candles(count, interval_ms=FIVE_MS)
    begin_ms = 1_700_000_000_000 // HOUR_MS * HOUR_MS + first * FIVE_MS
    times = begin_ms + np.arange(count, dtype=np.int64) * FIVE_MS
    return Candles(FIVE_MS, times, *(getattr(found, name) for name in VALUE_COLUMNS))


def test_an_hour_is_made_of_its_twelve_parts() -> None:
    fine = aligned(24)
    coarse = coarsen(fine, HOUR_MS)
    assert coarse.open_time_ms.tolist() == [int(fine.open_time_ms[0]), int(fine.open_time_ms[12])]
    assert coarse.open.tolist() == [fine.open[0], fine.open[12]]
    assert coarse.close.tolist() == [fine.close[11], fine.close[23]]
    assert coarse.high.tolist() == [fine.high[:12].max(), fine.high[12:].max()]
    assert coarse.low.tolist() == [fine.low[:12].min(), fine.low[12:].min()]
    assert np.allclose(coarse.volume, [fine.volume[:12].sum(), fine.volume[12:].sum()])


def test_an_hour_that_has_begun_or_lacks_a_part_is_missing() -> None:
    fine = aligned(12 * 6 + 4, first=7)
    assert len(coarsen(fine, HOUR_MS)) == 5
    lacking = without(fine, 20)
    times = coarsen(lacking, HOUR_MS).open_time_ms
    assert len(times) == 4
    assert fine.open_time_ms[20] // HOUR_MS * HOUR_MS not in times


def test_nothing_at_all_is_made_of_nothing() -> None:
    assert len(coarsen(aligned(0), HOUR_MS)) == 0
    assert len(coarsen(aligned(11), HOUR_MS)) == 0


@given(
    count=st.integers(1, 200),
    first=st.integers(0, 11),
    holes=st.sets(st.integers(0, 199), max_size=20),
)
def test_any_candles_make_candles_whose_parts_are_all_there(
    count: int, first: int, holes: set[int]
) -> None:
    fine = without(aligned(count, first), *holes)
    coarse = coarsen(fine, HOUR_MS)
    check_schema(coarse, "BTC/USDT")
    for row, open_ms in enumerate(coarse.open_time_ms.tolist()):
        own = (fine.open_time_ms >= open_ms) & (fine.open_time_ms < open_ms + HOUR_MS)
        assert own.sum() == 12
        assert coarse.high[row] == fine.high[own].max()
    whole = np.bincount((fine.open_time_ms - fine.open_time_ms.min(initial=0)) // HOUR_MS)
    assert len(coarse) <= len(whole)
