"""A training whose process is killed goes on after its last epoch, and ends with the same model."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot_runtime.contract.names import ENV_CONFIG, ENV_STORE
from bot_runtime.contract.progress import last_progress
from bot_runtime.store import Store, save_json
from tests.unit.bot_runtime.learning import market_candles, model_spec, prepare_training

EPOCHS = 8
MODEL = {
    "candidates": ("GradientBoosting", "TemporalFusionTransformer"),
    "temporalFusionTransformer": {
        "hiddenSize": 4,
        "maxEpochs": EPOCHS,
        "maxStepsPerEpoch": 10,
        "batchSize": 32,
    },
}


class Training:
    """The step of one objective as the Job's pods run it, on a store of its own."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root / "store")
        configuration = prepare_training(self.store, market_candles(1000), model_spec(**MODEL))
        self._config = root / "run.json"
        save_json(self._config, configuration.to_json())

    @contextmanager
    def pod(self) -> Iterator["subprocess.Popen[str]"]:
        """Start the step."""
        command = [sys.executable, "-m", "bot_runtime", "train", "--objective", "Return"]
        environment = os.environ | {ENV_CONFIG: str(self._config), ENV_STORE: str(self.store.root)}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            yield process

    def run(self) -> list[dict[str, Any]]:
        """Run the step to its end and return the lines of its log."""
        with self.pod() as process:
            assert process.stdout is not None
            text = process.stdout.read()
        assert process.returncode == 0, text
        last = last_progress(text, "Return")
        assert last is not None
        assert last.fraction == 1.0
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def kill_in_epoch(self, epoch: int) -> None:
        """Run the step and end it without notice when it tells of this epoch."""
        with self.pod() as process:
            assert process.stdout is not None
            for line in process.stdout:
                if f"epoch {epoch} of {EPOCHS}" in line:
                    process.send_signal(signal.SIGKILL)
                    break
            process.stdout.read()
        assert process.returncode == -signal.SIGKILL

    def digest(self) -> Any:
        """Return the digest of what was published."""
        folder = self.store.objective("bot-1", "Return")
        return json.loads((folder / "scores.json").read_text())["result"]["artifactSha256"]


def epochs_of(lines: list[dict[str, Any]]) -> list[int]:
    """Return the epochs of the network that a log tells of."""
    return [
        line["epoch"]
        for line in lines
        if "TemporalFusionTransformer: epoch" in line.get("message", "")
    ]


def test_killed_training_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole, killed = Training(tmp_path / "whole"), Training(tmp_path / "killed")
    uninterrupted = epochs_of(whole.run())
    assert uninterrupted[0] == 1

    killed.kill_in_epoch(4)
    left = killed.store.checkpoints("bot-1", "Return")
    assert (left / "TemporalFusionTransformer").is_file()
    assert not killed.store.objective("bot-1", "Return").exists()

    told = epochs_of(killed.run())
    assert told[0] >= 3
    assert told[-1] == uninterrupted[-1]
    assert killed.digest() == whole.digest()
    assert not left.exists()
