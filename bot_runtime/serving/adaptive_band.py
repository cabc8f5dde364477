"""The band p10 to p90 learns from its own misses: each side is moved after every known outcome.

A side that an outcome lay beyond moves out by RATE * (1 - TAIL), one that held moves in by RATE *
TAIL, in units of the volatility over the horizon, so that a calm and a wild week count alike.
Summed up over n outcomes, for any sequence of them, drift or crash:

    |share of misses - TAIL| <= (range of the margin + RATE) / (RATE * n)

Gibbs and Candes, Adaptive Conformal Inference Under Distribution Shift (2021); the tracked quantile
is that of Angelopoulos, Candes and Tibshirani, Conformal PID Control for Time Series Prediction
(2023). It starts where the conformal margins of the calibration slice end.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from bot_runtime.arrays import Times, Values
from bot_runtime.serving.outcomes import has_ended
from bot_runtime.serving.predictions import Predictions
from bot_runtime.store.bundle import TAIL

RATE = 0.01
"""Margins that stay within 0.3 of the volatility keep each side within 1.5 points over 2,000
outcomes; a larger one would hold that sooner and blur the model's own band."""


@dataclass(slots=True)
class AdaptiveBand:
    """What each side has moved out, in units of the volatility over the horizon."""

    lower: float = 0.0
    upper: float = 0.0

    def adjust(self, p10: float, p50: float, p90: float, unit: float) -> tuple[float, float]:
        """Return p10 and p90 as they are told, never beyond p50; returns, as is `unit`."""
        return min(p10 - self.lower * unit, p50), max(p90 + self.upper * unit, p50)

    def adjusted(self, told: Predictions, unit: Values | float) -> tuple[Values, Values]:
        """Return p10 and p90 of many rows (n,) by this band as it is now."""
        p10 = np.minimum(told.p10 - self.lower * unit, told.p50)
        return p10, np.maximum(told.p90 + self.upper * unit, told.p50)

    def learn(self, p10: float, p90: float, outcome: float) -> None:
        """Move both sides after the outcome of a band that was told."""
        self.lower += RATE * ((outcome < p10) - TAIL)
        self.upper += RATE * ((outcome > p90) - TAIL)


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What came of rows of one symbol: each column (n,), sorted by time.

    Attributes:
        close_ms: close of the row's candle.
        unit: volatility over the horizon that was known then.
        outcome: simple return over the horizon; NaN where nobody knows it.
    """

    close_ms: Times
    unit: Values
    outcome: Values
    horizon_ms: int


def adapt_band(served: Predictions, ahead: Ahead) -> tuple[Predictions, AdaptiveBand]:
    """Return one symbol's predictions with the band as inference adapts it, and where it ends.

    A row's band knows the outcomes of rows whose horizon has ended by then, and none later.
    """
    band, waiting = AdaptiveBand(), deque[int]()
    p10, p90 = served.p10.copy(), served.p90.copy()
    for i in range(len(served)):
        while waiting and has_ended(
            ahead.close_ms[waiting[0]], ahead.horizon_ms, ahead.close_ms[i]
        ):
            j = waiting.popleft()
            if np.isfinite(ahead.outcome[j]):
                band.learn(p10[j], p90[j], ahead.outcome[j])
        p10[i], p90[i] = band.adjust(p10[i], served.p50[i], p90[i], ahead.unit[i])
        waiting.append(i)
    return served.with_band(p10, p90), band
