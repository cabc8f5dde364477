"""Which candles a run scores: those whose horizon has ended since the last one that was scored.

What the version said of them is not remembered but predicted again, from the candles that the run
has fetched anyway: it is a function of a row's memory. A row whose memory does not lie whole in the
run's window is left out, for it might be told otherwise here; so is one whose horizon is not whole,
as in a training. Once passed, a candle is never scored. The band is the model's own: how it has
adapted depends on which runs there were.
"""

from typing import Final

import numpy as np

from bot_runtime.arrays import Flags, Rows, Values
from bot_runtime.features.closes import Closes
from bot_runtime.features.sequences import whole_windows
from bot_runtime.features.volatility import LEAST_VARIANCE_RATIO
from bot_runtime.market.candles import Candles, rows_without_gap
from bot_runtime.serving.live_skill import (
    Forecasts,
    Outcomes,
    Scored,
    losses_of,
    naive_forecasts,
)
from bot_runtime.serving.outcomes import rises
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.risk_combination import har_terms_at, har_variance
from bot_runtime.serving.version import ServedVersion

CATCH_UP: Final = 72
"""Candles that were not scored by earlier runs and still can be: six hours of five minutes.

A run's window with them is three requests where an exchange gives 300 candles at once.
"""


def score_rows(
    version: ServedVersion, candles: Candles, features: Values, done_ms: int
) -> Scored | None:
    """Return the losses of candles that closed after `done_ms` and whose horizon has ended.

    `features` (n, F) are those of the candles, which are one symbol's. None where none has ended,
    or where the version is of a format without naive forecasts.
    """
    inputs = version.manifest.inputs
    steps = inputs.horizon_steps
    until_ms = int(candles.close_time_ms[-1]) - steps * candles.interval_ms
    if until_ms <= done_ms:
        return None
    new = (candles.close_time_ms > done_ms) & (candles.close_time_ms <= until_ms)
    rows = np.flatnonzero(new & _told_alike(version, candles, features) & _ended(candles, steps))
    closes = Closes.of(candles)
    volatility = closes.volatility(inputs.volatility_candles)[rows]
    said = naive_at(version, closes, rows, volatility)
    if said is None:
        return None
    own, naive = np.empty((0, 3)), np.empty((0, 3))
    if len(rows):
        told = forecasts_of(version.predict_rows(features, closes, rows))
        outcomes = _outcomes_at(version, closes, rows, volatility)
        own, naive = losses_of(told, outcomes), losses_of(said, outcomes)
    known = np.isfinite(own).all(axis=1) & np.isfinite(naive).all(axis=1)
    return Scored(until_ms, candles.close_time_ms[rows[known]], own[known], naive[known])


def naive_at(
    version: ServedVersion, closes: Closes, rows: Rows, volatility: Values
) -> Forecasts | None:
    """Return what is naive at `rows` by the numbers that are frozen in a version.

    `volatility` (m,) is the current one there. None where the version's format has none of them.
    """
    combination, frozen = version.combination, version.manifest.naive
    if combination is None or frozen is None:
        return None
    har = har_variance(combination, har_terms_at(closes, rows))
    return naive_forecasts(frozen, volatility, har)


def memory_to_score(version: ServedVersion) -> int:
    """Return how many candles a run asks for to score what runs before it did not."""
    return version.memory_length + version.manifest.inputs.horizon_steps + CATCH_UP


def _told_alike(version: ServedVersion, candles: Candles, features: Values) -> Flags:
    """Tell which rows are predicted as they were by the run at their close, (n,)."""
    times = candles.open_time_ms
    remembered = times - times[0] >= (version.memory_length - 1) * candles.interval_ms
    decided = rows_without_gap(candles, version.context_length)
    return np.asarray(remembered & decided & whole_windows(features, version.longest_window))


def _ended(candles: Candles, steps: int) -> Flags:
    """Tell which rows have all candles of their horizon after them, (n,)."""
    ended = np.zeros(len(candles), dtype=np.bool_)
    ended[:-steps] = rows_without_gap(candles, steps + 1)[steps:]
    return ended


def _outcomes_at(
    version: ServedVersion, closes: Closes, rows: Rows, volatility: Values
) -> Outcomes:
    """Return what came of rows with a whole horizon, by the version's own terms."""
    inputs = version.manifest.inputs
    width = inputs.triple_barrier_width
    barrier = np.full(len(rows), np.inf)
    if width is not None:
        barrier = width * volatility * np.sqrt(inputs.horizon_steps)
    after = closes.close[rows[:, None] + np.arange(inputs.horizon_steps + 1)]
    return outcomes_of(after, volatility, barrier)


def forecasts_of(told: Predictions) -> Forecasts:
    """Return what predictions say, as losses are computed of it."""
    quantiles = np.column_stack([told.p10, told.p50, told.p90])
    return Forecasts(told.prob_up, quantiles, told.volatility**2)


def outcomes_of(closes: Values, volatility: Values, barrier: Values) -> Outcomes:
    """Return what came of rows by their close and those after it, (m, steps + 1).

    `volatility` (m,) is one candle's at the row, `barrier` (m,) the distance from the close, as a
    share of it, at which the trend is decided; infinite where the last close decides.
    """
    variance = np.mean(np.diff(np.log(closes), axis=1) ** 2, axis=1)
    least = LEAST_VARIANCE_RATIO * volatility**2
    return Outcomes(
        up=np.where(rises(closes, barrier), 1.0, 0.0),
        simple_return=closes[:, -1] / closes[:, 0] - 1.0,
        variance=np.maximum(variance, least),
    )
