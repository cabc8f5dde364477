"""The training step: trees end to end on a generated market, and candidates that are unfit."""

import dataclasses
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from bot_runtime.contract.progress import last_progress
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.learning.datasets import load_training_data
from bot_runtime.learning.models import temporal_fusion_transformer
from bot_runtime.learning.models.forecaster import Epoch
from bot_runtime.learning.models.gradient_boosting import GradientBoosting, exact_in_float32
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError, ModelUnfitError
from bot_runtime.process.reporting import Reporter
from bot_runtime.scoring import scores
from bot_runtime.steps.train import _telling, train
from bot_runtime.store.bundle import load_objective
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import (
    BOTH,
    market_candles,
    model_spec,
    nudge,
    prepare_training,
    quiet,
    shuffled,
    task_of,
    train_all,
    training_data,
)

METRICS = {
    "Trend": {"log_loss", "brier", "auc"},
    "Return": {"pinball", "coverage"},
    "Risk": {"qlike", "rank_correlation"},
}


def test_three_objectives_are_trained_measured_and_published(store: Store) -> None:
    configuration = prepare_training(store, market_candles(1500, BOTH))
    for objective, result in train_all(configuration, store).items():
        folder = store.objective("bot-1", objective)
        manifest = load_objective(folder)
        assert manifest.digest == result.artifact_sha256
        assert (manifest.objective, manifest.algorithm) == (objective, "GradientBoosting")
        for name in METRICS[objective]:
            assert float(result.metrics[name]) != float(result.metrics[f"{name}_naive"])
        assert set(result.scores) == {"GradientBoosting"}
        details = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        assert set(details["metricsBySymbol"]) == set(BOTH)
        assert (
            details["choice"]["probabilityOfOverfitting"] == "nan"
        )  # of one candidate there is no choice
        forecast = details["candidates"]["GradientBoosting"]["forecast"]
        assert set(forecast) == set(BOTH)
        assert all(np.isfinite(float(v)) for f in forecast.values() for v in f.values())


def test_the_log_tells_share_round_and_time_left(store: Store) -> None:
    configuration = prepare_training(store, market_candles(1500))
    stream = StringIO()
    train(configuration, "Return", store, Reporter("Return", stream=stream))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    rounds = [line for line in lines if "epoch" in line]
    assert rounds
    for line in rounds:
        assert 1 <= line["epoch"] <= line["epochs"]
        assert line["eta_seconds"] >= 0
        assert line["validation_loss"] > 0
    last = last_progress(stream.getvalue(), "Return")
    assert last is not None
    assert last.fraction == 1.0
    assert last_progress(stream.getvalue(), "Trend") is None


def test_loss_that_is_no_number_leaves_a_line_that_can_be_read(store: Store) -> None:
    stream = StringIO()
    tell = _telling(Reporter("Trend", stream=stream), "TemporalFusionTransformer", 0, 1)
    tell(0.25, "epoch 2 of 8", Epoch(2, 8, float("nan"), 0.6931471805, 812.3456))
    line = last_progress(stream.getvalue(), "Trend")
    assert line is not None
    assert (line.loss, line.validation_loss, line.samples_per_second) == (None, 0.693147, 812.346)
    assert (line.epoch, line.epochs) == (2, 8)


def test_repeated_step_writes_the_same_files(store: Store) -> None:
    configuration = prepare_training(store, market_candles(1000))
    first = train(configuration, "Trend", store, quiet("Trend"))
    folder = store.objective("bot-1", "Trend")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert train(configuration, "Trend", store, quiet("Trend")) == first
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(before) == set(after)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"native.npz", "fit.json"}, "times in a zip, and of the fit"


def test_shuffled_labels_teach_nothing() -> None:
    """On 40,000 rows an AUC of 0.5 is known to 0.005; anything beyond 0.03 is a leak."""
    data = training_data(40_000)
    rows = data.splits.fit
    task = task_of(data, "Trend", model_spec())
    everywhere = task.target.copy()
    known = np.flatnonzero(data.labels.known)
    everywhere[known] = shuffled(task.target[known])
    blind = GradientBoosting.fit(dataclasses.replace(task, target=everywhere))
    unseen = data.splits.test
    found = scores.auc(blind.raw(data.features, unseen)[:, 0], everywhere[unseen])
    assert found == pytest.approx(0.5, abs=0.03)
    taught = GradientBoosting.fit(task).raw(data.features, unseen)[:, 0]
    assert scores.auc(taught, task.target[unseen]) > 0.6  # the true labels do teach
    assert len(rows) > 20_000


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_candidate_whose_graph_differs_a_little_is_unfit(
    store: Store, monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    true = GradientBoosting.export

    def mutant(model: GradientBoosting, folder: Path, stem: str) -> str:
        name = true(model, folder, stem)
        nudge(folder / name)
        return name

    configuration = prepare_training(store, market_candles(1000))
    monkeypatch.setattr(GradientBoosting, "export", mutant)
    with pytest.raises(ModelUnfitError, match=r"GradientBoosting: .* rows differ"):
        train(configuration, objective, store, quiet(objective))  # type: ignore[arg-type]  # a parameter
    assert not store.objective("bot-1", objective).exists()


def test_changed_snapshot_is_refused(store: Store) -> None:
    configuration = prepare_training(store, market_candles(1000))
    path = store.candles("bot-1", "BTC/USDT")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactInvalidError, match=r"BTC-USDT\.parquet"):
        train(configuration, "Trend", store, quiet("Trend"))


def test_short_window_is_unusable(store: Store) -> None:
    configuration = prepare_training(store, market_candles(400))
    with pytest.raises(DataUnusableError, match=r"training\.lookback"):
        train(configuration, "Trend", store, quiet("Trend"))


def test_evaluation_data_is_the_training_data(store: Store) -> None:
    configuration = prepare_training(store, market_candles(1000))
    first, second = (load_training_data(configuration, store) for _ in range(2))
    assert np.array_equal(first.splits.test, second.splits.test)


def test_thresholds_in_float32_decide_every_float32_value_as_before() -> None:
    below = np.float32(1.1)
    above = np.nextafter(below, np.float32(2))
    between = float(below) + 0.6 * (float(above) - float(below))
    assert np.float32(between) == above  # plain rounding would turn the branch of `above`
    text = exact_in_float32(f"tree_sizes=9\nthreshold={between!r} -2.5\nend")
    assert text == f"threshold={float(below)!r} -2.5\nend"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_candidate_whose_fit_diverges_is_dropped(
    store: Store, monkeypatch: pytest.MonkeyPatch, objective: Objective
) -> None:
    def diverge(network: torch.nn.Module, *_: object) -> None:
        with torch.no_grad():
            for weights in network.parameters():
                weights.fill_(float("nan"))

    monkeypatch.setattr(temporal_fusion_transformer, "fit_network", diverge)
    spec = model_spec(candidates=("GradientBoosting", "TemporalFusionTransformer"))
    configuration = prepare_training(store, market_candles(1500), spec)
    result = train(configuration, objective, store, quiet(objective))
    assert result.algorithm == "GradientBoosting"
    choice = load_json(store.objective("bot-1", objective) / "scores.json")["choice"]
    assert "diverged" in choice["dropped"]["TemporalFusionTransformer"]
