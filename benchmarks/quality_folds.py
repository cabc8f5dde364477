"""One algorithm over walk-forward folds: fitted, chosen, calibrated and judged as in a training."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.validation import Spans, Split, consecutive, walk_forward
from bot_runtime.arrays import Values
from bot_runtime.contract.spec import OBJECTIVES, Algorithm, ModelSpec, Objective
from bot_runtime.evaluation.score_tables import (
    Forecasts,
    Table,
    forecasts_of,
    outcome_of,
    score_forecasts,
)
from bot_runtime.learning.datasets import SHARES, Splits, TrainingData, build_training_data
from bot_runtime.learning.unseen import predict_unseen
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions, columns_of

FOLDS = 5
HORIZON = 5
SEED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What an algorithm and its references said of unseen rows, and what came: in time order."""

    forecasts: dict[Objective, Forecasts]
    outcomes: dict[Objective, Values]

    def table(self, objective: Objective) -> Table:
        """Return the scores of the model and its references."""
        return score_forecasts(objective, self.forecasts[objective], self.outcomes[objective])


Splitting = Callable[[Spans, int], Iterator[Split]]
"""Gives splits of spans, given the length of a candle in milliseconds."""


def forward(spans: Spans, interval_ms: int) -> Iterator[Split]:
    """Give each fold all that lies before its test rows to learn from, as a training would."""
    return walk_forward(spans, FOLDS, HORIZON * interval_ms)


def folds_of(
    candles: Candles, encoder_length: int, splitting: Splitting = forward
) -> Iterator[TrainingData]:
    """Give the rows of each fold."""
    data = build_training_data({"series": candles}, HORIZON, encoder_length)
    usable = np.sort(np.concatenate([data.splits.before_test, data.splits.test]))
    start_ms = data.time_ms[usable]
    spans = Spans(start_ms, start_ms + HORIZON * data.interval_ms)
    for split in splitting(spans, data.interval_ms):
        fit, selection, calibration = consecutive(spans, split.train, SHARES[:3])
        rows = (usable[part] for part in (fit, selection, calibration, split.test))
        yield replace(data, splits=Splits(*rows))


def judge(algorithm: Algorithm, spec: ModelSpec, data: TrainingData) -> Judged:
    """Train the three objectives and return what they and their references say of test rows."""
    rows, adapted = data.splits.test, predictions_of(algorithm, spec, data)
    return Judged(
        {o: forecasts_of(o, columns_of(adapted, o), data, rows) for o in OBJECTIVES},
        {o: outcome_of(o, data, rows) for o in OBJECTIVES},
    )


def predictions_of(algorithm: Algorithm, spec: ModelSpec, data: TrainingData) -> Predictions:
    """Train the three objectives and return what they say of the test rows, bands adapted."""
    own = spec.model_copy(update={"candidates": (algorithm,)})
    return predict_unseen(own, data, threads=1, go_on=lambda: None)


def join(parts: list[Judged]) -> Judged:
    """Return the folds' forecasts one after the other."""
    return Judged(
        {
            o: {
                name: np.concatenate([part.forecasts[o][name] for part in parts])
                for name in parts[0].forecasts[o]
            }
            for o in OBJECTIVES
        },
        {o: np.concatenate([part.outcomes[o] for part in parts]) for o in OBJECTIVES},
    )
