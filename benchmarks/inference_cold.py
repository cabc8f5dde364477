"""`inference-cold`: process start to signal.json, against imports alone; and a warm prediction.

A Temporal Fusion Transformer version (hidden size 16, encoder 60) is trained by the product's own
steps on the test exchange; then `infer` and two sets of imports run in turn, page cache warm for
all: those of training, and the least that a script of one's own would import.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, Run, median_mib, median_seconds, run_process
from bot_runtime.contract.names import (
    ENV_CONFIG,
    ENV_STORE,
    ENV_TERMINATION,
    claim_name,
    training_name,
)
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import (
    RunConfiguration,
    inference_run,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.steps import AT_ONCE, COMMANDS, TRAINING_STEPS
from bot_runtime.contract.tradingbot import TradingBotSpec

ROUNDS = 10
BOT = "bench"
TRAINING = "import torch, lightning, pytorch_forecasting"
SERVING = "import numpy, pandas, onnxruntime, ccxt"
PREDICT = """
import sys, time
from pathlib import Path
import numpy as np
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
version = load_version(Store(Path(sys.argv[1])), sys.argv[2])
rows = version.context_length
features = np.random.default_rng(7).normal(size=(rows, len(version.manifest.inputs.features)))
closes = np.exp(np.cumsum(np.random.default_rng(7).normal(0, 1e-3, rows)))
times = []
for _ in range(220):
    started = time.perf_counter()
    version.predict(features, closes)
    times.append(time.perf_counter() - started)
print(1000 * float(np.median(times[20:])))
"""


def measure() -> list[Figure]:
    """Return time and memory of a cold inference beside the imports', and of a warm prediction."""
    with tempfile.TemporaryDirectory() as folder, _exchange() as endpoint:
        work = _Work(Path(folder), _bot(endpoint))
        version = work.train()
        infer, training, serving = work.race()
        warm = work.warm_milliseconds(version)
    for name, runs in (("infer", infer), (TRAINING, training), (SERVING, serving)):
        print(f"{median_seconds(runs):6.2f} s {median_mib(runs):6.0f} MiB  {name}")
    speed = median_seconds(training) / median_seconds(infer)
    memory = median_mib(infer) / median_mib(training)
    over = median_seconds(infer) / median_seconds(serving)
    return [
        Figure("training imports' time / infer's time", speed, 4, at_least=True),
        Figure("infer's memory / training imports' memory", memory, 1 / 3, at_least=False),
        Figure("infer's time / serving imports' time", over, 1.5, at_least=False),
        Figure("infer's memory, MiB", median_mib(infer), 220, at_least=False),
        Figure("warm prediction, ms", warm, 5, at_least=False),
    ]


def _bot(endpoint: str) -> TradingBotSpec:
    return TradingBotSpec.model_validate(
        {
            "exchange": {"id": "binance", "endpoint": endpoint},
            "symbols": ["BTC/USDT"],
            "timeframe": "1m",
            "mode": "Paper",
            "model": {
                "candidates": ["TemporalFusionTransformer"],
                "encoderLength": 60,
                "temporalFusionTransformer": {
                    "hiddenSize": 16,
                    "maxEpochs": 1,
                    "maxStepsPerEpoch": 40,
                },
            },
            "training": {"lookback": "3d", "gate": {"mode": "Off"}},
        }
    )


@contextmanager
def _exchange() -> Iterator[str]:
    command = [
        sys.executable, "-m", "bot_exchange", "serve", "--port=0", "--timeframe=1m", "--seed=7",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


class _Work:
    """One store, one bot, the steps of a training and the race at the end."""

    def __init__(self, folder: Path, bot: TradingBotSpec) -> None:
        self._folder = folder
        self._bot = bot
        self._message = folder / "message.json"

    def train(self) -> str:
        """Train, evaluate, keep the run configuration that serves the version, and return it."""
        claim = claim_name(BOT)
        spec = training_spec_of(BOT, self._bot, image="bench:1", claim=claim, champion_version=None)
        run = training_run("bench", training_name(BOT, training_digest(spec), 1), spec)
        self._write(run)
        for step in TRAINING_STEPS:
            command = COMMANDS[step]
            print(f"   {' '.join(command)}: {self._run(*command).seconds:.1f} s", flush=True)
        result = StepResult.model_validate_json(self._message.read_text())
        # Its gate is off: it is promoted only if every unseen row is served as torch has it.
        assert result.evaluation is not None
        assert result.evaluation.promoted, result.evaluation.reasons
        self._write(inference_run("bench", BOT, self._bot, result.evaluation.version))
        return result.evaluation.version

    def race(self) -> tuple[list[Run], list[Run], list[Run]]:
        """Run infer and the imports in turn, once for the page cache and then for the figures."""
        runs = [
            (
                self._run(*COMMANDS["Inference"], AT_ONCE),
                run_process([sys.executable, "-c", TRAINING], os.environ),
                run_process([sys.executable, "-c", SERVING], os.environ),
            )
            for _ in range(1 + ROUNDS)
        ][1:]
        infer, training, serving = zip(*runs, strict=True)
        return list(infer), list(training), list(serving)

    def warm_milliseconds(self, version: str) -> float:
        """Return the median time of a prediction of all three objectives at one candle."""
        command = [sys.executable, "-c", PREDICT, str(self._folder / "store"), version]
        return float(subprocess.check_output(command, env=self._environment()))

    def _run(self, *arguments: str) -> Run:
        return run_process([sys.executable, "-m", "bot_runtime", *arguments], self._environment())

    def _environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            ENV_STORE: str(self._folder / "store"),
            ENV_CONFIG: str(self._folder / "run.json"),
            ENV_TERMINATION: str(self._message),
        }

    def _write(self, run: RunConfiguration) -> None:
        (self._folder / "store").mkdir(exist_ok=True)
        (self._folder / "run.json").write_text(json.dumps(run.to_json()), encoding="utf-8")
