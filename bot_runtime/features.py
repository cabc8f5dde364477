"""The features: one set of pure functions, the same at training and at inference.

Every value of a row is computed from that row's window of `WARM_UP` + 1 candles and nothing else: a
short window gives what the whole history gives, and no later candle can change a past row.
Indicators that are usually recursive (Wilder's averages, exponential ones) are taken over a fixed
window for that reason. A row whose window misses a candle is NaN as a whole.

All features are free of the price's scale. Sources of the formulas: J. W. Wilder, New Concepts in
Technical Trading Systems (1978) for RSI, ATR, DMI, ADX; T. Cutler (RSI with plain sums); G. Appel
for MACD; J. Bollinger for bands; G. Lane for the stochastic.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bot_runtime.candles import Candles, Values, rows_without_gap

WARM_UP: Final = 60
"""Candles that have to precede a row's own; the first row with values has this index."""

_RETURN_LAGS: Final = (1, 3, 5, 10, 20, 60)
_VOLATILITY_SPANS: Final = (5, 20, 60)
_LONG_SPANS: Final = (20, 60)
_SPAN: Final = 14
_EMA_WINDOW: Final = 40
_SIGNAL_WINDOW: Final = 20
_CHUNK_ROWS: Final = 4096
_FLAT: Final = 1e-9
"""Relative spread below which a market did not move: ratios to it are 0, not noise over noise."""

FEATURES: Final[tuple[str, ...]] = (
    *(f"return_{lag}" for lag in _RETURN_LAGS),
    *(f"volatility_{span}" for span in _VOLATILITY_SPANS),
    "rsi_14",
    "macd_histogram",
    "atr_14",
    "atr_shock",
    "adx_14",
    "direction_14",
    "bollinger_20",
    *(f"stochastic_{span}" for span in _LONG_SPANS),
    *(f"volume_z_{span}" for span in _LONG_SPANS),
    "body",
    "upper_wick",
    "lower_wick",
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
)
"""Names of the columns of `compute_features`, in order."""


def compute_features(candles: Candles) -> Values:
    """Return the features of every candle: float64 (n, len(FEATURES)).

    Rows without `WARM_UP` candles before them, or with one of those missing, are NaN.
    """
    features = np.full((len(candles), len(FEATURES)), np.nan)
    if len(candles) <= WARM_UP:
        return features
    columns = {
        **_returns(candles),
        **_strength(candles),
        **_ranges(candles),
        **_positions(candles),
        **_shape(candles),
        **_calendar(candles),
    }
    rows = rows_without_gap(candles, WARM_UP + 1)
    for i, name in enumerate(FEATURES):
        features[rows, i] = columns[name][rows]
    return features


def _returns(candles: Candles) -> dict[str, Values]:
    """Log returns over several lags, and the root mean square of the one-candle return."""
    price = np.log(candles.close)
    one = _lagged_difference(price, 1)
    columns = {f"return_{lag}": _lagged_difference(price, lag) for lag in _RETURN_LAGS}
    for span in _VOLATILITY_SPANS:
        columns[f"volatility_{span}"] = np.sqrt(_rolling(one**2, span, _mean))
    return columns


def _strength(candles: Candles) -> dict[str, Values]:
    """RSI over plain sums, from -1 (only falls) to 1, and the MACD histogram over the price."""
    change = _lagged_difference(candles.close, 1)
    net = _rolling(change, _SPAN, _mean)
    gross = _rolling(np.abs(change), _SPAN, _mean)
    macd = _exponential(candles.close, 12, _EMA_WINDOW) - _exponential(
        candles.close, 26, _EMA_WINDOW
    )
    histogram = macd - _exponential(macd, 9, _SIGNAL_WINDOW)
    return {
        "rsi_14": _ratio(net, gross, _FLAT * candles.close),
        "macd_histogram": histogram / candles.close,
    }


def _ranges(candles: Candles) -> dict[str, Values]:
    """True range (mean over the price, and against its longer mean), ADX and its direction."""
    previous = np.concatenate(([np.nan], candles.close[:-1]))
    true_range = np.maximum(candles.high, previous) - np.minimum(candles.low, previous)
    mean_range = _rolling(true_range, _SPAN, _mean)
    up = _lagged_difference(candles.high, 1)
    down = -_lagged_difference(candles.low, 1)
    plus = _rolling(np.where((up > down) & (up > 0), up, 0.0), _SPAN, _mean)
    minus = _rolling(np.where((down > up) & (down > 0), down, 0.0), _SPAN, _mean)
    floor = _FLAT * candles.close
    return {
        "atr_14": mean_range / candles.close,
        "atr_shock": _ratio(mean_range, _rolling(true_range, WARM_UP, _mean), floor) - 1.0,
        "adx_14": _rolling(_ratio(np.abs(plus - minus), plus + minus, floor), _SPAN, _mean),
        "direction_14": _ratio(plus - minus, mean_range, floor),
    }


def _positions(candles: Candles) -> dict[str, Values]:
    """Where the close stands in its bands and ranges, and how unusual the volume is."""
    close = candles.close
    middle = _rolling(close, 20, _mean)
    deviation = _rolling(close, 20, _standard_deviation)
    columns = {"bollinger_20": _ratio(close - middle, 2.0 * deviation, _FLAT * middle)}
    volume = np.log1p(candles.volume)
    for span in _LONG_SPANS:
        low = _rolling(candles.low, span, _minimum)
        high = _rolling(candles.high, span, _maximum)
        columns[f"stochastic_{span}"] = _ratio(
            close - (low + high) / 2.0, (high - low) / 2.0, _FLAT * close
        )
        columns[f"volume_z_{span}"] = _ratio(
            volume - _rolling(volume, span, _mean),
            _rolling(volume, span, _standard_deviation),
            np.full_like(volume, _FLAT),
        )
    return columns


def _shape(candles: Candles) -> dict[str, Values]:
    """Body (signed) and wicks as shares of the candle's range; 0 where it has none."""
    spread = candles.high - candles.low
    floor = _FLAT * candles.close
    top = np.maximum(candles.open, candles.close)
    bottom = np.minimum(candles.open, candles.close)
    return {
        "body": _ratio(candles.close - candles.open, spread, floor),
        "upper_wick": _ratio(candles.high - top, spread, floor),
        "lower_wick": _ratio(bottom - candles.low, spread, floor),
    }


def _calendar(candles: Candles) -> dict[str, Values]:
    """Time of the day and of the week (UTC) at which the candle closed, on a circle."""
    hours = candles.close_time_ms / 3_600_000.0
    day = 2.0 * np.pi * (hours % 24.0) / 24.0
    week = 2.0 * np.pi * (hours % 168.0) / 168.0
    return {
        "hour_sin": np.sin(day),
        "hour_cos": np.cos(day),
        "weekday_sin": np.sin(week),
        "weekday_cos": np.cos(week),
    }


def _lagged_difference(values: Values, lag: int) -> Values:
    difference = np.full_like(values, np.nan)
    difference[lag:] = values[lag:] - values[:-lag]
    return difference


def _rolling(values: Values, span: int, reduce: Callable[[Values], Values]) -> Values:
    """Apply `reduce` to (rows, span) windows; in chunks, so that memory does not grow with n.

    Running sums would be faster, but would carry every earlier candle into a row.
    """
    result = np.full_like(values, np.nan)
    if span > len(values):
        return result
    windows = sliding_window_view(values, span)
    for start in range(0, len(windows), _CHUNK_ROWS):
        part = windows[start : start + _CHUNK_ROWS]
        result[span - 1 + start : span - 1 + start + len(part)] = reduce(part)
    return result


def _exponential(values: Values, span: int, window: int) -> Values:
    """Exponential average with smoothing 2 / (span + 1), cut after `window` candles."""
    weights = (1.0 - 2.0 / (span + 1.0)) ** np.arange(window)[::-1]
    weights /= weights.sum()
    return _rolling(values, window, lambda part: np.einsum("ij,j->i", part, weights))


def _mean(windows: Values) -> Values:
    return np.asarray(windows.mean(axis=1))


def _standard_deviation(windows: Values) -> Values:
    return np.asarray(windows.std(axis=1))


def _minimum(windows: Values) -> Values:
    return np.asarray(windows.min(axis=1))


def _maximum(windows: Values) -> Values:
    return np.asarray(windows.max(axis=1))


def _ratio(numerator: Values, denominator: Values, floor: Values) -> Values:
    """Divide; 0 where the denominator is below `floor`, which stands for no movement at all."""
    flat = denominator <= floor
    return np.where(flat, 0.0, numerator / np.where(flat, 1.0, denominator))
