"""Features: no look-ahead, no memory beyond the window, no row across a hole; formulas checked."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from bot_runtime.features.indicators import FEATURES, WARM_UP, compute_features
from bot_runtime.features.panel import compute_panel, feature_names
from bot_runtime.market.candles import VALUE_COLUMNS, Candles
from tests.unit.bot_runtime.markets import random_candles, without

ROWS = 200
Array = npt.NDArray[np.float64]


def column(candles: Candles, name: str) -> Array:
    return compute_features(candles)[:, FEATURES.index(name)]


def same(left: object, right: object) -> bool:
    return bool(np.allclose(left, right, rtol=0, atol=1e-9, equal_nan=True))  # type: ignore[arg-type] # arrays of any shape


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    cut=st.integers(WARM_UP + 1, ROWS - 1),
    change=st.sampled_from(["removed", "appended", "thinned", "corrupted"]),
    symbols=st.integers(1, 3),
)
def test_rows_before_a_cut_never_change_with_what_comes_later(
    seed: int, cut: int, change: str, symbols: int
) -> None:
    """The cut is a moment: candles of every symbol that open from it on are changed."""
    names = feature_names(symbols)
    whole = {f"S{i}": random_candles(ROWS + 50, seed + i) for i in range(symbols)}
    if symbols > 1:
        whole["S1"] = without(whole["S1"], seed % ROWS)
    moment = int(whole["S0"].open_time_ms[cut])
    cuts = {s: int(np.searchsorted(c.open_time_ms, moment)) for s, c in whole.items()}
    known = {s: c[: cuts[s] + 20] for s, c in whole.items()}
    changes = {
        "removed": lambda s: whole[s][: cuts[s]],
        "appended": lambda s: whole[s],
        "thinned": lambda s: without(whole[s], *range(cuts[s], len(whole[s]), 3)),
        "corrupted": lambda s: corrupted(whole[s], cuts[s]),
    }
    with np.errstate(all="ignore"):
        before = compute_panel(known, names)
        after = compute_panel({s: changes[change](s) for s in whole}, names)
    for s in whole:
        assert np.array_equal(before[s][: cuts[s]], after[s][: cuts[s]], equal_nan=True)
    assert np.isfinite(before["S0"][cut - 1]).all()


def corrupted(candles: Candles, cut: int) -> Candles:
    """Return the candles with nonsense from row `cut` on."""
    columns = {name: getattr(candles, name).copy() for name in VALUE_COLUMNS}
    for i, values in enumerate(columns.values()):
        values[cut:] = (np.nan, 1e12, -5.0, 0.0, np.inf)[i]
    return Candles(candles.interval_ms, candles.open_time_ms, **columns)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), length=st.integers(1, 80), end=st.integers(141, 400))
def test_short_window_gives_what_the_whole_history_gives(seed: int, length: int, end: int) -> None:
    candles = random_candles(400, seed)
    whole = compute_features(candles)
    window = compute_features(candles[end - WARM_UP - length : end])
    assert np.array_equal(window[WARM_UP:], whole[end - length : end])


def test_chunks_of_the_computation_leave_no_trace() -> None:
    candles = random_candles(17_000)
    whole = compute_features(candles)
    for start in (8_100, 8_192, 16_350):
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


def of_each_window(indicator: Callable[..., Any], span: int, *columns: Array) -> Array:
    """Return TA-Lib's newest value on the `span` rows up to each row; NaN where there are fewer.

    Its indicators keep a memory of all that they were given: here of the window alone.
    """
    found = np.full(len(columns[0]), np.nan)
    for row in range(span - 1, len(found)):
        found[row] = indicator(*(column[row + 1 - span : row + 1] for column in columns))[-1]
    return found


def test_indicators_are_those_of_talib_on_the_rows_own_window() -> None:
    candles = random_candles(ROWS)
    high, low, close = candles.high, candles.low, candles.close
    bars = (high, low, close)
    volume = np.log1p(candles.volume)
    upper, middle, _ = talib.BBANDS(close, 20)
    macd = of_each_window(lambda c: talib.EMA(c, 12), 28, close) - of_each_window(
        lambda c: talib.EMA(c, 26), 42, close
    )
    atr = of_each_window(lambda a, b, c: talib.ATR(a, b, c, 14), 47, *bars)
    index = of_each_window(lambda a, b, c: talib.DX(a, b, c, 14), 30, *bars)
    expected = {
        "rsi_14": of_each_window(lambda c: talib.RSI(c, 14), 47, close) / 50 - 1,
        "macd_histogram": (macd - of_each_window(lambda c: talib.EMA(c, 9), 17, macd)) / close,
        "atr_14": atr / close,
        "atr_shock": atr
        / of_each_window(lambda a, b, c: talib.SMA(talib.TRANGE(a, b, c)[1:], 60), 61, *bars)
        - 1,
        "adx_14": of_each_window(wilder_average, 30, index) / 100,
        "direction_14": of_each_window(
            lambda a, b, c: talib.PLUS_DI(a, b, c, 14) - talib.MINUS_DI(a, b, c, 14), 30, *bars
        )
        / 100,
        "bollinger_position_20": (close - middle) / (upper - middle),
        "stochastic_20": talib.STOCHF(high, low, close, 20, 1)[0] / 50 - 1,
        "stochastic_60": talib.STOCHF(high, low, close, 60, 1)[0] / 50 - 1,
        "volume_z_20": (volume - talib.SMA(volume, 20)) / talib.STDDEV(volume, 20),
        "volume_z_60": (volume - talib.SMA(volume, 60)) / talib.STDDEV(volume, 60),
        **{f"return_{lag}": np.log1p(talib.ROCP(close, lag)) for lag in (1, 3, 5, 10, 20, 60)},
        **{f"volatility_{span}": root_mean_square(close, span) for span in (5, 20, 60)},
    }
    for name, values in expected.items():
        assert same(column(candles, name)[WARM_UP:], values[WARM_UP:]), name
    by_hand = {"body", "upper_wick", "lower_wick", "hour_sin", "hour_cos"}
    assert set(FEATURES) - set(expected) == by_hand | {"weekday_sin", "weekday_cos"}


def test_shape_and_calendar_are_as_by_hand() -> None:
    """A candle of one minute that closes on Sunday, 2026-03-01, at 18:00 UTC."""
    candles = random_candles(ROWS)
    closed = int(datetime(2026, 3, 1, 18, tzinfo=UTC).timestamp() * 1000)
    times = closed - 60_000 * np.arange(ROWS, 0, -1)
    candles = dataclasses.replace(candles, open_time_ms=times)
    last = {"open": 104.0, "high": 110.0, "low": 100.0, "close": 107.0}
    for name, value in last.items():
        getattr(candles, name)[-1] = value
    week = 2 * np.pi * (3 + 18 / 24) / 7  # 1970 began on a Thursday
    expected = {
        "body": 0.3,
        "upper_wick": 0.3,
        "lower_wick": 0.4,
        "hour_sin": -1.0,
        "hour_cos": 0.0,
        "weekday_sin": np.sin(week),
        "weekday_cos": np.cos(week),
    }
    for name, value in expected.items():
        assert same(column(candles, name)[-1], value), name


def root_mean_square(close: Array, span: int) -> Array:
    """Return that of the log returns of `span` rows."""
    return np.sqrt(
        of_each_window(lambda c: talib.SMA(np.diff(np.log(c)) ** 2, len(c) - 1), span + 1, close)
    )


def wilder_average(values: Array) -> Array:
    """Return Wilder's average of a window by his book: ADX is that of the directional index."""
    average = values[:14].mean()
    for value in values[14:]:
        average = (13 * average + value) / 14
    return np.array([average])


def test_recursive_indicators_stay_close_to_those_of_talib_on_the_whole_history() -> None:
    """Begun anew in each row's window, they are what a chart shows, up to what it remembers."""
    candles = random_candles(3_000)
    high, low, close = candles.high, candles.low, candles.close
    recursive = {
        "rsi_14": talib.RSI(close, 14),
        "macd_histogram": talib.MACD(close, 12, 26, 9)[2] / close,
        "atr_14": talib.ATR(high, low, close, 14) / close,
        "direction_14": talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14),
        "adx_14": talib.ADX(high, low, close, 14),
    }
    for name, values in recursive.items():
        found = np.corrcoef(column(candles, name)[500:], values[500:])[0, 1]
        assert found > 0.9, (name, found)


def test_time_features_are_those_of_the_close_in_utc() -> None:
    candles = random_candles(24 * 8, interval_ms=3_600_000)
    hours = (candles.close_time_ms // 3_600_000 % 24)[WARM_UP:]
    found = np.arctan2(column(candles, "hour_sin"), column(candles, "hour_cos"))[WARM_UP:]
    assert same(np.round(found / (2 * np.pi) * 24) % 24, hours)


def test_names_are_distinct() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
