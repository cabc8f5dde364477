"""A fit that was interrupted goes on where it was, and ends as if it had never stopped."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.spec import ModelSpec
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.models.forecaster import Checkpoint, Epoch, Task
from bot_runtime.learning.models.temporal_fusion_transformer import TemporalFusionTransformer
from tests.unit.bot_runtime.learning import model_spec, task_of, training_data

EPOCHS = 4


class Evicted(BaseException):
    """What stands for the end of the process."""


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return training_data(1000)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    network = {"hiddenSize": 4, "maxEpochs": EPOCHS, "maxStepsPerEpoch": 3, "batchSize": 32}
    return model_spec(temporalFusionTransformer=network)


def fit(
    task: Task, checkpoint: Checkpoint | None, *, evicted_after: int | None = None
) -> list[int]:
    """Fit, and return the epochs that were told of; end in the middle where it is asked for."""
    told: list[int] = []

    def progress(share: float, message: str, epoch: Epoch) -> None:
        del share
        told.append(epoch[0])
        if "validation" in message and epoch[0] == evicted_after:
            raise Evicted

    task = dataclasses.replace(task, progress=progress, checkpoint=checkpoint)
    model = TemporalFusionTransformer.fit(task)
    told.append(hash(model.raw(task.features, task.selection).tobytes()))
    return told


@pytest.fixture(scope="module")
def whole(data: TrainingData, spec: ModelSpec) -> tuple[Task, list[int]]:
    task = task_of(data, "Return", spec)
    return task, fit(task, None)


@pytest.mark.parametrize("epoch", range(2, EPOCHS + 1))
def test_it_goes_on_after_the_last_whole_epoch(
    whole: tuple[Task, list[int]], tmp_path: Path, epoch: int
) -> None:
    task, uninterrupted = whole
    checkpoint = Checkpoint(tmp_path / "tft", "key")
    with pytest.raises(Evicted):
        fit(task, checkpoint, evicted_after=epoch)
    found = fit(task, checkpoint)
    assert found[:-1] == list(range(epoch - 1, EPOCHS + 1))
    assert found[-1] == uninterrupted[-1]


def test_fit_that_had_ended_is_only_taken_up(
    whole: tuple[Task, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = whole
    monkeypatch.setattr("bot_runtime.learning.models.tft.fitting.PATIENCE_EPOCHS", 1)
    network = task.spec.temporal_fusion_transformer
    fast = network.model_copy(update={"learning_rate": 0.2, "max_epochs": 20})
    spec = task.spec.model_copy(update={"temporal_fusion_transformer": fast})
    task = dataclasses.replace(task, spec=spec)
    stopped = fit(task, Checkpoint(tmp_path / "tft", "key"))
    again = fit(task, Checkpoint(tmp_path / "tft", "key"))
    assert len(stopped) - 1 < 20
    assert again == [len(stopped) - 1, stopped[-1]]


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_checkpoint_that_is_of_no_use_is_not_taken(
    whole: tuple[Task, list[int]], tmp_path: Path, damage: bytes | None
) -> None:
    task, uninterrupted = whole
    checkpoint = Checkpoint(tmp_path / "tft", "key")
    if damage is None:  # of other candles, code or hyperparameters
        with pytest.raises(Evicted):
            fit(task, Checkpoint(checkpoint.path, "other"), evicted_after=3)
    else:
        checkpoint.path.write_bytes(damage)
    assert fit(task, checkpoint) == uninterrupted


def test_checkpoint_is_whole_or_absent(whole: tuple[Task, list[int]], tmp_path: Path) -> None:
    task, _ = whole
    with pytest.raises(Evicted):
        fit(task, Checkpoint(tmp_path / "tft", "key"), evicted_after=1)
    assert list(tmp_path.iterdir()) == []


def test_it_is_fitted_again_by_the_judged_course_and_ends_with_its_best_epoch(
    whole: tuple[Task, list[int]], tmp_path: Path
) -> None:
    """The learning rate moves as if all epochs came; interrupted, it goes on as the fit does."""
    task = whole[0]
    judged = TemporalFusionTransformer.fit(task)
    part = dataclasses.replace(judged, epochs=EPOCHS - 1)
    unseen = dataclasses.replace(task, selection=task.selection[:0])
    expected = part.fit_again(unseen).raw(task.features, task.selection)
    whole_again = dataclasses.replace(judged, epochs=EPOCHS).fit_again(unseen)
    assert not np.array_equal(expected, whole_again.raw(task.features, task.selection))

    told: list[int] = []

    def evict(share: float, message: str, epoch: Epoch) -> None:
        del share, message
        told.append(epoch.number)
        if len(told) == 2:
            raise Evicted

    kept = dataclasses.replace(unseen, checkpoint=Checkpoint(tmp_path / "tft", "key"))
    with pytest.raises(Evicted):
        part.fit_again(dataclasses.replace(kept, progress=evict))
    assert np.array_equal(part.fit_again(kept).raw(task.features, task.selection), expected)
