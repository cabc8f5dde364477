"""What `quality-months` compares: functions from what was learned to predictions of the same rows.

    served    what inference says by the version that the training has left
    refit     an experiment: the same trees fitted once more, to the newest candles too

Another contestant is a function here and its row in CONTESTANTS.
"""

from collections.abc import Callable, Mapping
from typing import Final

import lightgbm as lgb
import numpy as np

from benchmarks.quality_windows import Learned
from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.learning.datasets import Splits, TrainingData
from bot_runtime.learning.labels import to_target
from bot_runtime.learning.models.gradient_boosting import GradientBoosting
from bot_runtime.learning.objectives import RULES
from bot_runtime.process.config import training_of
from bot_runtime.serving.predictions import Predictions

Contestant = Callable[[Learned, Rows], Predictions]
"""Says something of rows of `learned.data`, each by what was known at its close.

The band is told as the models give it: it is adapted for all contestants alike.
"""

FITTED: Final = 0.9
"""Share of the window's rows that a refit is fitted to; it is calibrated on the rest."""


def served(learned: Learned, rows: Rows) -> Predictions:
    """Return what inference says, the band not yet adapted."""
    return learned.version.predict_rows(learned.data.features, learned.data.volatility, rows)


def refitted(learned: Learned, rows: Rows) -> Predictions:
    """Return what the version would say, were it fitted once more.

    The recipe is the same, with as many rounds as early stopping had found.
    """
    known, splits = learned.known, newest_splits(learned.known)
    columns: dict[str, Values] = {}
    for objective in OBJECTIVES:
        rules = RULES[objective]
        model = fit_again(trees_of(learned, objective), objective, known, splits.fit)
        own = rules.calibration_rows(splits)
        calibration = rules.calibrate(model.raw(known.features, own), known, own)
        raw = model.raw(learned.data.features, rows)
        columns |= rules.finish(raw, calibration, learned.data, rows)
    return Predictions(**columns)


def newest_splits(known: TrainingData) -> Splits:
    """Return the window's rows in two: to fit to, and to calibrate on; no label reaches across."""
    rows = np.sort(np.concatenate([known.splits.before_test, known.splits.test]))
    cut = int(FITTED * len(rows))
    horizon_ms = known.horizon_steps * known.interval_ms
    fit = rows[known.time_ms[rows] + horizon_ms < known.time_ms[rows[cut]]]
    return Splits(fit, rows[:0], rows[cut:], rows[:0])


def trees_of(learned: Learned, objective: Objective) -> GradientBoosting:
    """Return the trees that are served, as the training step has kept them."""
    folder = learned.store.objective(training_of(learned.training).name, objective)
    return GradientBoosting.load(folder / "candidates" / GradientBoosting.__name__)


def fit_again(
    trees: GradientBoosting, objective: Objective, known: TrainingData, fit: Rows
) -> GradientBoosting:
    """Return trees of the same recipe, of as many rounds, fitted to other rows."""
    target = to_target(objective, known.labels, known.volatility, known.horizon_steps)[fit]
    rows, weight = known.features[fit].astype(np.float32), known.weight[fit]
    ensembles = []
    for ensemble in trees.ensembles:
        recipe = ensemble.params | {"num_iterations": ensemble.num_trees()}
        ensembles.append(lgb.train(recipe, lgb.Dataset(rows, target, weight=weight, params=recipe)))
    return GradientBoosting(tuple(ensembles))


SERVED: Final = "served"
REFIT: Final = "refit"
CONTESTANTS: Final[Mapping[str, Contestant]] = {SERVED: served, REFIT: refitted}
