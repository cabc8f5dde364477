"""A version that the product's own steps have trained on the test exchange, in its own store."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Run, run_process
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
from bot_runtime.contract.steps import COMMANDS, TRAINING_STEPS
from bot_runtime.contract.tradingbot import TradingBotSpec

BOT = "bench"
SMALL_TRANSFORMER: dict[str, Any] = {
    "candidates": ["TemporalFusionTransformer"],
    "encoderLength": 60,
    "temporalFusionTransformer": {"hiddenSize": 16, "maxEpochs": 1, "maxStepsPerEpoch": 40},
}


@contextmanager
def exchange() -> Iterator[str]:
    """Serve the generated market at 1m, and give its address."""
    command = [
        sys.executable, "-m", "bot_exchange", "serve", "--port=0", "--timeframe=1m", "--seed=7",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def bot(endpoint: str, model: dict[str, Any]) -> TradingBotSpec:
    """Return a bot with a model that is trained within a minute; no gate."""
    return TradingBotSpec.model_validate(
        {
            "exchange": {"id": "binance", "endpoint": endpoint},
            "symbols": ["BTC/USDT"],
            "timeframe": "1m",
            "mode": "Paper",
            "model": model,
            "training": {"lookback": "3d", "gate": {"mode": "Off"}},
        }
    )


class Trained:
    """One store, one bot, the steps of a training."""

    def __init__(self, folder: Path, spec: TradingBotSpec) -> None:
        self.store = folder / "store"
        self._folder, self._bot = folder, spec
        self._message = folder / "message.json"

    def train(self) -> str:
        """Train, evaluate, keep the run configuration that serves the version, and return it."""
        claim = claim_name(BOT)
        spec = training_spec_of(BOT, self._bot, image="bench:1", claim=claim, champion_version=None)
        run = training_run("bench", training_name(BOT, training_digest(spec), 1), spec)
        self._write(run)
        for step in TRAINING_STEPS:
            command = COMMANDS[step]
            print(f"   {' '.join(command)}: {self.run(*command).seconds:.1f} s", flush=True)
        result = StepResult.model_validate_json(self._message.read_text())
        # Its gate is off: it is promoted only if every unseen row is served as it was trained.
        assert result.evaluation is not None
        assert result.evaluation.promoted, result.evaluation.reasons
        self._write(inference_run("bench", BOT, self._bot, result.evaluation.version))
        return result.evaluation.version

    def run(self, *arguments: str) -> Run:
        """Run a command of the runtime on the store."""
        return run_process([sys.executable, "-m", "bot_runtime", *arguments], self.environment())

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the runtime's commands."""
        return {
            **os.environ,
            ENV_STORE: str(self.store),
            ENV_CONFIG: str(self._folder / "run.json"),
            ENV_TERMINATION: str(self._message),
        }

    def _write(self, run: RunConfiguration) -> None:
        self.store.mkdir(parents=True, exist_ok=True)
        (self._folder / "run.json").write_text(json.dumps(run.to_json()), encoding="utf-8")
