"""`inference-cold`: process start to signal.json, against imports alone; and a warm prediction.

A Temporal Fusion Transformer version (hidden size 16, encoder 60) is trained by the product's own
steps on the test exchange; then `infer` and two sets of imports run in turn, page cache warm for
all: those of training, and the least that a script of one's own would import.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, Run, median_mib, median_seconds, run_process
from benchmarks.trained import SMALL_TRANSFORMER, Trained, bot, exchange
from bot_runtime.contract.steps import AT_ONCE, COMMANDS

ROUNDS = 10
TRAINING = "import torch, lightning, pytorch_forecasting"
SERVING = "import numpy, pandas, onnxruntime, ccxt"
PREDICT = """
import sys, time
from pathlib import Path
import numpy as np
from bot_runtime.features.closes import Closes
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
version = load_version(Store(Path(sys.argv[1])), sys.argv[2])
rows = version.memory_length
features = np.random.default_rng(7).normal(size=(rows, len(version.manifest.inputs.features)))
prices = np.exp(np.cumsum(np.random.default_rng(7).normal(0, 1e-3, rows)))
closes = Closes(60_000, np.zeros(rows, dtype=int), 60_000 * np.arange(rows), prices)
times = []
for _ in range(220):
    started = time.perf_counter()
    version.predict(features, closes)
    times.append(time.perf_counter() - started)
print(1000 * float(np.median(times[20:])))
"""


def measure() -> list[Figure]:
    """Return time and memory of a cold inference beside the imports', and of a warm prediction."""
    with tempfile.TemporaryDirectory() as folder, exchange() as endpoint:
        trained = Trained(Path(folder), bot(endpoint, SMALL_TRANSFORMER))
        version = trained.train()
        infer, training, serving = _race(trained)
        warm = _warm_milliseconds(trained, version)
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


def _race(trained: Trained) -> tuple[list[Run], list[Run], list[Run]]:
    """Run infer and the imports in turn, once for the page cache and then for the figures."""
    runs = [
        (
            trained.run(*COMMANDS["Inference"], AT_ONCE),
            run_process([sys.executable, "-c", TRAINING], os.environ),
            run_process([sys.executable, "-c", SERVING], os.environ),
        )
        for _ in range(1 + ROUNDS)
    ][1:]
    infer, training, serving = zip(*runs, strict=True)
    return list(infer), list(training), list(serving)


def _warm_milliseconds(trained: Trained, version: str) -> float:
    """Return the median time of a prediction of all three objectives at one candle."""
    command = [sys.executable, "-c", PREDICT, str(trained.store), version]
    return float(subprocess.check_output(command, env=trained.environment()))
