"""A training whose process is ended goes on after its last epoch, and ends with the same model."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.contract.names import ENV_CONFIG, ENV_STORE
from bot_runtime.contract.progress import last_progress
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import market_candles, model_spec, prepare_training

EPOCHS = 8
MODEL = {
    "candidates": ("TemporalFusionTransformer",),
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

    def end_in_epoch(self, epoch: int, how: signal.Signals) -> int:
        """Run the step, send it a signal when it tells of this epoch, and return its exit code."""
        with self.pod() as process:
            assert process.stdout is not None
            for line in process.stdout:
                if f"epoch {epoch} of {EPOCHS}" in line:
                    process.send_signal(how)
                    break
            process.stdout.read()
        return process.returncode

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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[int], Any]:
    """Return the epochs and the digest of a training that nobody interrupts."""
    training = Training(tmp_path_factory.mktemp("whole"))
    return epochs_of(training.run()), training.digest()


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_interrupted_training_goes_on_and_ends_as_if_it_had_not_been(
    whole: tuple[list[int], Any], tmp_path: Path, how: signal.Signals, code: int
) -> None:
    training = Training(tmp_path)
    assert training.end_in_epoch(4, how) == code
    left = training.store.checkpoints("bot-1", "Return")
    assert (left / "TemporalFusionTransformer").is_file()
    assert not training.store.objective("bot-1", "Return").exists()

    told = epochs_of(training.run())
    assert whole[0][0] == 1
    assert told[0] >= 3
    assert told[-1] == whole[0][-1]
    assert training.digest() == whole[1]
    assert not left.exists()
