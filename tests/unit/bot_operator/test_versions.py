"""Which version is served: promotion, roll back, falling back, age, history."""

import json
from typing import Any

import pytest

from bot_operator.api.resources import (
    CONFIG_MAPS,
    CRON_JOBS,
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    PODS,
    Manifest,
    name_of,
)
from bot_runtime.contract.names import ADOPT_ALLOWED, ENV_PRUNING, ENV_REFIT, LABEL_ADOPT
from bot_runtime.contract.refitting import Refit
from bot_runtime.contract.results import StepResult, to_message
from bot_runtime.contract.retention import Pruning
from bot_runtime.contract.runconfig import RunConfiguration
from tests import resources
from tests.operator_messages import evaluation_message
from tests.unit.bot_operator.test_retraining import DAY, HOUR, live, scheduled_world
from tests.unit.bot_operator.world import NAMESPACE, World

CORRUPT = {"exitCode": 66, "message": "trend.onnx: sha256 differs"}


def active(world: World) -> str:
    return str(world.status()["activeModel"]["version"])


def told(world: World, reason: str) -> list[str]:
    return [e["message"] for e in world.kube.all(EVENTS) if e["reason"] == reason]


async def run(world: World, ended: Manifest | None = None) -> None:
    """Let the CronJob fire once, and end that run well or as told."""
    world.pass_time(60)
    world.failing = {"Inference": ended} if ended else {}
    world.fire()
    await world.settle()


async def two_versions() -> tuple[World, str, str]:
    """Return a world in which a second version has replaced the first, with both names."""
    world = await scheduled_world()
    await run(world)
    first = active(world)
    await live(world, 16 * HOUR)
    assert active(world) != first
    return world, first, active(world)


async def test_a_promotion_tells_old_and_new_version_each_time() -> None:
    world, first, second = await two_versions()
    assert any(f"{first} → {second}" in text for text in told(world, "ModelPromoted"))
    await live(world, DAY)
    third = active(world)
    assert any(f"{second} → {third}" in text for text in told(world, "ModelPromoted"))
    assert world.status()["previousModel"]["version"] == second


async def test_a_version_that_cannot_be_loaded_gives_way_to_the_one_before_it() -> None:
    world, first, second = await two_versions()
    await run(world, CORRUPT)
    assert active(world) == first
    assert world.condition("ModelAvailable") == ("True", "FellBack")
    assert "sha256 differs" in world.message_of("ModelAvailable")
    assert world.condition("Stalled")[0] == "False"
    assert [u["version"] for u in world.status()["unusableVersions"]] == [second]
    texts = told(world, "FellBack")
    assert len([t for t in texts if t.startswith(f"{second} → {first}")]) == 1
    await run(world)
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Degraded") == ("True", "FellBack")


async def test_falling_back_does_not_flap_and_survives_a_restart() -> None:
    world, first, _ = await two_versions()
    await run(world, CORRUPT)
    for _ in range(3):
        world.restart()
        await world.settle()
        await run(world)
        assert active(world) == first
    assert len(told(world, "FellBack")) == 2  # the change of version, and Degraded


async def test_the_next_version_replaces_both() -> None:
    world, first, second = await two_versions()
    await run(world, CORRUPT)
    world.failing.clear()
    await live(world, DAY)
    assert active(world) not in {first, second}
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    assert world.status()["previousModel"]["version"] == first


async def test_where_both_cannot_be_loaded_it_says_so_and_stays() -> None:
    world, first, _ = await two_versions()
    await run(world, CORRUPT)
    await run(world, CORRUPT)
    assert active(world) == first
    assert world.condition("ModelAvailable") == ("False", "VersionUnusable")
    assert world.condition("Stalled") == ("True", "VersionUnusable")
    await run(world)
    assert world.condition("Ready") == ("True", "BotReady")


async def test_pinning_the_version_that_was_put_aside_tries_it_again() -> None:
    world, first, second = await two_versions()
    await run(world, CORRUPT)
    world.change_bot(model__pinnedVersion=second)
    await world.settle()
    assert active(world) == second
    await run(world)
    assert "unusableVersions" not in world.status() or not world.status()["unusableVersions"]
    world.change_bot(model__pinnedVersion=None)
    await world.settle()
    assert active(world) == second
    assert first != second


async def test_another_image_tries_a_version_again_that_the_one_before_could_not_load() -> None:
    """As where inference was kept older than the training that made the version."""
    world, first, second = await two_versions()
    await run(world, CORRUPT)
    await run(world)
    assert active(world) == first
    world.change_bot(images={"inference": "example.org/infer:2.0.0"})
    await world.settle()
    assert active(world) == second
    world.restart()
    await world.settle()
    await run(world)
    assert active(world) == second
    assert world.condition("Ready") == ("True", "BotReady")
    assert not world.status().get("unusableVersions")


async def test_a_version_that_the_next_image_cannot_load_either_gives_way_again() -> None:
    world, first, second = await two_versions()
    await run(world, CORRUPT)
    world.change_bot(images={"inference": "example.org/infer:2.0.0"})
    await world.settle()
    assert active(world) == second  # the failed run of the other image says nothing of this one
    await run(world, CORRUPT)
    assert active(world) == first
    (aside,) = world.status()["unusableVersions"]
    assert (aside["version"], aside["image"]) == (second, "example.org/infer:2.0.0")
    await run(world)
    assert active(world) == first


async def test_a_pinned_version_that_cannot_be_loaded_is_not_replaced_behind_its_back() -> None:
    world, first, _ = await two_versions()
    world.change_bot(model__pinnedVersion=first)
    await world.settle()
    await run(world, CORRUPT)
    assert active(world) == first
    assert world.condition("ModelAvailable") == ("False", "VersionUnusable")


async def test_rolling_back_by_a_pin_tells_both_versions() -> None:
    world, first, second = await two_versions()
    world.change_bot(model__pinnedVersion=first)
    await world.settle()
    assert any(t.startswith(f"{second} → {first}") for t in told(world, "VersionPinned"))
    assert world.status()["previousModel"]["version"] == second


async def test_the_version_becomes_stale_at_its_age_and_is_told_once() -> None:
    world = World()
    world.add_bot()
    world.change_bot(training={"maxModelAge": "7d"})
    await world.operate()
    await world.operate()
    await world.operate()
    assert world.condition("ModelFresh")[0] == "Unknown"
    await world.settle()
    assert world.condition("ModelFresh") == ("True", "WithinMaxAge")
    await live(world, 7 * DAY - 1)
    assert world.condition("ModelFresh") == ("True", "WithinMaxAge")
    await live(world, 2)
    assert world.condition("ModelFresh") == ("False", "Stale")
    await live(world, DAY)
    assert len(told(world, "Stale")) == 1
    world.change_bot(training={"maxModelAge": "9d"})
    await world.settle()
    assert world.condition("ModelFresh") == ("True", "WithinMaxAge")


async def test_without_a_limit_no_version_is_ever_stale() -> None:
    world = await scheduled_world(schedule=None)
    assert world.condition("ModelFresh") == ("True", "NotNeeded")
    assert told(world, "NotNeeded") == []


@pytest.mark.parametrize(("limit", "stay"), [(0, 2), (1, 3), (3, 5)])
async def test_ended_trainings_beyond_the_history_go_but_never_those_in_use(
    limit: int, stay: int
) -> None:
    world = await scheduled_world(historyLimit=limit)
    for _ in range(6):
        await live(world, DAY)
    trainings = {name_of(t) for t in world.kube.all(MODEL_TRAININGS)}
    assert len(trainings) == stay  # the active, the previous, and the history
    for model in ("activeModel", "previousModel"):
        assert world.status()[model]["training"] in trainings


async def test_the_pinned_versions_training_outlives_the_history() -> None:
    world, first, _ = await two_versions()
    pinned = world.status()["previousModel"]["training"]
    world.change_bot(training={"schedule": "0 3 * * *", "historyLimit": 0})
    world.change_bot(model__pinnedVersion=first)
    await world.settle()
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    assert pinned in {name_of(t) for t in world.kube.all(MODEL_TRAININGS)}


async def test_the_run_configuration_of_a_run_that_has_not_ended_stays() -> None:
    world = await scheduled_world()
    world.running = False
    world.fire()
    await world.settle()
    pod = next(p for p in world.kube.all(PODS) if "infer" in name_of(p))
    assert pod["status"]["phase"] == "Running"
    used = next(c for c in world.kube.all(CONFIG_MAPS) if name_of(c).startswith("btc-paper-run-"))
    for n in range(5):
        world.pass_time(1)
        world.change_bot(decision__probMin=0.6 + n / 100)
        await world.settle()
    left = {name_of(c) for c in world.kube.all(CONFIG_MAPS)}
    assert name_of(used) in left
    assert len([name for name in left if name.startswith("btc-paper-run-")]) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"images": {"inference": "example.org/infer:1.0.1", "training": "example.org/train:1.0.1"}},
        {"inference": {"resources": {"limits": {"memory": "1Gi"}}}},
        {"decision": {"probMin": 0.7}},
    ],
)
async def test_another_image_resources_or_thresholds_kill_no_pod_and_train_nothing(
    change: dict[str, Any],
) -> None:
    world = await scheduled_world(schedule=None)
    world.running = False
    world.fire()
    await world.settle()
    pods = {name_of(p): p for p in world.kube.all(PODS)}
    jobs = len(world.kube.created(JOBS))
    world.change_bot(**change)
    await world.settle()
    assert {name_of(p): p for p in world.kube.all(PODS)} == pods
    assert len(world.kube.created(JOBS)) == jobs
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    assert not any(verb == "delete" for verb, *_ in world.kube.writes)
    template = world.kube.all(CRON_JOBS)[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    if "images" in change:
        assert template["containers"][0]["image"] == "example.org/infer:1.0.1"


async def test_symbols_come_and_go_with_the_version_that_knows_them() -> None:
    world = await scheduled_world(schedule=None)
    await run(world)
    first = active(world)
    world.change_bot(symbols=["BTC/USDT", "ETH/USDT"])
    await world.settle()
    assert active(world) != first
    await run(world)
    assert [s["symbol"] for s in world.status()["signals"]] == ["BTC/USDT", "ETH/USDT"]
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    assert [s["symbol"] for s in world.status()["signals"]] == ["ETH/USDT"]
    assert world.status()["lastSignal"]["symbol"] == "ETH/USDT"
    assert len(world.kube.created(MODEL_TRAININGS)) == 3


async def test_the_evaluation_is_told_what_is_in_use_when_it_begins() -> None:
    world, first, second = await two_versions()
    world.change_bot(training={"schedule": "0 3 * * *", "historyLimit": 1})
    await live(world, DAY)
    job = [j for j in world.kube.all(JOBS) if name_of(j).endswith("-evaluation")][-1]
    container = job["spec"]["template"]["spec"]["containers"][0]
    environment = {e["name"]: e["value"] for e in container["env"]}
    pruning = Pruning.model_validate_json(environment[ENV_PRUNING])
    assert pruning == Pruning(bot="btc-paper", keep=tuple(sorted((first, second))), last=1)
    data = next(j for j in world.kube.all(JOBS) if name_of(j).endswith("-data"))
    assert ENV_PRUNING not in str(data)


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({}, Refit(deadline_seconds=21_600)),
        ({"deadlineSeconds": 900}, Refit(deadline_seconds=900)),
        ({"refit": "Off"}, None),
    ],
)
async def test_the_evaluation_alone_is_told_whether_to_fit_once_more(
    training: dict[str, Any], told: Refit | None
) -> None:
    world = World()
    world.add_bot(training=training)
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    for job in world.kube.all(JOBS):
        container = job["spec"]["template"]["spec"]["containers"][0]
        text = {e["name"]: e["value"] for e in container["env"]}.get(ENV_REFIT)
        if name_of(job).endswith("-evaluation") and told is not None:
            assert Refit.model_validate_json(text or "") == told
        else:
            assert text is None
    assert all("refit" not in str(m["data"]) for m in world.kube.all(CONFIG_MAPS))


async def test_another_refit_trains_nothing() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.change_bot(training={"refit": "Off"})
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    assert "refit" not in world.training()["spec"]


def adopting(job: Manifest, run: dict[str, Any]) -> str:
    """Return what the data step leaves where the store has the version already."""
    configuration = RunConfiguration.model_validate(run)
    assert "BOTCRIPTO_ADOPT" in str(job)
    verdict = json.loads(evaluation_message(run, promoted=True))["evaluation"]
    verdict["version"] = "btc-paper-5a6bd411-0badcafe"
    digest = configuration.digest
    return to_message(
        StepResult.model_validate({"step": "Data", "runDigest": digest, "evaluation": verdict})
    )


async def test_a_filled_store_is_adopted_without_training() -> None:
    world = World()
    world.messages["Data"] = lambda job: adopting(job, json.loads(world._run_configuration(job)))
    world.add_bot()
    world.change_bot(storage__existingClaim="kept")
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "kept",
            "namespace": NAMESPACE,
            "labels": {LABEL_ADOPT: ADOPT_ALLOWED},
        },
        "spec": {"resources": {"requests": {"storage": "2Gi"}}},
        "status": {"phase": "Bound"},
    }
    world.kube.put(claim)
    await world.settle()
    assert [name.rsplit("-", 1)[1] for name in world.kube.created(JOBS)] == ["data"]
    assert active(world) == "btc-paper-5a6bd411-0badcafe"
    assert world.status()["activeModel"]["objectives"][0]["metrics"]["logLoss"] == "0.68"
    steps = {s["name"]: s["state"] for s in world.training()["status"]["steps"]}
    assert steps == {"Data": "Succeeded"} | dict.fromkeys(
        ("Trend", "Return", "Risk", "Evaluation"), "Skipped"
    )
    await run(world)
    assert world.condition("Ready") == ("True", "BotReady")


async def test_a_bot_that_has_a_version_asks_for_no_adoption() -> None:
    world = await scheduled_world()
    await live(world, DAY)
    data = [j for j in world.kube.all(JOBS) if name_of(j).endswith("-data")]
    assert ["BOTCRIPTO_ADOPT" in str(job) for job in data] == [True, False]


def add_study(world: World, name: str = "by-hand", **spec: Any) -> None:
    """Let a person train for the bot, into the bot's own store."""
    study = resources.training(
        name,
        botRef={"name": "btc-paper"},
        storage={"existingClaim": "btc-paper-store"},
        **spec,
    )
    study["metadata"]["namespace"] = NAMESPACE
    world.kube.put(study)


async def test_a_persons_promoted_training_of_the_same_is_adopted_and_stays() -> None:
    world = await scheduled_world()
    first = active(world)
    world.pass_time(60)
    add_study(world)
    await world.settle()
    assert active(world).startswith("by-hand-")
    assert any(f"{first} → {active(world)}" in text for text in told(world, "ModelPromoted"))
    await run(world)
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Reconciling")[0] == "False"
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    await live(world, DAY)
    assert not active(world).startswith("by-hand-")
    assert "by-hand" in {name_of(t) for t in world.kube.all(MODEL_TRAININGS)}


async def test_a_bot_whose_own_training_failed_takes_a_persons() -> None:
    world = World()
    world.failing["Trend"] = {"exitCode": 137, "reason": "OOMKilled"}
    world.add_bot()
    await world.settle()
    assert world.condition("Stalled") == ("True", "TrainingFailed")
    world.failing.clear()
    add_study(world)
    await world.settle()
    assert active(world).startswith("by-hand-")
    assert world.condition("Stalled")[0] == "False"


@pytest.mark.parametrize(
    ("promoted", "spec"),
    [(False, {}), (True, {"symbols": ["ETH/USDT"]}), (True, {"lookback": "9d"})],
)
async def test_what_did_not_pass_or_learned_something_else_is_not_adopted(
    promoted: bool,  # noqa: FBT001 - a parameter of the test
    spec: dict[str, Any],
) -> None:
    world = await scheduled_world()
    first = active(world)
    world.pass_time(60)
    world.promoted = promoted
    add_study(world, **spec)
    await world.settle()
    assert active(world) == first
    study = world.kube.one(MODEL_TRAININGS, "by-hand")
    assert study["status"]["state"] == ("Promoted" if promoted else "Rejected")


async def test_of_two_studies_the_newest_is_taken_whatever_was_touched_last() -> None:
    world = World()
    world.failing["Trend"] = {"exitCode": 137, "reason": "OOMKilled"}
    world.add_bot()
    await world.settle()
    world.failing.clear()
    for name in ("older", "newer"):
        world.pass_time(3600)
        study = resources.training(
            name, botRef={"name": "btc-paper"}, storage={"existingClaim": "btc-paper-store"}
        )
        study["metadata"]["namespace"] = NAMESPACE
        world.kube.put(study)
        await world.settle()
    assert world.status()["activeModel"]["training"] == "newer"
    study = world.kube.one(MODEL_TRAININGS, "older")
    metadata = {**study["metadata"], "labels": {"team": "quants"}}
    world.kube.put({**study, "metadata": metadata})
    await world.settle()
    assert world.status()["activeModel"]["training"] == "newer"
