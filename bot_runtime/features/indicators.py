"""The features: one set of pure functions, the same at training, in a backtest and at inference.

Every value of a row is computed from that row's window of `WARM_UP` + 1 candles and nothing else: a
short window gives what the whole history gives, and no later candle can change a past row.
Indicators that are recursive by definition (RSI, ATR, ADX, MACD) therefore begin anew in each row's
window, as TA-Lib begins them. A row whose window misses a candle is NaN as a whole.

All features are free of the price's scale. Sources of the formulas: J. W. Wilder, New Concepts in
Technical Trading Systems (1978) for RSI, ATR, DMI, ADX; G. Appel for MACD; J. Bollinger for bands;
G. Lane for the stochastic. Features across several symbols: `panel`.
"""

from functools import cache
from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.features import rolling
from bot_runtime.market.candles import Candles, rows_without_gap

WARM_UP: Final = 60
"""Candles that have to precede a row's own; the first row with values has this index."""

_RETURN_LAGS: Final = (1, 3, 5, 10, 20, 60)
_VOLATILITY_SPANS: Final = (5, 20, 60)
_LONG_SPANS: Final = (20, 60)
_PERIOD: Final = 14
_WILDER_SPAN: Final = _PERIOD + 32
_DX_SPAN: Final = _PERIOD - 1 + 16
_ADX_SPAN: Final = _PERIOD + 16
_FAST, _SLOW, _SIGNAL = 12, 26, 9
_EMA_STEPS: Final = 16
"""Steps after the start: powers of two are the cheapest. No indicator exceeds the warm-up."""
_CHUNK_ROWS: Final = 16384
"""Rows at once: what is at hand then stays in the processor's cache."""
_WEEK_MS: Final = 7 * 24 * 3_600_000
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
    "bollinger_position_20",
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
    count = len(candles)
    features = np.empty((count, len(FEATURES)))
    for start in range(WARM_UP, count, _CHUNK_ROWS):
        chunk = candles[start - WARM_UP : start + _CHUNK_ROWS]
        rows = len(chunk) - WARM_UP
        columns = _columns(chunk)
        for i, name in enumerate(FEATURES):
            features[start : start + rows, i] = columns[name][-rows:]
    features[~rows_without_gap(candles, WARM_UP + 1)] = np.nan
    return features


def _columns(candles: Candles) -> dict[str, Values]:
    """Return the features by name; each ends with the last candle, and begins where it can."""
    return {
        **_returns(candles),
        **_strength(candles),
        **_ranges(candles),
        **_positions(candles),
        **_shape(candles),
        **_calendar(candles),
    }


def _returns(candles: Candles) -> dict[str, Values]:
    """Log returns over several lags, and the root mean square of the one-candle return."""
    price = np.log(candles.close)
    columns = {f"return_{lag}": price[lag:] - price[:-lag] for lag in _RETURN_LAGS}
    squares = columns["return_1"] ** 2
    for span in _VOLATILITY_SPANS:
        columns[f"volatility_{span}"] = np.sqrt(rolling.means(squares, span))
    return columns


def _strength(candles: Candles) -> dict[str, Values]:
    """RSI, from -1 (only falls) to 1 (only rises), and the MACD histogram over the price."""
    close = candles.close
    change = np.diff(close)
    net, gross = (
        rolling.wilder_sums(part, _PERIOD, _PERIOD, _WILDER_SPAN)
        for part in (change, np.abs(change))
    )
    fast, slow = (
        rolling.exponential_means(close, period, period + _EMA_STEPS) for period in (_FAST, _SLOW)
    )
    macd = fast[-len(slow) :] - slow
    signal = rolling.exponential_means(macd, _SIGNAL, _SIGNAL + _EMA_STEPS // 2)
    histogram = macd[-len(signal) :] - signal
    return {
        "rsi_14": _ratio(net, gross, _FLAT * close[-len(net) :]),
        "macd_histogram": histogram / close[-len(signal) :],
    }


def _ranges(candles: Candles) -> dict[str, Values]:
    """True range (average over the price, and against its plain mean), ADX and its direction."""
    high, low, previous = candles.high, candles.low, candles.close[:-1]
    floor = _FLAT * candles.close
    true_range = np.maximum(high[1:], previous) - np.minimum(low[1:], previous)
    average = rolling.wilder_sums(true_range, _PERIOD, _PERIOD, _WILDER_SPAN) / _PERIOD
    usual = rolling.means(true_range, WARM_UP)
    up, down = np.diff(high), -np.diff(low)
    moves = (
        np.where((up > down) & (up > 0), up, 0.0),
        np.where((down > up) & (down > 0), down, 0.0),
        true_range,
    )
    plus, minus, whole = (
        rolling.wilder_sums(part, _PERIOD, _PERIOD - 1, _DX_SPAN) for part in moves
    )
    floors = floor[-len(plus) :]
    index = _ratio(np.abs(plus - minus), plus + minus, floors)
    return {
        "atr_14": average / candles.close[-len(average) :],
        "atr_shock": _ratio(average[-len(usual) :], usual, floor[-len(usual) :]) - 1.0,
        "adx_14": rolling.wilder_sums(index, _PERIOD, _PERIOD, _ADX_SPAN) / _PERIOD,
        "direction_14": _ratio(plus - minus, whole, floors),
    }


def _positions(candles: Candles) -> dict[str, Values]:
    """Where the close stands in its bands and ranges, and how unusual the volume is."""
    close, volume = candles.close, np.log1p(candles.volume)
    middle, deviation = rolling.moments(close, 20)
    columns = {
        "bollinger_position_20": _ratio(close[19:] - middle, 2.0 * deviation, _FLAT * middle)
    }
    for span in _LONG_SPANS:
        low, high = rolling.minima(candles.low, span), rolling.maxima(candles.high, span)
        newest = slice(span - 1, None)
        columns[f"stochastic_{span}"] = _ratio(
            close[newest] - (low + high) / 2.0, (high - low) / 2.0, _FLAT * close[newest]
        )
        usual, deviation = rolling.moments(volume, span)
        columns[f"volume_z_{span}"] = _ratio(volume[newest] - usual, deviation, np.asarray(_FLAT))
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
    circles = _circles(candles.interval_ms)
    step = candles.close_time_ms // candles.interval_ms
    step -= step // len(circles[0]) * len(circles[0])
    names = ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos")
    return {name: circle[step] for name, circle in zip(names, circles, strict=True)}


@cache
def _circles(interval_ms: int) -> tuple[Values, Values, Values, Values]:
    """Return sine and cosine of the day, then of the week, at each multiple of the interval.

    Every timeframe divides the week; 1970 began on a Thursday.
    """
    week = 2.0 * np.pi * np.arange(_WEEK_MS // interval_ms) * interval_ms / _WEEK_MS
    day = 7.0 * week
    return np.sin(day), np.cos(day), np.sin(week), np.cos(week)


def _ratio(numerator: Values, denominator: Values, floor: Values) -> Values:
    """Divide; 0 where the denominator is below `floor`, which stands for no movement at all."""
    with np.errstate(divide="ignore", invalid="ignore"):  # those rows are overwritten
        quotient = numerator / denominator
    quotient[~(denominator > floor)] = 0.0
    return quotient
