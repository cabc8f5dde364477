"""What the operator's pods run: the runtime takes each command for the step that is meant."""

from typing import Any

import pytest

from bot_operator.api.resources import Manifest
from bot_operator.modeltraining.objects import JobContext, build_job
from bot_operator.tradingbot.objects import Serving, build_cron_job
from bot_runtime.command_line import main
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import inference_run, training_run
from bot_runtime.contract.steps import COMMANDS, TRAINING_STEPS
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.resources import bot, changed, training

BOT = TradingBotSpec.model_validate(bot()["spec"])
TRAINING = ModelTrainingSpec.model_validate(
    changed(training(), {"spec.exchange.credentialsSecret": "keys"})["spec"]
)


def _owner(kind: str) -> Manifest:
    metadata = {"name": "btc", "namespace": "trading", "uid": "1"}
    return {"apiVersion": "botcripto.io/v1alpha1", "kind": kind, "metadata": metadata}


def _pods() -> dict[str, Manifest]:
    """Return the pod of every Job of a training, and of a bot's runs, by step."""
    context = JobContext(
        _owner("ModelTraining"), TRAINING, "x:1", training_run("trading", "btc", TRAINING)
    )
    pods: dict[str, Manifest] = {
        step: build_job(context, step)["spec"]["template"]["spec"] for step in TRAINING_STEPS
    }
    run = inference_run("trading", "btc", BOT, "btc-0a1b2c3d-0a1b2c3d")
    serving = Serving(run, "x:1", "*/5 * * * *", "UTC", 300.0, suspend=False, trades=True)
    cron_job = build_cron_job(_owner("TradingBot"), BOT, serving)
    return {**pods, "Inference": cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]}


def _commands() -> dict[str, list[str]]:
    pods = _pods()
    commands = {step: pod["containers"][0]["command"] for step, pod in pods.items()}
    return {
        **commands,
        "Preflight": pods["Data"]["initContainers"][0]["command"],
        "Trade": pods["Inference"]["containers"][1]["command"],
    }


def test_every_pod_runs_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, bool]] = []

    def run_step(step: str, _: Any, *, at_once: bool) -> int:
        ran.append((step, at_once))
        return 0

    monkeypatch.setattr("bot_runtime.command_line.run_step", run_step)
    monkeypatch.setattr("bot_runtime.command_line.limit_threads", lambda: None)
    for step, command in _commands().items():
        assert command[:3] == ["python", "-m", "bot_runtime"]
        assert main(command[3:]) == 0
        assert ran.pop() == (step, False)
    assert _commands().keys() == COMMANDS.keys()
