"""The regime of a market: trending up, trending down, sideways, or in a crisis."""

from typing import Final

from bot_runtime.arrays import Values
from bot_runtime.features.indicators import FEATURES

_CRISIS_SHOCK: Final = 1.0
"""atr_shock from which on the market is in a crisis: twice its usual range."""
_TREND_ADX: Final = 0.4
"""adx_14 from which on it trends: plain sums lie above Wilder's averages, whose mark is 0.25."""


def regime_of(features: Values) -> str:
    """Return the market's regime at one feature row, which begins with FEATURES.

    CRISIS_HIGH_VOL where the range is twice its usual one, BULL_TREND or BEAR_TREND where ADX
    says that there is a trend, else RANGE_SIDEWAYS.
    """
    row = dict(zip(FEATURES, features.tolist(), strict=False))
    if row["atr_shock"] >= _CRISIS_SHOCK:
        return "CRISIS_HIGH_VOL"
    if row["adx_14"] < _TREND_ADX:
        return "RANGE_SIDEWAYS"
    return "BULL_TREND" if row["direction_14"] > 0 else "BEAR_TREND"
