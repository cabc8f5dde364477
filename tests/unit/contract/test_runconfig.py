import json
from typing import Any

import pytest

from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import (
    RunConfiguration,
    inference_run,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.structural import Schema, build_schema
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.resources import bot, changed

TOUCHES_THE_MODEL: dict[str, Any] = {
    "exchange.id": "kraken",
    "exchange.endpoint": "http://other:80",
    "symbols": ["ETH/USDT"],
    "timeframe": "15m",
    "model.candidates": ["GradientBoosting"],
    "model.horizonSteps": 6,
    "model.tripleBarrierWidth": 1.5,
    "model.encoderLength": 61,
    "model.seed": 8,
    "model.gradientBoosting.maxIterations": 301,
    "model.gradientBoosting.learningRate": 0.06,
    "model.gradientBoosting.maxLeafNodes": 32,
    "model.gradientBoosting.minSamplesLeaf": 51,
    "model.temporalFusionTransformer.hiddenSize": 17,
    "model.temporalFusionTransformer.attentionHeads": 2,
    "model.temporalFusionTransformer.dropout": 0.2,
    "model.temporalFusionTransformer.learningRate": 0.02,
    "model.temporalFusionTransformer.batchSize": 64,
    "model.temporalFusionTransformer.maxEpochs": 9,
    "model.temporalFusionTransformer.maxStepsPerEpoch": 201,
    "training.lookback": "181d",
}
LEAVES_THE_MODEL: dict[str, Any] = {
    "exchange.credentialsSecret": "keys",
    "mode": "Live",
    "suspend": True,
    "images.training": "x:2",
    "images.treesTraining": "x:2",
    "updateStrategy": "Auto",
    "images.inference": "x:2",
    "model.pinnedVersion": "v1",
    "training.resources.limits": {"memory": "8Gi"},
    "training.resources.requests": {"memory": "2Gi"},
    "training.deadlineSeconds": 3600,
    "training.schedule": "0 3 * * 0",
    "training.timeZone": "Europe/Paris",
    "training.jitterSeconds": 600,
    "training.missedRunPolicy": "RunOnce",
    "training.driftPolicy": "Retrain",
    "training.historyLimit": 5,
    "training.maxModelAge": "14d",
    "training.gate.mode": "Off",
    "training.refit": "Off",
    "training.gate.margin": 0.1,
    "training.gate.championMargin": 0.1,
    "inference.schedule": "*/15 * * * *",
    "inference.timeZone": "Europe/Paris",
    "inference.deadlineSeconds": 60,
    "inference.resources.limits": {"memory": "1Gi"},
    "inference.resources.requests": {"cpu": "60m"},
    "decision.policy": "VolatilityManaged",
    "decision.slippageBps": 7.5,
    "decision.riskMax": 0.8,
    "decision.probMin": 0.6,
    "decision.minExpectedReturn": 0.001,
    "decision.feesBps": 7.5,
    "capital": "500",
    "regimes": [{"name": "BEAR_TREND", "entries": False}],
    "risk.kellyFraction": 0.5,
    "risk.maxPosition": 0.2,
    "risk.maxExposure": 0.6,
    "risk.positionVolatility": 0.01,
    "risk.cvarMax": 0.02,
    "risk.dailyLossCap": 0.02,
    "risk.weeklyLossCap": 0.07,
    "risk.maxDrawdown": 0.2,
    "risk.lossStreak.trades": 5,
    "risk.lossStreak.cooldownCandles": 6,
    "risk.stopCooldownCandles": 3,
    "risk.stopLoss.volatilities": 3,
    "risk.stopLoss.min": 0.01,
    "risk.stopLoss.max": 0.2,
    "risk.takeProfit.volatilities": 3,
    "risk.maxHoldingCandles": 9,
    "risk.resumeAfter": "2026-01-02T03:04:05Z",
    "execution.deadlineSeconds": 30,
    "journal.postgresSecret": "journal",
    "notifications.secret": "telegram",
    "execution.resources.limits": {"memory": "1Gi"},
    "execution.resources.requests": {"cpu": "60m"},
    "storage.existingClaim": "mine",
    "storage.storageClassName": "fast",
    "storage.size": "3Gi",
    "storage.accessMode": "ReadWriteMany",
    "storage.reclaimPolicy": "Retain",
    "pod.labels": {"example.com/team": "quants"},
    "pod.nodeSelector": {"disk": "ssd"},
    "pod.tolerations": [{"operator": "Exists"}],
    "pod.priorityClassName": "high",
    "pod.imagePullSecrets": ["pull"],
    "pod.proxy": "http://proxy.example.com:3128",
    "pod.noProxy": [".svc"],
    "pod.caConfigMap": "roots",
}
ONLY_ONE_VALUE = {"exchange.marketType", "execution.paperFills"}


def _bot_spec(changes: dict[str, Any]) -> TradingBotSpec:
    # Live asks for a secret; that its name changes nothing has a row of its own.
    extra = {"spec.exchange.credentialsSecret": "s"} if "mode" in changes else {}
    resource = changed(bot(), {**extra, **{f"spec.{k}": v for k, v in changes.items()}})
    return TradingBotSpec.model_validate(resource["spec"])


def _training_of(
    spec: TradingBotSpec, image: str = "x:1", champion: str | None = None
) -> ModelTrainingSpec:
    return training_spec_of(
        "btc-paper", spec, image=image, claim="btc-paper-store", champion_version=champion
    )


BASE = training_digest(_training_of(_bot_spec({})))


def _leaves(schema: Schema, path: str = "") -> set[str]:
    """Return the paths of all fields of a schema that have no fields of their own."""
    if "properties" not in schema:
        return {path.removeprefix(".")}
    return set().union(*(_leaves(s, f"{path}.{k}") for k, s in schema["properties"].items()))


@pytest.mark.parametrize("path", TOUCHES_THE_MODEL)
def test_what_touches_the_model_trains_anew(path: str) -> None:
    spec = _bot_spec({path: TOUCHES_THE_MODEL[path]})
    assert training_digest(_training_of(spec)) != BASE


@pytest.mark.parametrize("path", LEAVES_THE_MODEL)
def test_what_does_not_touch_the_model_trains_nothing(path: str) -> None:
    spec = _bot_spec({path: LEAVES_THE_MODEL[path]})
    assert spec != _bot_spec({}), "the row changes something"
    assert training_digest(_training_of(spec)) == BASE


def test_image_and_champion_train_nothing() -> None:
    spec = _bot_spec({})
    assert training_digest(_training_of(spec, image="x:2")) == BASE
    assert training_digest(_training_of(spec, champion="v1")) == BASE


def test_another_release_trains_nothing() -> None:
    """A new field of the model, or a new default, must leave the digest of the old specs alone."""
    assert BASE.startswith("5a6bd411")


def test_the_two_tables_above_name_every_field() -> None:
    named = TOUCHES_THE_MODEL.keys() | LEAVES_THE_MODEL.keys() | ONLY_ONE_VALUE
    assert _leaves(build_schema(TradingBotSpec)) == named


def test_the_same_spec_from_a_server_has_the_same_digests() -> None:
    """The server writes 10 for 10.0, and fills every default."""
    spec = _bot_spec({"decision.feesBps": 10})
    stored = json.loads(json.dumps(_bot_spec({}).to_json()).replace("10.0", "10"))
    again = TradingBotSpec.model_validate(stored)
    assert inference_run("n", "b", spec, "v1").digest == inference_run("n", "b", again, "v1").digest
    assert training_digest(_training_of(again)) == BASE


@pytest.mark.parametrize("path", [p for p in LEAVES_THE_MODEL if p.startswith("decision.")])
def test_a_threshold_changes_the_run_configuration(path: str) -> None:
    before = inference_run("n", "b", _bot_spec({}), "v1")
    after = inference_run("n", "b", _bot_spec({path: LEAVES_THE_MODEL[path]}), "v1")
    assert before.digest != after.digest


def test_run_configurations_survive_their_file() -> None:
    spec = _bot_spec({"pod.nodeSelector": {"disk": "ssd"}, "exchange.credentialsSecret": "keys"})
    training = training_run("trading", "btc-paper-1", _training_of(spec, champion="v1"))
    inference = inference_run("trading", "btc-paper", spec, "v2")
    for run in (training, inference):
        text = json.dumps(run.to_json())
        again = RunConfiguration.model_validate_json(text)
        assert again == run
        assert again.digest == run.digest
    assert training.training is not None
    assert training.training.champion_version == "v1"
    assert inference.inference is not None
    assert inference.inference.model_version == "v2"
