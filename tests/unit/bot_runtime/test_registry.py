"""An environment without torch says so before anything runs, and how it is added."""

import shlex
import sys
from pathlib import Path
from typing import get_args

import pytest

from bot_runtime.command_line import main
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.spec import WITHOUT_TORCH, Algorithm, ModelSpec
from bot_runtime.learning.models import registry
from bot_runtime.learning.models.registry import check_installed
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.train import train
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import bot_spec, training_configuration

BOT = """
apiVersion: botcripto.io/v1alpha1
kind: TradingBot
metadata: {name: btc-paper}
spec:
  exchange: {id: binance, endpoint: "http://127.0.0.1:9"}
  symbols: [BTC/USDT]
  timeframe: 1m
  mode: Paper
"""


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


def test_what_the_operator_trains_without_torch_needs_none() -> None:
    """The registry knows the library, the contract whom the small image is for."""
    without = {name for name in get_args(Algorithm) if registry._KINDS[name].library != "torch"}
    assert without == WITHOUT_TORCH


def test_every_candidate_can_be_trained_where_everything_is_installed() -> None:
    check_installed(ModelSpec().candidates)


@pytest.mark.usefixtures("no_torch")
def test_trees_need_no_torch() -> None:
    check_installed(["GradientBoosting"])


@pytest.mark.usefixtures("no_torch")
def test_a_bot_that_names_the_transformer_is_told_the_command_that_adds_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = tmp_path / "bot.yaml", tmp_path / "store"
    file.write_text(BOT)
    assert main(["run", str(file), "--store", str(store)]) == ExitCode.CONFIGURATION
    told = capsys.readouterr().out
    assert "spec.model.candidates: TemporalFusionTransformer needs torch" in told
    assert told.rstrip().endswith("; or write candidates: [GradientBoosting]")
    command = shlex.split(told.partition("add it: ")[2].partition(";")[0])
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert "torch==" in Path(command[-1]).read_text()
    assert not store.exists()


@pytest.mark.usefixtures("no_torch")
def test_an_image_without_torch_names_the_target_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_LOCK", Path("/opt/requirements/train.txt"))
    with pytest.raises(ConfigurationError, match="run an image of the target train; or write"):
        check_installed(["GradientBoosting", "TemporalFusionTransformer"])


@pytest.mark.usefixtures("no_torch")
def test_a_training_step_ends_before_it_reads_a_candle(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="needs torch"):
        train(training_configuration(bot_spec()), "Trend", store, Reporter("Trend"))
