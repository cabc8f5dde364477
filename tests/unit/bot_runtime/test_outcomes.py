"""What was told is judged at its horizon's end: not a candle before, and never without one."""

import numpy as np

from bot_runtime.serving.outcomes import has_ended, settle
from bot_runtime.serving.served_band import ToldBand
from tests.unit.bot_runtime.markets import random_candles, without

CANDLES = random_candles(40, seed=5)
STEPS = 4


def told_at(row: int) -> ToldBand:
    close_ms = int(CANDLES.close_time_ms[row])
    return ToldBand(bar_close_ms=close_ms, close=float(CANDLES.close[row]), p10=-0.1, p90=0.1)


def test_a_horizon_ends_with_its_last_candle() -> None:
    horizon_ms, now_ms = STEPS * CANDLES.interval_ms, int(CANDLES.close_time_ms[19])
    ended = [has_ended(told_at(row).bar_close_ms, horizon_ms, now_ms) for row in (14, 15, 16, 19)]
    assert ended == [True, True, False, False]


def test_the_closes_are_those_of_the_horizon() -> None:
    known, waiting = settle([told_at(30), told_at(35), told_at(36)], CANDLES, STEPS)
    assert [one.bar_close_ms for one, _ in known] == list(CANDLES.close_time_ms[[30, 35]])
    assert np.array_equal(known[0][1], CANDLES.close[31:35])
    assert np.array_equal(known[1][1], CANDLES.close[36:40])
    assert waiting == (told_at(36),)


def test_a_missing_candle_shortens_the_way_and_a_missing_end_is_forgotten() -> None:
    ((_, closes),), _ = settle([told_at(30)], without(CANDLES, 32), STEPS)
    assert np.array_equal(closes, CANDLES.close[[31, 33, 34]])
    assert settle([told_at(30)], without(CANDLES, 34), STEPS) == ([], ())
