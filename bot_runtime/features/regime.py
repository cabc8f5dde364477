"""The regime of a market: trending up, trending down, sideways, or in a crisis."""

from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.trading import REGIMES, Regime
from bot_runtime.features.indicators import FEATURES

_CRISIS_SHOCK: Final = 1.0
"""atr_shock from which on the market is in a crisis: twice its usual range."""
_TREND_ADX: Final = 0.4
"""adx_14 from which on it trends: plain sums lie above Wilder's averages, whose mark is 0.25."""


def regimes_of(features: Values) -> Rows:
    """Return the market's regime at feature rows (n, F), which begin with FEATURES.

    Positions in REGIMES, (n,): CRISIS_HIGH_VOL where the range is twice its usual one, BULL_TREND
    or BEAR_TREND where ADX says that there is a trend, else RANGE_SIDEWAYS.
    """
    shock, adx, direction = (features[:, FEATURES.index(name)] for name in _READ)
    trend = np.where(direction > 0, _PLACE["BULL_TREND"], _PLACE["BEAR_TREND"])
    quiet = np.where(adx < _TREND_ADX, _PLACE["RANGE_SIDEWAYS"], trend)
    return np.where(shock >= _CRISIS_SHOCK, _PLACE["CRISIS_HIGH_VOL"], quiet).astype(np.intp)


def regime_of(features: Values) -> Regime:
    """Return the market's regime at one feature row (F,)."""
    return REGIMES[int(regimes_of(features[None])[0])]


_READ: Final = ("atr_shock", "adx_14", "direction_14")
_PLACE: Final = {regime: place for place, regime in enumerate(REGIMES)}
