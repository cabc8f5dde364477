"""One YAML to a signal: the main story, on trees and on a Temporal Fusion Transformer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot_runtime.contract.names import (
    CONTAINER_NAME,
    LABEL_BOT,
    LABEL_TRAINING,
    TRADE_CONTAINER_NAME,
)
from tests.e2e.world import SECRET, World
from tests.eventually import eventually

MINI_TFT = {
    "candidates": ["GradientBoosting", "TemporalFusionTransformer"],
    "encoderLength": 24,
    "temporalFusionTransformer": {
        "hiddenSize": 8,
        "maxEpochs": 3,
        "maxStepsPerEpoch": 60,
        "batchSize": 64,
    },
}


@pytest.fixture(scope="module")
def trees(world: World) -> str:
    """A bot on the market where trees win, with credentials, trained and deciding."""
    name = "trees"
    world.create_secret(SECRET)
    world.apply(world.bot(name, "trees", exchange={"credentialsSecret": SECRET}))
    world.wait(name, "Ready", 420)
    return name


def test_the_bot_is_ready_with_a_model_of_three_objectives(world: World, trees: str) -> None:
    status = world.status(trees)
    model = status["activeModel"]
    assert model["version"].startswith(f"{trees}-")
    assert {o["name"] for o in model["objectives"]} == {"Trend", "Return", "Risk"}
    assert all(o["metrics"] for o in model["objectives"])
    assert len({o["artifactSha256"] for o in model["objectives"]}) == 3
    by_type = {c["type"]: c for c in status["conditions"]}
    for kind in ("SecretsValid", "StorageReady", "ModelAvailable", "InferenceScheduled"):
        assert by_type[kind]["status"] == "True", by_type[kind]
    assert by_type["Reconciling"]["status"] == "False"
    assert by_type["Stalled"]["status"] == "False"


def test_the_signal_comes_from_a_pod_of_the_cron_job(world: World, trees: str) -> None:
    signal = world.status(trees)["lastSignal"]
    pods = world.all("pods", f"{LABEL_BOT}={trees}")
    pod = next(p for p in pods if p["metadata"]["uid"] == signal["producedBy"])
    job = _owner(world, pod)
    cron_job = _owner(world, job)
    bot = _owner(world, cron_job)
    assert (job["kind"], cron_job["kind"], bot["kind"]) == ("Job", "CronJob", "TradingBot")


def test_the_signal_is_of_the_newest_closed_candle_and_says_its_provenance(
    world: World, trees: str
) -> None:
    status = world.status(trees)
    signal = status["lastSignal"]
    closed_at = datetime.fromisoformat(signal["barCloseTs"])
    decided_at = datetime.fromisoformat(signal["ts"])
    assert timedelta(0) <= decided_at - closed_at < timedelta(seconds=90)
    assert signal["modelVersion"] == status["activeModel"]["version"]
    assert signal["gitCommit"] not in {"", "latest"}
    assert signal["decision"] in {"LONG", "SHORT", "NO_TRADE"}


def test_every_minute_brings_a_new_signal(world: World, trees: str) -> None:
    first = world.status(trees)["lastSignal"]["barCloseTs"]
    newer = eventually(
        lambda: _newer(world.status(trees)["lastSignal"]["barCloseTs"], first), timeout=150
    )
    assert newer is not None
    assert datetime.fromisoformat(newer) <= datetime.now(UTC)


def test_the_bot_carries_no_annotation_that_its_user_did_not_write(
    world: World, trees: str
) -> None:
    bot = world.get("tradingbot", trees)
    assert bot is not None
    assert bot["metadata"].get("annotations", {}) == {}
    assert bot["metadata"].get("finalizers", []) == []


def test_the_bot_trades_on_paper_beside_its_decisions(world: World, trees: str) -> None:
    eventually(lambda: world.status(trees)["trading"]["account"]["equity"])
    for kind in ("TradingAllowed", "Reconciled"):
        condition = world.condition(trees, kind)
        assert condition["status"] == "True", condition
    pods = world.all("pods", f"{LABEL_BOT}={trees}")
    last = world.status(trees)["lastSignal"]["producedBy"]
    (pod,) = (p for p in pods if p["metadata"]["uid"] == last)
    containers = {c["name"]: c["image"] for c in pod["spec"]["containers"]}
    assert containers == dict.fromkeys(
        (CONTAINER_NAME, TRADE_CONTAINER_NAME), world.images.inference
    )


def test_all_pods_are_restricted_and_hold_no_api_token(world: World, trees: str) -> None:
    pods = world.all("pods", f"{LABEL_BOT}={trees}")
    assert pods
    for pod in pods:
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert "serviceaccount" not in json.dumps(container.get("volumeMounts", []))
            name = container["image"].rsplit("/", 1)[-1]
            assert "@sha256:" in name or (":" in name and not name.endswith(":latest"))


def test_exactly_five_jobs_were_created(world: World, trees: str) -> None:
    training = world.status(trees)["activeModel"]["training"]
    creations = world.job_creations(training)
    assert sorted(creations) == sorted(
        f"{training}-{step}" for step in ("data", "trend", "return", "risk", "evaluation")
    )


def test_trees_are_trained_by_the_image_without_torch(world: World, trees: str) -> None:
    status = world.status(trees)
    assert status["images"]["treesTraining"] == world.images.trees_training
    assert status["images"]["training"] == world.images.training
    jobs = world.all("jobs", f"{LABEL_TRAINING}={status['activeModel']['training']}")
    pods = [job["spec"]["template"]["spec"] for job in jobs]
    images = {c["image"] for pod in pods for c in pod["containers"]}
    assert images == {world.images.trees_training}


def test_a_market_that_the_transformer_learns_better_is_served_by_it(world: World) -> None:
    name = "sequence"
    world.apply(
        world.bot(
            name, "sequence", model={**MINI_TFT, "gradientBoosting": {"maxIterations": 40}},
            training={"gate": {"mode": "Off"}},
        )
    )  # fmt: skip
    world.wait(name, "Ready", 600)
    status = world.status(name)
    algorithms = {o["name"]: o["algorithm"] for o in status["activeModel"]["objectives"]}
    assert algorithms["Trend"] == "TemporalFusionTransformer", status["activeModel"]
    training = world.status(status["activeModel"]["training"], "modeltraining")
    assert training["image"] == world.images.training
    assert status["lastSignal"]["modelVersion"] == status["activeModel"]["version"]
    world.delete("tradingbot", name)


def _owner(world: World, item: dict[str, Any]) -> dict[str, Any]:
    reference = next(r for r in item["metadata"]["ownerReferences"] if r.get("controller"))
    found = world.get(reference["kind"].lower(), reference["name"])
    assert found is not None, reference
    assert found["metadata"]["uid"] == reference["uid"]
    return found


def _newer(value: str, than: str) -> str | None:
    return value if datetime.fromisoformat(value) > datetime.fromisoformat(than) else None
