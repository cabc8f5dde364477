"""Builders for tests of the runtime: candles, a published version, run configurations."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bot_runtime.contract.runconfig import (
    RunConfiguration,
    inference_run,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.features.indicators import FEATURES
from bot_runtime.learning.datasets import inputs_of
from bot_runtime.market.candles import Candles
from bot_runtime.store.bundle import (
    ConformalBand,
    Graph,
    Naive,
    ObjectiveManifest,
    Platt,
    RiskCombination,
    RiskScale,
    VersionManifest,
)
from bot_runtime.store.files import save_json, sha256_of
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS

COMBINATION = RiskCombination(
    level=0.2, variances=(1e-8, 0.2, 0.3, 0.3, 0.2), logarithms=(0.1, 0.2, 0.3, 0.1)
)
NAIVE = Naive(base_rate=0.52, quantiles=(-3.0, 0.1, 3.0))
START_MS = 1_700_000_000_000 // MINUTE_MS * MINUTE_MS


def random_candles(count: int, seed: int = 1, interval_ms: int = MINUTE_MS) -> Candles:
    """Return a random walk's candles that obey every rule of a candle."""
    draw = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(draw.normal(0, 0.002, count)))
    open_ = np.concatenate(([100.0], close))[:count]
    high = np.maximum(open_, close) * (1 + draw.uniform(0, 0.001, count))
    low = np.minimum(open_, close) * (1 - draw.uniform(0, 0.001, count))
    times = START_MS + np.arange(count, dtype=np.int64) * interval_ms
    return Candles(interval_ms, times, open_, high, low, close, draw.lognormal(2, 1, count))


def without(candles: Candles, *rows: int) -> Candles:
    """Return the candles less the given rows."""
    keep = np.setdiff1d(np.arange(len(candles)), rows)
    columns = ("open", "high", "low", "close", "volume")
    return Candles(
        candles.interval_ms,
        candles.open_time_ms[keep],
        *(getattr(candles, name)[keep] for name in columns),
    )


def bot_spec(endpoint: str | None = None, **changes: Any) -> TradingBotSpec:
    """Return a useful bot's spec with some fields changed."""
    spec: dict[str, Any] = {
        "exchange": {"id": "binance", **({"endpoint": endpoint} if endpoint else {})},
        "symbols": ["BTC/USDT"],
        "timeframe": "1m",
        "mode": "Paper",
        "training": {"lookback": "1d"},
    }
    return TradingBotSpec.model_validate(spec | changes)


def training_configuration(spec: TradingBotSpec) -> RunConfiguration:
    """Return the run configuration of the training that the bot wants."""
    training = training_spec_of("bot", spec, image="local:none", claim="c", champion_version=None)
    return training_run("default", f"bot-{training_digest(training)[:8]}", training)


def inference_configuration(spec: TradingBotSpec, version: str) -> RunConfiguration:
    """Return the run configuration that serves a version."""
    return inference_run("default", "bot", spec, version)


def publish_version(
    store: Store,
    spec: TradingBotSpec,
    *,
    score: float = 3.0,
    slope: float = 0.0,
    combination: RiskCombination | None = None,
) -> str:
    """Publish a version of three real, linear graphs, and return its name.

    The trend's score is `score` and `slope` times the last return, the return's quantiles are 2, 3
    and 4 of the volatility with the score's sign, the risk's log ratio is 0.
    Without a combination it is as earlier releases have published theirs, of format 1.
    """
    inputs = inputs_of(training_configuration(spec))
    sign = float(np.sign(score))
    parts: tuple[tuple[Any, list[float], Any], ...] = (
        ("Trend", [score], Platt(slope=1.0, intercept=0.0, rows=500)),
        ("Return", [2 * sign, 3 * sign, 4 * sign], ConformalBand(lower=0, upper=0, rows=500)),
        ("Risk", [0.0], RiskScale(knots=(1e-5, 1.0), rows=500, combination=combination)),
    )
    folder = store.root / "new"
    folder.mkdir(parents=True)
    objectives = []
    for name, outputs, calibration in parts:
        file = f"{name.lower()}.onnx"
        save_graph(folder / file, len(inputs.features), outputs, slope if name == "Trend" else 0.0)
        objectives.append(
            ObjectiveManifest(
                objective=name,
                algorithm="GradientBoosting",
                inputs=inputs,
                window_length=1,
                seen_until_ms=0,
                graphs=(Graph(file=file, sha256=sha256_of(folder / file)),),
                calibration=calibration,
            )
        )
    naive = None if combination is None else NAIVE
    manifest = VersionManifest(training="bot-1", objectives=tuple(objectives), naive=naive)
    save_json(folder / "manifest.json", manifest.to_json())
    store.version(manifest.version).parent.mkdir(parents=True, exist_ok=True)
    folder.rename(store.version(manifest.version))
    return manifest.version


def save_graph(path: Path, features: int, outputs: list[float], slope: float = 0.0) -> None:
    """Write a graph that answers the given outputs, and `slope` times the last return, each row."""
    weights = np.zeros((features, len(outputs)), dtype=np.float32)
    weights[FEATURES.index("return_1")] = slope
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array(outputs, dtype=np.float32), "bias"),
    ]
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["rows", "weights", "bias"], ["outputs"])],
        "linear",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["n", len(outputs)])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
