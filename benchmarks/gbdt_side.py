"""One side of `train-gbdt`, in a process of its own: `python -m benchmarks.gbdt_side SIDE FILE`.

`own`: GradientBoosting, all three objectives. `forests`: a random forest of 200 trees for each.
`tft`: a Temporal Fusion Transformer of the default size, stopped early, for its memory.
"""

import sys
from pathlib import Path

from benchmarks.learning_rows import ENCODER, LearningRows
from bot_runtime.contract.spec import OBJECTIVES, Algorithm, ModelSpec, Objective
from bot_runtime.learning.models.forecaster import Task
from bot_runtime.learning.models.registry import forecaster_of
from bot_runtime.process.threads import cpu_count

TREES = 200
TFT_STEPS = 30


def task_of(rows: LearningRows, objective: Objective) -> Task:
    """Return the product's task with its default hyperparameters, the TFT's epochs shortened."""
    spec = ModelSpec.model_validate(
        {
            "encoderLength": ENCODER,
            "temporalFusionTransformer": {"maxStepsPerEpoch": TFT_STEPS},
        }
    )
    return Task(
        objective=objective,
        features=rows.features,
        target=rows.targets[objective],
        fit=rows.fit,
        selection=rows.selection,
        spec=spec,
        threads=cpu_count(),
        progress=lambda *_: None,
        weight=rows.weight,
    )


def fit_own(rows: LearningRows, algorithm: Algorithm, objectives: tuple[Objective, ...]) -> None:
    """Fit the product's candidate."""
    for objective in objectives:
        forecaster_of(algorithm).fit(task_of(rows, objective))


def fit_forests(rows: LearningRows) -> None:
    """Fit scikit-learn's forests: to the sign, to the return, to the variance ratio."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    matrix = rows.features[rows.fit]
    for objective in OBJECTIVES:
        kind = RandomForestClassifier if objective == "Trend" else RandomForestRegressor
        forest = kind(TREES, max_features="sqrt", n_jobs=cpu_count(), random_state=7)
        forest.fit(matrix, rows.targets[objective][rows.fit], rows.weight[rows.fit])


if __name__ == "__main__":
    learning = LearningRows.load(Path(sys.argv[2]))
    if sys.argv[1] == "forests":
        fit_forests(learning)
    elif sys.argv[1] == "own":
        fit_own(learning, "GradientBoosting", OBJECTIVES)
    else:
        fit_own(learning, "TemporalFusionTransformer", ("Return",))
