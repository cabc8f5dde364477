"""What a training would tell of rows that it has not learned from, without publishing a version."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from bot_runtime.arrays import Columns, Rows, Values
from bot_runtime.contract.spec import OBJECTIVES, ModelSpec
from bot_runtime.features.sequences import RawOutputs, whole_windows
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.models.forecaster import Forecaster, Task
from bot_runtime.learning.models.registry import forecaster_of
from bot_runtime.learning.objectives import RULES
from bot_runtime.learning.tasks import task_of
from bot_runtime.process.errors import ModelUnfitError
from bot_runtime.serving.adaptive_band import AdaptiveBand, Ahead, adapt_band
from bot_runtime.serving.predictions import Predictions


def predict_unseen(
    spec: ModelSpec, data: TrainingData, threads: int, go_on: Callable[[], None]
) -> Predictions:
    """Return what would be told of the test rows, with bands as inference adapts them.

    Every objective is fitted by every candidate, the one with the lower loss on the selection rows
    is taken and calibrated, as in a training. The models speak for themselves here, not their
    graphs. `go_on` is called again and again meanwhile, and ends it all by raising. Raises
    ModelUnfitError where the fits of all candidates have diverged.
    """
    columns: dict[str, Values] = {}
    for objective in OBJECTIVES:
        task = task_of(objective, data, spec, threads)
        task = replace(task, progress=lambda _share, _message, _epoch: go_on())
        columns |= _told(task, data)
    return adapt(Predictions(**columns), data, data.splits.test)[0]


def _told(task: Task, data: TrainingData) -> Columns:
    """Return what the best candidate of one objective tells of the test rows."""
    model, rules, splits = _best(task), RULES[task.objective], data.splits
    whole = whole_windows(data.features, model.window_of(task.spec))
    raw = RawOutputs(partial(model.raw, data.features), whole)
    return rules.finish(raw, rules.calibrate(raw, data, splits), data, splits.test)


def _best(task: Task) -> Forecaster:
    """Return the candidate with the lowest loss on the selection rows."""
    found: list[tuple[float, Forecaster]] = []
    for algorithm in task.spec.candidates:
        model = forecaster_of(algorithm).fit(task)
        raw = model.raw(task.features, task.selection)
        loss = float(np.mean(RULES[task.objective].loss(raw, task.target[task.selection])))
        if np.isfinite(loss):
            found.append((loss, model))
    if not found:
        raise ModelUnfitError(
            f"{task.objective}: the fits of {', '.join(task.spec.candidates)} have diverged: lower "
            "the learning rate"
        )
    return min(found, key=lambda each: each[0])[1]


def adapt(
    served: Predictions, data: TrainingData, rows: Rows
) -> tuple[Predictions, dict[str, AdaptiveBand]]:
    """Return the predictions with their bands as inference adapts them, and where those end.

    `served` are those at `rows`, which are sorted by time.
    """
    bands = {}
    p10, p90 = served.p10.copy(), served.p90.copy()
    for place, symbol in enumerate(data.symbols):
        own = np.flatnonzero(data.symbol[rows] == place)
        ahead = Ahead(
            close_ms=data.time_ms[rows[own]] + data.interval_ms,
            unit=data.volatility[rows[own]] * np.sqrt(data.horizon_steps),
            outcome=data.labels.simple_return[rows[own]],
            horizon_ms=data.horizon_steps * data.interval_ms,
        )
        adapted, bands[symbol] = adapt_band(served.at(own), ahead)
        p10[own], p90[own] = adapted.p10, adapted.p90
    return served.with_band(p10, p90), bands
