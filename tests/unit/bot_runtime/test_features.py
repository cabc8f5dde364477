"""Features: no look-ahead, no memory beyond the window, no row across a hole; formulas checked."""

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from bot_runtime.candles import VALUE_COLUMNS, Candles
from bot_runtime.features import FEATURES, WARM_UP, compute_features
from tests.unit.bot_runtime.markets import random_candles, without

ROWS = 200


def column(candles: Candles, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return compute_features(candles)[:, FEATURES.index(name)]


def same(left: object, right: object) -> bool:
    return bool(np.allclose(left, right, rtol=0, atol=1e-9, equal_nan=True))  # type: ignore[arg-type] # arrays of any shape


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    cut=st.integers(WARM_UP + 1, ROWS - 1),
    change=st.sampled_from(["removed", "appended", "corrupted"]),
)
def test_rows_before_a_cut_never_change_with_what_comes_later(
    seed: int, cut: int, change: str
) -> None:
    candles = random_candles(ROWS, seed)
    before = compute_features(candles)[:cut]
    if change == "removed":
        after = compute_features(candles[:cut])
    elif change == "appended":
        longer = random_candles(ROWS + 50, seed)
        before = compute_features(longer[:ROWS])[:cut]
        after = compute_features(longer)[:cut]
    else:
        columns = {name: getattr(candles, name).copy() for name in VALUE_COLUMNS}
        for i, values in enumerate(columns.values()):
            values[cut:] = (np.nan, 1e12, -5.0, 0.0, np.inf)[i]
        with np.errstate(all="ignore"):
            spoilt = Candles(candles.interval_ms, candles.open_time_ms, **columns)
            after = compute_features(spoilt)[:cut]
    assert same(before, after)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), length=st.integers(1, 80), end=st.integers(141, 400))
def test_short_window_gives_what_the_whole_history_gives(seed: int, length: int, end: int) -> None:
    candles = random_candles(400, seed)
    whole = compute_features(candles)
    window = compute_features(candles[end - WARM_UP - length : end])
    assert same(window[WARM_UP:], whole[end - length : end])


def test_chunks_of_the_computation_leave_no_trace() -> None:
    candles = random_candles(9_000)
    whole = compute_features(candles)
    for start in (4_000, 4_096, 8_150):
        assert same(
            compute_features(candles[start : start + 200])[WARM_UP:],
            whole[start + WARM_UP : start + 200],
        )


def test_rows_of_the_warm_up_are_empty_and_all_others_are_full() -> None:
    features = compute_features(random_candles(ROWS))
    assert features.shape == (ROWS, len(FEATURES))
    assert np.isnan(features[:WARM_UP]).all()
    assert np.isfinite(features[WARM_UP:]).all()


@pytest.mark.parametrize("count", [0, 1, WARM_UP, WARM_UP + 1])
def test_short_histories_give_empty_rows(count: int) -> None:
    features = compute_features(random_candles(count))
    assert features.shape == (count, len(FEATURES))
    assert np.isfinite(features).all(axis=1).sum() == max(0, count - WARM_UP)


def test_no_row_spans_a_missing_candle() -> None:
    features = compute_features(without(random_candles(300), 120))
    full = np.asarray(np.isfinite(features).all(axis=1))
    # Row 120 is the first after the hole: it and the WARM_UP - 1 rows after it span it.
    assert not full[120 : 120 + WARM_UP].any()
    assert full[WARM_UP:120].all()
    assert full[120 + WARM_UP :].all()


def test_flat_market_gives_zeros_and_not_noise() -> None:
    flat = np.full(ROWS, 0.1)
    candles = Candles(
        60_000, random_candles(ROWS).open_time_ms, flat, flat, flat, flat, np.zeros(ROWS)
    )
    features = compute_features(candles)[WARM_UP:]
    still = [i for i, name in enumerate(FEATURES) if "sin" not in name and "cos" not in name]
    expected = np.array([-1.0 if FEATURES[i] == "atr_shock" else 0.0 for i in still])
    assert np.abs(features[:, still] - expected).max() < 1e-9


def test_features_do_not_depend_on_the_price_level() -> None:
    candles = random_candles(ROWS)
    prices = {name: getattr(candles, name) * 1_000 for name in VALUE_COLUMNS[:4]}
    dear = Candles(candles.interval_ms, candles.open_time_ms, **prices, volume=candles.volume)
    assert same(compute_features(candles), compute_features(dear))


def test_windowed_indicators_equal_those_of_talib() -> None:
    candles = random_candles(ROWS)
    high, low, close = candles.high, candles.low, candles.close
    rows = slice(WARM_UP, None)
    true_range = talib.SMA(talib.TRANGE(high, low, close)[1:], 14)
    assert same(column(candles, "atr_14")[rows], (true_range / close[1:])[WARM_UP - 1 :])
    upper, middle, _ = talib.BBANDS(close, 20)
    assert same(column(candles, "bollinger_20")[rows], ((close - middle) / (upper - middle))[rows])
    assert same(column(candles, "return_10")[rows], np.log1p(talib.ROCP(close, 10))[rows])
    fast, _ = talib.STOCHF(high, low, close, 20, 1)
    assert same(column(candles, "stochastic_20")[rows], (fast / 50 - 1)[rows])


def test_windowed_indicators_move_with_the_recursive_ones_of_talib() -> None:
    candles = random_candles(3_000)
    high, low, close = candles.high, candles.low, candles.close
    recursive = {
        "rsi_14": talib.RSI(close, 14),
        "macd_histogram": talib.MACD(close, 12, 26, 9)[2] / close,
        "direction_14": talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14),
        "adx_14": talib.ADX(high, low, close, 14),
    }
    for name, values in recursive.items():
        found = np.corrcoef(column(candles, name)[WARM_UP:], values[WARM_UP:])[0, 1]
        assert found > 0.7, (name, found)


def test_time_features_are_those_of_the_close_in_utc() -> None:
    candles = random_candles(24 * 8, interval_ms=3_600_000)
    hours = (candles.close_time_ms // 3_600_000 % 24)[WARM_UP:]
    found = np.arctan2(column(candles, "hour_sin"), column(candles, "hour_cos"))[WARM_UP:]
    assert same(np.round(found / (2 * np.pi) * 24) % 24, hours)


def test_names_are_distinct() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
