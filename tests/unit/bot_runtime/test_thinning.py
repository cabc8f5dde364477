"""Fewer points that show the same."""

import numpy as np
import pytest

from bot_runtime.report.thinning import join, means_of, rows_of_extremes
from tests.unit.bot_runtime.markets import random_candles, without


@pytest.mark.parametrize("count", [1, 2, 9, 20, 21, 1000, 12_345])
def test_no_extreme_is_left_out(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    rows = rows_of_extremes(values, 10)
    assert len(rows) <= 22
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0
    assert rows[-1] == count - 1
    assert values[rows].max() == values.max()
    assert values[rows].min() == values.min()


@pytest.mark.parametrize("count", [1, 5, 10, 11, 999])
def test_means_keep_the_sum(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    rows, means = means_of(values, 10)
    assert len(rows) == min(count, 10)
    assert float(means @ np.diff([*rows, count])) == pytest.approx(values.sum())


@pytest.mark.parametrize("count", [1, 9, 10, 11, 95, 1000])
def test_joined_candles_have_the_same_range(count: int) -> None:
    candles = random_candles(count)
    joined = join(candles, 10)
    assert len(joined) <= 10
    assert joined.high.max() == candles.high.max()
    assert joined.low.min() == candles.low.min()
    assert joined.open[0] == candles.open[0]
    assert joined.close[-1] == candles.close[-1]
    assert joined.volume.sum() == pytest.approx(candles.volume.sum())
    assert ((joined.low <= joined.close) & (joined.close <= joined.high)).all()


def test_joined_candles_begin_when_their_first_one_does() -> None:
    candles = without(random_candles(40), 11, 12, 13)
    joined = join(candles, 10)
    assert set(joined.open_time_ms) <= set(candles.open_time_ms)
