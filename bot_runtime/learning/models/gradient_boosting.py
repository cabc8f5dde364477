"""Gradient-boosted trees (LightGBM) on the features of the decision's own candle.

Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree (2017). One ensemble for
each output: log loss for Trend, pinball loss for each quantile of Return, gamma deviance (which is
QLIKE) for Risk's variance ratio.
"""

import math
import re
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import lightgbm as lgb
import numpy as np

from bot_runtime.arrays import Rows, Values, Windows
from bot_runtime.contract.spec import ModelSpec, Objective
from bot_runtime.features.sequences import windows_at
from bot_runtime.learning.models.forecaster import Epoch, Task
from bot_runtime.scoring.scores import QUANTILES

ROUNDS_BETWEEN_LINES = 10
PATIENCE_ROUNDS = 30
ROWS_PER_THREAD = 50_000
"""A second thread pays for its waiting only from here on; on few rows it costs many times more."""
ONNX_OPSET = 15

_LOSSES: dict[Objective, tuple[dict[str, Any], ...]] = {
    "Trend": ({"objective": "binary"},),
    "Return": tuple({"objective": "quantile", "alpha": level} for level in QUANTILES),
    "Risk": ({"objective": "gamma"},),
}


@dataclass(frozen=True, slots=True, eq=False)
class GradientBoosting:
    """One LightGBM ensemble for each raw output."""

    ensembles: tuple[lgb.Booster, ...]

    @classmethod
    def window_of(cls, spec: ModelSpec) -> int:
        """Return 1: trees read the features of one candle."""
        del spec
        return 1

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Boost until the selection rows stop gaining, at most `maxIterations` rounds."""
        return cls(_boost_all(task, [None] * len(_LOSSES[task.objective])))

    def fit_again(self, task: Task) -> Self:
        """Boost as many rounds as each ensemble has trees."""
        return type(self)(_boost_all(task, [e.num_trees() for e in self.ensembles]))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the ensembles of LightGBM's own text files."""
        files = sorted(folder.glob("ensemble-*.txt"))
        return cls(tuple(lgb.Booster(model_str=f.read_text(encoding="utf-8")) for f in files))

    def save(self, folder: Path) -> None:
        """Write LightGBM's own text files."""
        for i, ensemble in enumerate(self.ensembles):
            (folder / f"ensemble-{i}.txt").write_text(
                exact_in_float32(ensemble.model_to_string()), encoding="utf-8"
            )

    def raw(self, features: Values, rows: Rows) -> Values:
        """Return raw scores: log odds, quantiles, or the logarithm of the variance ratio."""
        matrix = windows_at(features, rows, 1)
        columns = [e.predict(matrix, raw_score=True, num_threads=1) for e in self.ensembles]
        return np.column_stack([np.asarray(c, dtype=np.float64) for c in columns])

    def export(self, folder: Path, stem: str) -> str:
        """Write one graph: a tree-ensemble regressor for each output, side by side."""
        name = f"{stem}.onnx"
        graph = _beside_each_other([_to_onnx(ensemble) for ensemble in self.ensembles])
        (folder / name).write_bytes(graph.SerializeToString(deterministic=True))
        return name


def _boost_all(task: Task, rounds: Sequence[int | None]) -> tuple[lgb.Booster, ...]:
    """Return an ensemble for each output, of so many rounds; None stops by the selection rows."""
    task.check(GradientBoosting.window_of(task.spec))
    matrix = task.features.astype(np.float32)  # as served: thresholds fall between these
    losses = _LOSSES[task.objective]
    return tuple(
        _boost(task, matrix, loss, known, _telling(task, i, len(losses)))
        for i, (loss, known) in enumerate(zip(losses, rounds, strict=True))
    )


def _boost(
    task: Task,
    matrix: Windows,
    loss: dict[str, Any],
    rounds: int | None,
    progress: Callable[[Any], None],
) -> lgb.Booster:
    spec = task.spec.gradient_boosting
    parameters = loss | {
        "learning_rate": spec.learning_rate,
        "num_leaves": spec.max_leaf_nodes,
        "min_data_in_leaf": spec.min_samples_leaf,
        "lambda_l2": 1.0,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": task.spec.seed,
        "num_threads": min(task.threads, 1 + len(task.fit) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    weight = None if task.weight is None else task.weight[task.fit]
    fit = lgb.Dataset(matrix[task.fit], task.target[task.fit], weight=weight, params=parameters)
    if rounds is not None:
        return lgb.train(parameters, fit, num_boost_round=rounds, callbacks=[progress])
    held = lgb.Dataset(matrix[task.selection], task.target[task.selection], reference=fit)
    return lgb.train(
        parameters,
        fit,
        num_boost_round=spec.max_iterations,
        valid_sets=[held],
        callbacks=[lgb.early_stopping(PATIENCE_ROUNDS, verbose=False), progress],
    )


def _telling(task: Task, part: int, parts: int) -> Callable[[Any], None]:
    """Return a callback of LightGBM that reports every tenth round.

    A sample is a row in a round. The loss on the fit rows would have to be computed for it alone.
    """
    part_name = f"p{100 * QUANTILES[part]:.0f}" if parts > 1 else ""
    started = time.monotonic()

    def tell(environment: Any) -> None:
        done = environment.iteration + 1
        if done % ROUNDS_BETWEEN_LINES == 0:
            held = environment.evaluation_result_list
            loss = held[0][2] if held else None
            rounds = environment.end_iteration
            pace = done / max(time.monotonic() - started, 1e-9)
            epoch = Epoch(
                done,
                rounds,
                validation_loss=loss,
                samples_per_second=pace * len(task.fit),
                part=part_name,
            )
            told = "" if loss is None else f"validation loss {loss:.5f}, "
            task.progress(
                (part + done / rounds) / parts,
                f"round {done} of {rounds}: {told}{epoch.samples_per_second:.0f} samples/s, "
                f"{((parts - part) * rounds - done) / pace:.0f} s left at most",
                epoch,
            )

    return tell


def exact_in_float32(model: str) -> str:
    """Return LightGBM's text of a model with thresholds that float32 holds.

    LightGBM places a threshold in double precision between two values. Rounded to the nearest
    float32, as a graph stores it, it can become the upper one and turn that value's branch; rounded
    down it decides every float32 value as before. The index of tree sizes no longer fits then, and
    LightGBM reads on without it.
    """
    model = re.sub(r"(?m)^tree_sizes=.*\n", "", model)
    return re.sub(r"(?m)^threshold=(.*)$", _rounded_down, model)


def _rounded_down(line: re.Match[str]) -> str:
    return "threshold=" + " ".join(_floor(float(t)) for t in line[1].split())


def _floor(value: float) -> str:
    near = np.float32(value)
    if not math.isinf(value) and float(near) > value:
        near = np.nextafter(near, np.float32(-np.inf))
    return repr(float(near))


def _to_onnx(ensemble: lgb.Booster) -> Any:
    """Return the ensemble's raw score as a graph from `window` to one column.

    Every loss becomes `regression` in the copy that is converted: the trees are the same, and no
    link function or class label is built into the graph.
    """
    text = exact_in_float32(ensemble.model_to_string())
    text = re.sub(r"(?m)^objective=.*$", "objective=regression", text)
    text = re.sub(r"(?m)^\[objective: .*\]$", "[objective: regression]", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the converters
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType

    shape = [("window", FloatTensorType([None, ensemble.num_feature()]))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same
        return onnxmltools.convert_lightgbm(
            lgb.Booster(model_str=text),
            name="trees",  # unset it is a random one, and the same trees would be another file
            initial_types=shape,
            target_opset=ONNX_OPSET,
        )


def _beside_each_other(graphs: list[Any]) -> Any:
    """Return one graph with the columns of all, which read the same window."""
    import onnx

    parts = [onnx.compose.add_prefix(g, f"{i}_", rename_inputs=False) for i, g in enumerate(graphs)]
    columns = [part.graph.output[0].name for part in parts]
    window = parts[0].graph.input[0]
    raw = onnx.helper.make_tensor_value_info("raw", onnx.TensorProto.FLOAT, [None, len(columns)])
    beside = onnx.helper.make_graph(
        [
            *(node for part in parts for node in part.graph.node),
            onnx.helper.make_node("Concat", columns, ["raw"], name="beside", axis=1),
        ],
        "trees",
        [window],
        [raw],
        [constant for part in parts for constant in part.graph.initializer],
    )
    merged = onnx.helper.make_model(
        beside, opset_imports=parts[0].opset_import, ir_version=parts[0].ir_version
    )
    onnx.checker.check_model(merged)
    return merged
