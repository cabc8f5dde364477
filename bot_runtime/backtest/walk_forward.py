"""One training after the other, each of which decides on the candles that follow it.

    | learned from                 | told |
           | learned from                 | told |
                  | learned from                 | told |      by time

A fold learns from as much as a training does before its test slice, and tells of as much as that
slice is long. It sees no candle after the last one that it tells of, and its labels end a horizon
before the first one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bot_runtime.backtest.told import Told
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.spec import ModelSpec
from bot_runtime.features.indicators import WARM_UP
from bot_runtime.features.regime import regimes_of
from bot_runtime.learning.datasets import SHARES, build_training_data
from bot_runtime.learning.unseen import predict_unseen
from bot_runtime.market.candles import Candles
from bot_runtime.process.errors import DataUnusableError


@dataclass(frozen=True, slots=True)
class Fold:
    """One training: candles that open in [learn_ms, begin_ms) are learned from.

    It tells of those that open in [begin_ms, end_ms).
    """

    number: int
    learn_ms: int
    begin_ms: int
    end_ms: int

    def candles(self, whole: Mapping[str, Candles], model: ModelSpec) -> dict[str, Candles]:
        """Return all candles that the fold may see: the first ones are history of features."""
        parts = {}
        for symbol, part in whole.items():
            history_ms = (WARM_UP + model.encoder_length) * part.interval_ms
            parts[symbol] = part.between(self.learn_ms - history_ms, self.end_ms)
        return parts


def folds_of(whole: Mapping[str, Candles], lookback_ms: int) -> tuple[Fold, ...]:
    """Return the folds of the candles of every symbol, oldest first; the last one may be short.

    A fold tells of a fifth of the lookback, in whole days where that is more than one.
    """
    first_ms = max(int(part.open_time_ms[0]) for part in whole.values())
    end_ms = max(int(part.close_time_ms[-1]) for part in whole.values())
    stretch_ms = round(lookback_ms * SHARES[-1])
    if stretch_ms > DAY_MS:
        stretch_ms -= stretch_ms % DAY_MS
    learned_ms = lookback_ms - stretch_ms
    begins = range(first_ms + learned_ms, end_ms, stretch_ms)
    return tuple(
        Fold(number, begin_ms - learned_ms, begin_ms, min(begin_ms + stretch_ms, end_ms))
        for number, begin_ms in enumerate(begins)
    )


def tell_fold(
    fold: Fold,
    candles: Mapping[str, Candles],
    model: ModelSpec,
    threads: int,
    go_on: Callable[[], None],
) -> dict[str, Told]:
    """Return what a fold's models say of every symbol's candles; `candles` are those of the fold.

    `go_on` is called again and again, and ends it by raising. Raises DataUnusableError where the
    candles are too few, ModelUnfitError where every fit has diverged.
    """
    history = WARM_UP + model.encoder_length
    for symbol, part in candles.items():
        if len(part) <= history:
            raise DataUnusableError(f"{symbol}: has {len(part)} candles, {history} are history")
    interval_ms = next(iter(candles.values())).interval_ms
    data = build_training_data(
        candles,
        model.horizon_steps,
        model.encoder_length,
        model.triple_barrier_width,
        fold.begin_ms - model.horizon_steps * interval_ms,
    )
    predictions, rows = predict_unseen(model, data, threads, go_on), data.splits.test
    told = {}
    for place, symbol in enumerate(data.symbols):
        own = np.flatnonzero(data.symbol[rows] == place)
        regimes = regimes_of(data.features[rows[own]])
        told[symbol] = Told(data.time_ms[rows[own]], predictions.at(own), regimes)
    return told
