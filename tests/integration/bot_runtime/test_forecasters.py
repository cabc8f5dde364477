"""One suite over every algorithm that the resource can name, for every objective."""

import dataclasses
import re
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest

from bot_runtime.contract.spec import OBJECTIVES, Algorithm, Objective
from bot_runtime.features.sequences import RawOutputs, whole_windows
from bot_runtime.learning import models
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.models.forecaster import OUTPUTS, Epoch, Forecaster, Task
from bot_runtime.learning.models.registry import forecaster_of
from bot_runtime.learning.objectives import RULES
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.scoring.parity import check_parity
from bot_runtime.serving.version import GraphRunner
from bot_runtime.steps.train import train
from bot_runtime.store.bundle import Graph
from bot_runtime.store.files import sha256_of
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import (
    market_candles,
    model_spec,
    nudge,
    prepare_training,
    quiet,
    task_of,
    training_data,
)

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
PICKLE_FILES = re.compile(r"\.(pkl|pickle|joblib|ckpt)$")


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return training_data(1000)


@dataclasses.dataclass(frozen=True)
class Fitted:
    task: Task
    model: Forecaster
    folder: Path
    graph: str
    told: tuple[tuple[float, Epoch], ...]

    @property
    def runner(self) -> GraphRunner:
        graph = Graph(file=self.graph, sha256=sha256_of(self.folder / self.graph))
        return GraphRunner(self.folder, (graph,), type(self.model).window_of(self.task.spec))


@pytest.fixture(scope="module", params=OBJECTIVES)
def objective(request: pytest.FixtureRequest) -> Objective:
    return request.param  # type: ignore[no-any-return]  # pytest's parameter has no type


@pytest.fixture(scope="module", params=ALGORITHMS)
def fitted(
    request: pytest.FixtureRequest,
    objective: Objective,
    data: TrainingData,
    tmp_path_factory: pytest.TempPathFactory,
) -> Fitted:
    told: list[tuple[float, Epoch]] = []
    task = dataclasses.replace(
        task_of(data, objective, model_spec()),
        progress=lambda share, _, epoch: told.append((share, epoch)),
    )
    model = forecaster_of(request.param).fit(task)
    said = tuple(told)  # a test that fits once more tells once more
    folder = tmp_path_factory.mktemp("model")
    model.save(folder)
    return Fitted(task, model, folder, model.export(folder, objective.lower()), said)


def test_full_volume_is_told_by_an_os_error(fitted: Fitted, tmp_path: Path) -> None:
    for file in fitted.folder.iterdir():
        (tmp_path / file.name).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        fitted.model.save(tmp_path)


def test_it_tells_how_far_it_is_and_in_which_epoch(fitted: Fitted) -> None:
    shares = [share for share, _ in fitted.told]
    assert shares
    assert shares == sorted(shares)
    assert all(0 < share <= 1 for share in shares)
    assert all(1 <= epoch.number <= epoch.most for _, epoch in fitted.told)
    assert all(np.isfinite(epoch.validation_loss or np.nan) for _, epoch in fitted.told)
    assert all(0 < (epoch.samples_per_second or 0) < np.inf for _, epoch in fitted.told)
    losses = [epoch.loss for _, epoch in fitted.told]
    if type(fitted.model).__name__ == "GradientBoosting":
        assert losses == [None] * len(losses)
    else:
        assert np.isfinite(np.array(losses, dtype=float)).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_rows_without_weight_teach_nothing(data: TrainingData, algorithm: Algorithm) -> None:
    """Every other row has a target that is turned round; what they weigh decides."""
    spec = model_spec(
        temporalFusionTransformer={"hiddenSize": 4, "maxEpochs": 3, "maxStepsPerEpoch": 20}
    )
    task = task_of(data, "Risk", spec)
    wrong = np.arange(len(task.target)) % 2 == 1
    target = np.where(wrong, 100.0, task.target)
    target[task.selection] = task.target[task.selection]
    errors = []
    for weight in (np.where(wrong, 0.0, 2.0), None):
        model = forecaster_of(algorithm).fit(
            dataclasses.replace(task, target=target, weight=weight)
        )
        log_ratio = model.raw(data.features, data.splits.test)[:, 0]
        errors.append(np.mean(task.target[data.splits.test] * np.exp(-log_ratio) + log_ratio))
    assert errors[0] < errors[1] - 0.01, errors


def test_outputs_have_the_shape_of_the_objective(fitted: Fitted, data: TrainingData) -> None:
    rows = data.splits.test
    raw = fitted.model.raw(data.features, rows)
    assert raw.shape == (len(rows), OUTPUTS[fitted.task.objective])
    assert np.isfinite(raw).all()
    assert raw.std(axis=0).min() > 0  # it looks at what it is given


def test_loaded_model_says_what_the_saved_one_did(fitted: Fitted, data: TrainingData) -> None:
    loaded = type(fitted.model).load(fitted.folder)
    rows = data.splits.test
    same = loaded.raw(data.features, rows) == fitted.model.raw(data.features, rows)
    assert same.all()


def test_every_test_row_is_served_as_by_the_model_itself(
    fitted: Fitted, data: TrainingData
) -> None:
    rules, rows = RULES[fitted.task.objective], data.splits.test
    window_length = fitted.model.window_of(fitted.task.spec)
    whole = whole_windows(data.features, window_length)
    native, graphs = (
        RawOutputs(partial(by.raw, data.features), whole) for by in (fitted.model, fitted.runner)
    )
    calibration = rules.calibrate(native, data, data.splits)
    served, trained = (rules.finish(by, calibration, data, rows) for by in (graphs, native))
    assert check_parity(served, trained, rules.tolerances(trained, calibration)) is None


def test_rows_are_served_alone_as_together(fitted: Fitted, data: TrainingData) -> None:
    rows = data.splits.test[:5]
    together = fitted.runner.raw(data.features, rows)
    alone = [fitted.runner.raw(data.features, rows[i : i + 1])[0] for i in range(5)]
    assert np.allclose(together, alone, atol=1e-5)


def test_real_future_is_predicted_from_the_newest_candle(
    fitted: Fitted, data: TrainingData
) -> None:
    """Its label is not there, and no row of later candles is made up to predict it."""
    assert not data.labels.known[data.newest].any()
    from_all = fitted.runner.raw(data.features, data.newest)
    last = int(data.newest[0])
    cut = fitted.runner.raw(data.features[: last + 1], data.newest[:1])
    assert np.isfinite(from_all).all()
    assert np.array_equal(cut, from_all[:1])


def test_later_candles_change_no_prediction(fitted: Fitted, data: TrainingData) -> None:
    row = data.splits.test[:1]
    changed = data.features.copy()
    changed[row[0] + 1 :] = 1e3
    for by in (fitted.model, fitted.runner):
        assert np.array_equal(by.raw(changed, row), by.raw(data.features, row))


def test_same_task_gives_the_same_graph(fitted: Fitted, tmp_path: Path) -> None:
    again = type(fitted.model).fit(fitted.task)
    name = again.export(tmp_path, fitted.task.objective.lower())
    assert name == fitted.graph
    assert (tmp_path / name).read_bytes() == (fitted.folder / name).read_bytes()


def test_it_is_fitted_again_as_long_as_it_was_and_without_a_look_at_the_selection_rows(
    fitted: Fitted,
) -> None:
    """To the same rows it is the same model: nothing else of the recipe has changed."""
    unseen = dataclasses.replace(fitted.task, selection=fitted.task.selection[:0])
    loaded = type(fitted.model).load(fitted.folder)
    again = loaded.fit_again(unseen)
    rows = fitted.task.selection
    expected = fitted.model.raw(fitted.task.features, rows)
    np.testing.assert_allclose(again.raw(fitted.task.features, rows), expected, atol=1e-6)


def test_one_graph_takes_any_number_of_float32_rows(fitted: Fitted) -> None:
    window = type(fitted.model).window_of(fitted.task.spec)
    assert [path.name for path in fitted.folder.glob("*.onnx")] == [fitted.graph]
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*\.onnx", fitted.graph)
    graph = onnx.load(fitted.folder / fitted.graph).graph
    (given,), (told,) = graph.input, graph.output
    rows, columns = given.type.tensor_type.shape.dim
    assert given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert not rows.HasField("dim_value")
    assert columns.dim_value == window * fitted.task.features.shape[1]
    assert told.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_window_that_is_not_finite_is_refused(
    fitted: Fitted, data: TrainingData, value: float
) -> None:
    row = data.splits.test[:1]
    broken = data.features.copy()
    broken[row[0], 3] = value
    for by in (fitted.model, fitted.runner):
        with pytest.raises(ValueError, match=f"row {row[0]}"):
            by.raw(broken, row)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("where", ["features", "target"])
@pytest.mark.parametrize("part", ["fit", "selection"])
def test_nothing_is_learned_from_what_is_not_finite(
    data: TrainingData, algorithm: Algorithm, where: str, part: str
) -> None:
    task = task_of(data, "Return", model_spec())
    row = getattr(data.splits, part)[17]
    broken = getattr(task, where).copy()
    broken[row] = np.nan
    message = rf"^{part} slice: {where} of row {row}: .* not finite"
    with pytest.raises(DataUnusableError, match=message):
        forecaster_of(algorithm).fit(dataclasses.replace(task, **{where: broken}))


def test_window_reaches_as_far_as_the_algorithm_reads(data: TrainingData) -> None:
    """A hole before the window is none of its business, one at its first row is."""
    task = task_of(data, "Return", model_spec())
    first, length = int(data.splits.fit[0]), 8
    broken = data.features.copy()
    broken[: first - length + 1] = np.nan
    dataclasses.replace(task, features=broken).check(length)
    broken[first - length + 1] = np.nan
    with pytest.raises(DataUnusableError, match=f"row {first}"):
        dataclasses.replace(task, features=broken).check(length)


def test_nothing_that_is_saved_is_a_pickle_of_objects(fitted: Fitted) -> None:
    import torch

    for path in fitted.folder.iterdir():
        assert not PICKLE_FILES.search(path.name)
        if path.suffix == ".pt":
            tensors = torch.load(path, weights_only=True)
            assert all(isinstance(value, torch.Tensor) for value in tensors.values())


def test_every_module_of_an_algorithm_is_found_by_its_name() -> None:
    folder = Path(models.__file__).parent
    for algorithm in ALGORITHMS:
        found = forecaster_of(algorithm)
        assert found.__name__ == algorithm
        assert (folder / f"{found.__module__.rpartition('.')[2]}.py").is_file()


def test_sound_candidate_is_taken_where_the_better_one_is_unfit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    both: tuple[Algorithm, ...] = ("GradientBoosting", "TemporalFusionTransformer")
    candles = market_candles(1000)
    configuration = prepare_training(store, candles, model_spec(candidates=both))
    sound = train(configuration, "Risk", store, quiet("Risk"))
    assert set(sound.scores) == set(both)
    better = min(both, key=lambda name: float(sound.scores[name]))
    assert sound.algorithm == better
    kind = forecaster_of(better)
    true = kind.export

    def mutant(model: object, folder: Path, stem: str) -> str:
        name = true(model, folder, stem)  # type: ignore[arg-type]  # of this class
        nudge(folder / name)
        return name

    monkeypatch.setattr(kind, "export", mutant)
    reporter = quiet("Risk")
    result = train(configuration, "Risk", store, reporter)
    assert result.algorithm != better
    assert any(better in warning for warning in reporter.warnings)
