"""What the models learn: three different functions of the candles after a decision.

Labels look ahead, so nothing here is ever a feature, and inference never imports it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from bot_runtime.candles import Candles, rows_without_gap
from bot_runtime.contract.spec import Objective

Values = npt.NDArray[np.float64]

LEAST_VARIANCE_RATIO = 1e-4
"""Least share of the current variance that a horizon counts as: a gamma loss needs more than 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels of every candle, each (n,); NaN where a candle of the horizon is not there.

    Attributes:
        simple_return: close after the horizon over close at the decision, minus 1.
        variance: mean squared log return of the horizon's candles.
    """

    simple_return: Values
    variance: Values

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the horizon is over and whole."""
        return np.isfinite(self.simple_return)

    @property
    def up(self) -> Values:
        """(n,) 1 where the price rose, 0 where it fell or stood; only meaningful where known."""
        return np.where(self.simple_return > 0, 1.0, 0.0)


def compute_labels(candles: Candles, horizon_steps: int) -> Labels:
    """Return the labels of all candles of one symbol."""
    n = len(candles)
    simple_return, variance = np.full(n, np.nan), np.full(n, np.nan)
    if n > horizon_steps:
        now = np.flatnonzero(rows_without_gap(candles, horizon_steps + 1)) - horizon_steps
        squares = np.diff(np.log(candles.close)) ** 2  # squares[t] spans candles t to t + 1
        simple_return[now] = candles.close[now + horizon_steps] / candles.close[now] - 1.0
        variance[now] = sliding_window_view(squares, horizon_steps).mean(axis=1)[now]
    return Labels(simple_return, variance)


def to_target(
    objective: Objective, labels: Labels, volatility: Values, horizon_steps: int
) -> Values:
    """Return what a model of `objective` is fitted to, (n,), free of the market's scale.

    Trend: 1 or 0. Return: the simple return in units of the volatility over the horizon. Risk: the
    horizon's variance over the current variance. `outputs` scales predictions back; `volatility`
    (n,) is one candle's, known at the decision.
    """
    if objective == "Trend":
        return labels.up
    if objective == "Return":
        return np.asarray(labels.simple_return / (volatility * np.sqrt(horizon_steps)))
    return np.asarray(np.maximum(labels.variance / volatility**2, LEAST_VARIANCE_RATIO))
