"""What is left of a feed that has rows which cannot be candles."""

from dataclasses import replace

import numpy as np
import pytest

from bot_runtime.market.candles import leave_out_broken
from bot_runtime.market.feed_trouble import judge_candles, newest_window
from bot_runtime.serving.served_band import BandState, ToldBand, settle_band
from tests.unit.bot_runtime.markets import random_candles

MINUTE_MS = 60_000
EARLIER = 5


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize(("place", "refused"), [(3, False), (79, True)])
def test_a_price_that_cannot_be_one_is_no_outcome(
    value: float, place: int, *, refused: bool
) -> None:
    candles = random_candles(80)
    close = candles.close.copy()
    close[place] = value
    candles = replace(candles, close=close)
    newest = int(candles.close_time_ms[-1])
    window = newest_window(newest, MINUTE_MS, 80 - EARLIER, EARLIER)
    trouble = judge_candles(candles, "BTC/USDT", window)
    assert (trouble is not None) == refused
    told_at = int(candles.close_time_ms[place]) - MINUTE_MS
    told = ToldBand(bar_close_ms=told_at, close=100.0, p10=-0.5, p90=0.5)
    found = settle_band(BandState(told=(told,)), leave_out_broken(candles), 1)
    assert (found.hits, found.lower, found.upper) == ("", 0.0, 0.0)


def test_sound_candles_all_stay() -> None:
    candles = random_candles(80)
    assert np.array_equal(leave_out_broken(candles).open_time_ms, candles.open_time_ms)
