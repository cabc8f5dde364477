"""A training has no candle after its window, and is judged on none of the window's."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality_windows import MONTH_DAYS, windows_of
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.unit.benchmarks.windows import CANDLES, LEARNED_DAYS, the_learned, the_window
from tests.unit.bot_runtime.markets import random_candles


@given(days=st.integers(0, 500), learned_days=st.integers(1, 200), more=st.integers(0, 5))
def test_months_follow_each_other_and_are_whole(days: int, learned_days: int, more: int) -> None:
    candles = random_candles(4 * days + min(more, days), interval_ms=DAY_MS // 4)
    windows = windows_of(candles, learned_days)
    whole_days = len(candles) // 4
    assert len(windows) == max(0, (whole_days - learned_days) // MONTH_DAYS)
    for window in windows:
        assert window.begin_ms - window.learn_ms == learned_days * DAY_MS
        assert window.end_ms - window.begin_ms == MONTH_DAYS * DAY_MS
        assert candles.open_time_ms[0] <= window.learn_ms
        assert window.end_ms <= candles.close_time_ms[-1]
    for before, after in pairwise(windows):
        assert after.begin_ms == before.end_ms


def test_nothing_is_learned_from_the_month() -> None:
    learned, window = the_learned(), the_window()
    assert CANDLES.close_time_ms[-1] > window.end_ms, "there was more to be seen"
    assert learned.known.candles[0].open_time_ms[0] == window.learn_ms
    assert learned.known.candles[0].close_time_ms[-1] == window.begin_ms
    for part in learned.judged.manifest.objectives:
        assert part.seen_until_ms <= learned.known.seen_until_ms <= window.begin_ms
    for part in learned.version.manifest.objectives:
        assert part.seen_until_ms <= window.begin_ms


def test_nothing_naive_is_fitted_to_the_month() -> None:
    learned, window = the_learned(), the_window()
    assert learned.data.seen_until_ms <= window.begin_ms
    fitted = learned.data.time_ms[learned.data.splits.before_test]
    assert fitted.max() > learned.known.time_ms[learned.known.splits.test].min()


def test_the_month_alone_is_judged_on_and_nothing_after_it_is_seen() -> None:
    learned, window = the_learned(), the_window()
    data = learned.data
    begin_ms = data.time_ms[learned.rows]
    assert begin_ms[0] == window.begin_ms
    ends_ms = begin_ms + (1 + data.horizon_steps) * data.interval_ms
    assert ends_ms[-1] == window.end_ms
    assert (np.diff(begin_ms) == data.interval_ms).all()
    assert data.candles[0].close_time_ms[-1] == window.end_ms


def test_window_and_month_have_the_rows_that_the_training_had() -> None:
    learned = the_learned()
    rows = learned.known.splits.test
    for name in ("features", "time_ms", "volatility", "close"):
        known, found = (getattr(data, name)[rows] for data in (learned.known, learned.data))
        assert np.array_equal(known, found), name


def test_settings_are_those_of_a_bot_of_which_nothing_is_set() -> None:
    training = the_learned().training
    bot = TradingBotSpec.model_validate(
        {"exchange": {"id": "binance"}, "symbols": ["BTC/USDT"], "timeframe": "1h", "mode": "Paper"}
    )
    assert training.timeframe == "1h"
    assert training.training is not None
    assert training.training.lookback == f"{LEARNED_DAYS}d"
    assert training.training.gate == bot.training.gate
    assert training.decision == bot.decision
    own = bot.model.model_dump(exclude={"pinned_version", "candidates"})
    assert training.model.model_dump(exclude={"candidates"}) == own
    assert training.model.candidates == ("GradientBoosting",)


@pytest.mark.parametrize("learned_days", [LEARNED_DAYS + 11, 1000])
def test_a_series_that_is_too_short_has_no_window(learned_days: int) -> None:
    assert windows_of(CANDLES, learned_days) == ()
