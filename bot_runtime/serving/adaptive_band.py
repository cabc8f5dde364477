"""The band p10 to p90 learns from its own misses: each side is moved after every known outcome.

A side that an outcome lay beyond moves out by RATE * (1 - TAIL), one that held moves in by RATE *
TAIL, in units of the volatility over the horizon, so that a calm and a wild week count alike.
Summed up over n outcomes, for any sequence of them, drift or crash:

    |share of misses - TAIL| <= (range of the margin + RATE) / (RATE * n)

Gibbs and Candes, Adaptive Conformal Inference Under Distribution Shift (2021); the tracked quantile
is that of Angelopoulos, Candes and Tibshirani, Conformal PID Control for Time Series Prediction
(2023). It starts where the conformal margins of the calibration slice end.
"""

from dataclasses import dataclass

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

    def learn(self, p10: float, p90: float, outcome: float) -> None:
        """Move both sides after the outcome of a band that was told."""
        self.lower += RATE * ((outcome < p10) - TAIL)
        self.upper += RATE * ((outcome > p90) - TAIL)
