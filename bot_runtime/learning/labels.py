"""What the models learn: three different functions of the candles after a decision.

Labels look ahead, so nothing here is ever a feature, and inference never imports it.
"""

from dataclasses import dataclass

import numpy as np

from bot_runtime.arrays import Flags, Rows, Values
from bot_runtime.contract.spec import Objective
from bot_runtime.features import rolling
from bot_runtime.features.volatility import LEAST_VARIANCE_RATIO
from bot_runtime.market.candles import Candles, rows_without_gap


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels of every candle, each (n,); NaN where a candle of the horizon is not there.

    Attributes:
        simple_return: close after the horizon over close at the decision, minus 1.
        variance: mean squared log return of the horizon's candles.
        up: 1 where the trend is up, 0 where it is down or there is none.
        span: candles that the trend's label spans: the horizon, or fewer up to a barrier.
        adverse_excursion: how far a high or a low of the horizon is from the close at the decision,
            the farther of both as a share of it: the worst that a position of either side sees.
    """

    simple_return: Values
    variance: Values
    up: Values
    span: Values
    adverse_excursion: Values

    @property
    def known(self) -> Flags:
        """(n,) whether the horizon is over and whole."""
        return np.isfinite(self.simple_return)


def compute_labels(candles: Candles, horizon_steps: int, barriers: Values | None = None) -> Labels:
    """Return the labels of all candles of one symbol.

    The trend is the sign of the return over the horizon. With `barriers` (n,), distances from the
    close as shares of it, the first of the horizon's closes at or beyond one decides, and the sign
    only where none is: the triple-barrier method, the horizon being the vertical barrier (Lopez de
    Prado, Advances in Financial Machine Learning, 2018, chapter 3).
    """
    n, steps = len(candles), horizon_steps
    labels = Labels(*(np.full(n, np.nan) for _ in range(5)))
    if n <= steps:
        return labels
    now = np.flatnonzero(rows_without_gap(candles, steps + 1)) - steps
    close = candles.close[now]
    squares = np.diff(np.log(candles.close)) ** 2  # squares[t] spans candles t to t + 1
    labels.simple_return[now] = candles.close[now + steps] / close - 1.0
    labels.variance[now] = rolling.means(squares, steps)[now]
    high = rolling.maxima(candles.high[1:], steps)[now]
    low = rolling.minima(candles.low[1:], steps)[now]
    labels.adverse_excursion[now] = np.maximum(high / close - 1.0, 1.0 - low / close)
    side, span = np.zeros(len(now)), np.full(len(now), float(steps))
    if barriers is not None:
        side, span = _touched(candles.close, now, steps, barriers[now])
    direction = np.where(side == 0, labels.simple_return[now], side)
    labels.up[now] = np.where(direction > 0, 1.0, 0.0)
    labels.span[now] = span
    return labels


def _touched(closes: Values, now: Rows, steps: int, width: Values) -> tuple[Values, Values]:
    """Return which barrier is touched first (1, -1; 0 for none) and after how many candles."""
    side, span = np.zeros(len(now)), np.full(len(now), float(steps))
    for step in range(1, steps + 1):
        move = closes[now + step] / closes[now] - 1.0
        first = (side == 0) & (np.abs(move) >= width)
        side[first], span[first] = np.sign(move[first]), step
    return side, span


def uniqueness(span: Values, rows: Flags) -> Values:
    """Return how much of its own each label of one symbol is, (n,) in (0, 1]; 0 elsewhere.

    The label at row i spans the candles i + 1 to i + span[i]; its uniqueness is their mean of 1
    over the number of labels that span the candle (Lopez de Prado, 2018, chapter 4).
    """
    at = np.flatnonzero(rows)
    last = at + span[at].astype(np.intp)
    changes = np.zeros(len(span) + 2)
    np.add.at(changes, at + 1, 1.0)
    np.add.at(changes, last + 1, -1.0)
    shares = np.cumsum(1.0 / np.maximum(np.cumsum(changes), 1.0))
    found = np.zeros(len(span))
    found[at] = (shares[last] - shares[at]) / span[at]
    return found


def to_target(
    objective: Objective, labels: Labels, volatility: Values, horizon_steps: int
) -> Values:
    """Return what a model of `objective` is fitted to, (n,), free of the market's scale.

    Trend: 1 or 0. Return: the log return in units of the volatility over the horizon. Risk: the
    horizon's variance over the current variance. `outputs` scales predictions back; `volatility`
    (n,) is one candle's, known at the decision.
    """
    if objective == "Trend":
        return labels.up
    if objective == "Return":
        return np.asarray(np.log1p(labels.simple_return) / (volatility * np.sqrt(horizon_steps)))
    return np.asarray(np.maximum(labels.variance / volatility**2, LEAST_VARIANCE_RATIO))
