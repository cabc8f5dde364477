"""One candidate of one objective: fitted, saved, loaded, exported, and compared with itself.

What comes out of the fit is never used directly: predictions are those of the exported graph, and
they are held against the model as it was loaded from what was saved.
"""

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bot_runtime.arrays import Columns, Rows, Values
from bot_runtime.contract.spec import Algorithm
from bot_runtime.features.sequences import RawOutputs, whole_windows
from bot_runtime.learning.curve import LearningCurve
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.models.forecaster import Forecaster, Task
from bot_runtime.learning.models.registry import forecaster_of
from bot_runtime.learning.objectives import RULES
from bot_runtime.process.errors import ModelUnfitError
from bot_runtime.scoring.parity import check_parity
from bot_runtime.serving.version import GraphRunner
from bot_runtime.store.bundle import Graph, Inputs, ObjectiveManifest
from bot_runtime.store.files import sha256_of


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What became of one algorithm.

    Attributes:
        losses: loss at each row of the selection slice, (n,), in time order; lower is better.
        native: the loaded model's own predictions at the test rows.
        forecast: those of the graphs at the newest closed candle of each symbol, whose horizon is
            still to come; empty where a hole is too near before each.
        served: those of the graphs at the test rows.
        learning: how its losses moved while it was fitted.
        fit_seconds: how long the fit took in this process: one that was taken up took longer.
        dropped: why it cannot be published, or None.
    """

    manifest: ObjectiveManifest
    folder: Path
    losses: Values
    native: Columns
    served: Columns
    forecast: Columns
    learning: LearningCurve
    fit_seconds: float
    dropped: str | None

    @property
    def loss(self) -> float:
        """Return the mean loss on the selection slice: what candidates are chosen by."""
        return float(np.mean(self.losses))


def train_candidate(
    algorithm: Algorithm, task: Task, data: TrainingData, inputs: Inputs, folder: Path
) -> Candidate:
    """Train one candidate in an existing empty folder, which keeps its model and its graphs.

    Raises ModelUnfitError where the fit has diverged: what it predicts is not finite.
    """
    kind = forecaster_of(algorithm)
    learning = LearningCurve()
    began = time.monotonic()
    fitted = kind.fit(replace(task, progress=learning.listen(task.progress)))
    seconds = time.monotonic() - began
    own = export(fitted, task, folder)
    rules, splits = RULES[task.objective], data.splits
    losses = rules.loss(own.raw.at(splits.selection), task.target[splits.selection])
    calibration = rules.calibrate(own.raw, data, splits)
    served, forecast = (
        rules.finish(own.raw, calibration, data, rows) if len(rows) else {}
        for rows in (splits.test, data.newest)
    )
    native = rules.finish(own.native, calibration, data, splits.test)
    manifest = ObjectiveManifest(
        objective=task.objective,
        algorithm=algorithm,
        inputs=inputs,
        window_length=own.window_length,
        seen_until_ms=data.seen_until_ms,
        graphs=own.graphs,
        calibration=calibration,
    )
    dropped = check_parity(served, native, rules.tolerances(native, calibration))
    return Candidate(manifest, folder, losses, native, served, forecast, learning, seconds, dropped)


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """A model as it was loaded from what was saved, and the graphs that it was exported as.

    Attributes:
        raw: of the graphs; raises ModelUnfitError where an output is not finite.
        native: of the model itself.
    """

    graphs: tuple[Graph, ...]
    window_length: int
    raw: RawOutputs
    native: RawOutputs


def export(fitted: Forecaster, task: Task, folder: Path) -> Exported:
    """Save, load and export a fitted model in an existing empty folder."""
    fitted.save(folder)
    model = type(fitted).load(folder)
    file = model.export(folder, task.objective.lower())
    graphs = (Graph(file=file, sha256=sha256_of(folder / file)),)
    window_length = model.window_of(task.spec)
    runner = GraphRunner(folder, graphs, window_length, task.threads)

    def predict(rows: Rows) -> Values:
        raw = runner.raw(task.features, rows)
        if not np.isfinite(raw).all():
            raise ModelUnfitError("its fit has diverged: lower its learning rate")
        return raw

    whole = whole_windows(task.features, window_length)
    native = RawOutputs(partial(model.raw, task.features), whole)
    return Exported(graphs, window_length, RawOutputs(predict, whole), native)
