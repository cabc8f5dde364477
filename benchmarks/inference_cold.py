"""`inference-cold`: process start to signal.json, against importing the training stack.

A Temporal Fusion Transformer version (hidden size 16, encoder 60) is trained by the product's own
steps on the test exchange; then `infer` and the imports run in turn, page cache warm for both.
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
from bot_runtime.contract.tradingbot import TradingBotSpec

ROUNDS = 10
BOT = "bench"
IMPORTS = "import torch, lightning, pytorch_forecasting"


def measure() -> list[Figure]:
    """Return the speed-up and the share of memory of a cold inference."""
    with tempfile.TemporaryDirectory() as folder, _exchange() as endpoint:
        work = _Work(Path(folder), _bot(endpoint))
        work.train()
        infer, imports = work.race()
    print(
        f"infer   {median_seconds(infer):6.2f} s {median_mib(infer):6.0f} MiB  (median of {ROUNDS})"
    )
    print(f"imports {median_seconds(imports):6.2f} s {median_mib(imports):6.0f} MiB  {IMPORTS}")
    speed = median_seconds(imports) / median_seconds(infer)
    memory = median_mib(infer) / median_mib(imports)
    return [
        Figure("imports' time / infer's time", speed, 4, at_least=True),
        Figure("infer's memory / imports' memory", memory, 1 / 3, at_least=False),
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

    def train(self) -> None:
        """Train, evaluate, and keep the run configuration that serves the version."""
        claim = claim_name(BOT)
        spec = training_spec_of(BOT, self._bot, image="bench:1", claim=claim, champion_version=None)
        run = training_run("bench", training_name(BOT, training_digest(spec), 1), spec)
        self._write(run)
        steps = [["fetch"], *(["train", "--objective", o] for o in ("Trend", "Return", "Risk"))]
        for step in [*steps, ["evaluate"]]:
            print(f"   {' '.join(step)}: {self._run(*step).seconds:.1f} s", flush=True)
        result = StepResult.model_validate_json(self._message.read_text())
        # Its gate is off: it is promoted only if every unseen row is served as torch has it.
        assert result.evaluation is not None
        assert result.evaluation.promoted, result.evaluation.reasons
        self._write(inference_run("bench", BOT, self._bot, result.evaluation.version))

    def race(self) -> tuple[list[Run], list[Run]]:
        """Run infer and the imports in turn."""
        self._run("infer", "--no-jitter")
        run_process([sys.executable, "-c", IMPORTS], os.environ)
        infer, imports = [], []
        for _ in range(ROUNDS):
            infer.append(self._run("infer", "--no-jitter"))
            imports.append(run_process([sys.executable, "-c", IMPORTS], os.environ))
        return infer, imports

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
