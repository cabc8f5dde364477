"""One objective fitted once more, to the newest candles too, after its version passed the gate.

    | fit                                        | newest |      by time, over all symbols

The judged model was fitted to the oldest 55 % of the window. The same recipe (candidate, rounds or
epochs, hyperparameters, seed) is fitted to all but the newest tenth, which it is calibrated on.
Before that, the two are compared on that tenth: neither was fitted to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.results import to_text
from bot_runtime.contract.spec import Objective
from bot_runtime.learning.candidate import export
from bot_runtime.learning.datasets import LEAST_ROWS, Splits, TrainingData, newest_splits
from bot_runtime.learning.models.forecaster import Task
from bot_runtime.learning.models.registry import forecaster_of
from bot_runtime.learning.objectives import RULES
from bot_runtime.process.errors import ModelUnfitError
from bot_runtime.scoring import scores
from bot_runtime.scoring.parity import check_parity
from bot_runtime.serving.version import GraphRunner
from bot_runtime.store.bundle import ObjectiveManifest

FITTED: Final = 0.9
"""Share of the rows that a refit is fitted to."""
LEAST_BLOCKS: Final = 4
"""Fewest blocks that say anything of a standard error: half of the gate's, of half its rows."""
FARTHEST: Final = 1.0
"""Mean distance of refitted from judged raw outputs, in standard deviations of these.

Beyond it is another model. Months of real candles had 0.27 to 0.57 (docs/models.md).
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """Judged and refitted on the newest rows, before the refit was calibrated on them.

    Attributes:
        judged, refitted: mean loss of the raw outputs.
        comparison: of the two; a gain is the refit's.
        distance: mean distance of the raw outputs, in standard deviations of the judged ones.
    """

    objective: Objective
    judged: float
    refitted: float
    comparison: scores.Comparison
    distance: float

    def to_json(self) -> dict[str, Any]:
        """Return it with its numbers as text of six significant digits."""
        found = self.comparison
        return {
            "objective": self.objective,
            **to_text({"judged": self.judged, "refitted": self.refitted}),
            **to_text({"gain": found.gain, "standardError": found.standard_error}),
            "blocks": found.blocks,
            **to_text({"distance": self.distance}),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what `to_json` gave."""
        return cls(
            objective=found["objective"],
            judged=float(found["judged"]),
            refitted=float(found["refitted"]),
            comparison=scores.Comparison(
                float(found["gain"]), float(found["standardError"]), int(found["blocks"])
            ),
            distance=float(found["distance"]),
        )


@dataclass(frozen=True, slots=True)
class Refitted:
    """An objective that was fitted once more; its graphs lie in the folder that was given."""

    manifest: ObjectiveManifest
    compared: Compared


def split(data: TrainingData) -> Splits:
    """Return the rows to fit to and the newest ones; raises ModelUnfitError where these are few."""
    splits = newest_splits(data, FITTED)
    if len(splits.calibration) < LEAST_ROWS:
        raise ModelUnfitError(
            f"{len(splits.calibration)} rows to calibrate on, {LEAST_ROWS} are needed"
        )
    return splits


def _again(task: Task, splits: Splits) -> Task:
    """Return the task of a refit: other rows, nothing held back, a checkpoint of its own."""
    weight = task.weight
    return replace(
        task,
        fit=splits.fit,
        selection=splits.selection,
        weight=None if weight is None else weight / weight[splits.fit].mean(),
        checkpoint=task.checkpoint and task.checkpoint.of("refit"),
    )


def refit(
    judged: ObjectiveManifest, judged_folder: Path, task: Task, data: TrainingData, folder: Path
) -> Refitted:
    """Fit the judged model of an objective, which had learned by `task`, again.

    `judged_folder` is what the training step has published; `folder` exists and is empty. Raises
    ModelUnfitError where the refit is not to be served.
    """
    kind, rules, splits = forecaster_of(judged.algorithm), RULES[judged.objective], split(data)
    model = kind.load(judged_folder / "candidates" / judged.algorithm)
    task = _again(task, splits)
    own, newest = export(model.fit_again(task), task, folder), splits.calibration
    runner = GraphRunner(judged_folder, judged.graphs, judged.window_length, task.threads)
    compared = compare(task, data, newest, (runner.raw(data.features, newest), own.raw.at(newest)))
    calibration = rules.calibrate(own.raw, data, splits)
    native = rules.finish(own.native, calibration, data, newest)
    served = rules.finish(own.raw, calibration, data, newest)
    differs = check_parity(served, native, rules.tolerances(native, calibration))
    if differs is not None:
        raise ModelUnfitError(f"its graph differs from it: {differs}")
    manifest = judged.model_copy(
        update={
            "seen_until_ms": int(data.time_ms[newest].max())
            + (data.horizon_steps + 1) * data.interval_ms,
            "graphs": own.graphs,
            "calibration": calibration,
        }
    )
    return Refitted(manifest, compared)


def compare(task: Task, data: TrainingData, rows: Rows, raw: tuple[Values, Values]) -> Compared:
    """Return how refitted outputs stand beside judged ones at `rows`; `raw` is (judged, refitted).

    Raises ModelUnfitError where the refit's loss is higher by more than one standard error, or its
    outputs are those of another model.
    """
    rules, bar = RULES[task.objective], data.time_ms[rows] // data.interval_ms
    judged, refitted = (rules.loss(outputs, task.target[rows]) for outputs in raw)
    found = Compared(
        objective=task.objective,
        judged=float(np.mean(judged)),
        refitted=float(np.mean(refitted)),
        comparison=scores.compare(refitted, judged, bar, data.horizon_steps),
        distance=float(np.mean(np.abs(raw[1] - raw[0])) / np.mean(np.std(raw[0], axis=0))),
    )
    gain, error = found.comparison.gain, found.comparison.standard_error
    if found.comparison.blocks < LEAST_BLOCKS:
        raise ModelUnfitError(
            f"{found.comparison.blocks} blocks of newest candles, {LEAST_BLOCKS} are needed"
        )
    if not gain >= -error:  # true for NaN
        raise ModelUnfitError(
            f"its loss on the newest candles is {found.refitted:.6g}, the judged one's "
            f"{found.judged:.6g}: worse by {-gain:.3g}, allowed {error:.3g}"
        )
    if not found.distance <= FARTHEST:
        raise ModelUnfitError(
            f"its outputs differ from the judged one's by {found.distance:.3g} of their standard "
            f"deviation on average, {FARTHEST:g} is allowed"
        )
    return found
