"""Builders for tests of what learns: generated markets, training data, whole trainings."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.contract.results import EvaluationResult, ObjectiveResult
from bot_runtime.contract.runconfig import RunConfiguration, TrainingRun
from bot_runtime.contract.spec import (
    OBJECTIVES,
    DecisionSpec,
    ExchangeSpec,
    GateSpec,
    ModelSpec,
    Objective,
)
from bot_runtime.learning import tasks
from bot_runtime.learning.datasets import TrainingData, build_training_data
from bot_runtime.learning.models.forecaster import Task
from bot_runtime.market.candles import Candles
from bot_runtime.market.snapshot import Dataset, save_snapshot, save_symbol
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.evaluate import evaluate
from bot_runtime.steps.train import train
from bot_runtime.store.layout import Store

MINUTE_MS = 60_000
START_MS = 1_760_000_000_000 // MINUTE_MS * MINUTE_MS
BOTH = ("BTC/USDT", "ETH/USDT")
QUICK_MODEL = {
    "candidates": ("GradientBoosting",),
    "encoderLength": 8,
    "gradientBoosting": {"maxIterations": 60, "learningRate": 0.1},
    "temporalFusionTransformer": {
        "hiddenSize": 4,
        "maxEpochs": 1,
        "maxStepsPerEpoch": 2,
        "batchSize": 32,
    },
}


def market_candles(
    count: int, symbols: tuple[str, ...] = ("BTC/USDT",), **market: Any
) -> dict[str, Candles]:
    """Return the candles of a generated market by symbol."""
    generated = GeneratedMarket(symbols=symbols, **market)
    parts = {}
    for symbol in symbols:
        bars = generated.candles(symbol, START_MS, START_MS + count * MINUTE_MS)
        parts[symbol] = Candles(
            MINUTE_MS, bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume
        )
    return parts


def model_spec(**changes: Any) -> ModelSpec:
    """Return a quick model specification with some fields changed."""
    return ModelSpec.model_validate(QUICK_MODEL | changes)


def training_data(count: int = 1500, horizon_steps: int = 5, **market: Any) -> TrainingData:
    """Return the rows of a generated market."""
    return build_training_data(market_candles(count, **market), horizon_steps, 8)


def task_of(data: TrainingData, objective: Objective, spec: ModelSpec) -> Task:
    """Return what a candidate has to learn of the data, by one thread."""
    return tasks.task_of(objective, data, spec, 1)


def prepare_training(
    store: Store, candles: Mapping[str, Candles], spec: ModelSpec | None = None, **run: Any
) -> RunConfiguration:
    """Put a snapshot into the store and return the run configuration of its training.

    `run` may have name, gate, champion_version, decision and timeframe.
    """
    name, timeframe = run.get("name", "bot-1"), run.get("timeframe", "1m")
    parts = tuple(save_symbol(store, name, symbol, part) for symbol, part in candles.items())
    snapshot = {"exchange": "binance", "timeframe": timeframe, "lookback": "7d"}
    save_snapshot(store, Dataset(training=name, symbols=parts, **snapshot))
    return RunConfiguration(
        namespace="default",
        owner=name,
        exchange=ExchangeSpec(id="binance"),
        symbols=tuple(candles),
        timeframe=timeframe,
        model=spec or model_spec(),
        decision=run.get("decision", DecisionSpec()),
        training=TrainingRun(
            name=name,
            lookback="7d",
            gate=run.get("gate", GateSpec()),
            champion_version=run.get("champion_version"),
        ),
    )


def quiet(step: Any) -> Reporter:
    """Return a reporter whose lines nobody reads."""
    return Reporter(step, stream=StringIO())


def train_all(configuration: RunConfiguration, store: Store) -> dict[Objective, ObjectiveResult]:
    """Train the three objectives."""
    return {o: train(configuration, o, store, quiet(o)) for o in OBJECTIVES}


def train_and_evaluate(configuration: RunConfiguration, store: Store) -> EvaluationResult:
    """Train the three objectives and evaluate the version."""
    train_all(configuration, store)
    return evaluate(configuration, store, quiet("Evaluation"))


def shuffled(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the values in another order."""
    return np.random.default_rng(seed).permutation(values)


def nudge(path: Path) -> None:
    """Change a graph by one per cent: every leaf of its trees, or one of its constants."""
    model = onnx.load(path)
    leaves = [a for n in model.graph.node for a in n.attribute if a.name == "target_weights"]
    for attribute in leaves:
        attribute.floats[:] = [1.01 * weight for weight in attribute.floats]
    if not leaves:
        first = next(i for i in model.graph.initializer if i.data_type == onnx.TensorProto.FLOAT)
        values = numpy_helper.to_array(first) * np.float32(1.01)
        first.CopyFrom(numpy_helper.from_array(values, first.name))
    onnx.save(model, path)
