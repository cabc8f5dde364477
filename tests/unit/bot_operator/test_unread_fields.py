"""A field that an image of an earlier release does not read is refused before a Job is made."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot_operator.api.resources import (
    CONFIG_MAPS,
    CRON_JOBS,
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    Manifest,
    condition_of,
    name_of,
)
from bot_runtime.contract.names import CONFIG_FILE
from bot_runtime.contract.runconfig import NEWER_FIELDS
from tests import resources
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

NEWER = replace(
    SETTINGS, training_image="example.org/train:2", inference_image="example.org/infer:2"
)
REFUSED = ("True", "ImageTooOld")
MANAGED = {"decision__policy": "VolatilityManaged"}


def forget_what_is_read(world: World) -> None:
    """Leave every status as an operator of the first release writes it."""
    for bot in world.kube.all(TRADING_BOTS):
        world.kube.put({**bot, "status": _as_of_the_first(bot["status"])})
    for training in world.kube.all(MODEL_TRAININGS):
        world.kube.put({**training, "status": _as_of_the_first(training.get("status", {}))})


def _as_of_the_first(status: Manifest) -> Manifest:
    kept = {k: v for k, v in status.items() if k != "imageReads"}
    for part in ("images", "availableImages"):
        if part in kept:
            kept[part] = {k: v for k, v in kept[part].items() if k != "reads"}
    return kept


async def upgrade(world: World, release: Any = NEWER) -> None:
    world.settings = release
    world.restart()
    await world.settle()


async def bot_of_the_first_release(*, decides: bool = True, **spec: Any) -> World:
    """Return a bot that an operator of the first release began, under this one."""
    world = World()
    world.running = decides
    world.add_bot()
    if spec:
        world.change_bot(**spec)
    await world.settle()
    if decides:
        await decide(world)
    forget_what_is_read(world)
    await upgrade(world)
    return world


async def decide(world: World) -> None:
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")


def objects(world: World) -> dict[str, str]:
    return {k: v for k, v in world.versions().items() if not k.startswith("TradingBot/")}


def run_configuration(world: World) -> Any:
    (cron_job,) = world.kube.all(CRON_JOBS)
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    name = next(v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v)
    return json.loads(world.kube.one(CONFIG_MAPS, name)["data"][CONFIG_FILE])


@pytest.mark.parametrize("field", ["policy", "slippageBps"])
async def test_a_bot_that_decides_goes_on_and_says_what_to_do(field: str) -> None:
    world = await bot_of_the_first_release()
    before = objects(world)
    value: Any = "VolatilityManaged" if field == "policy" else 7
    world.change_bot(**{f"decision__{field}": value})
    await world.settle()
    assert objects(world) == before
    assert world.condition("Stalled") == REFUSED
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("InferenceScheduled") == ("True", "CronJobApplied")
    assert world.message_of("Stalled") == (
        "the bot's images are of an earlier release (example.org/train:1.0.0, "
        f"example.org/infer:1.0.0) and do not read spec.decision.{field}; set updateStrategy: "
        "Auto, name newer images in spec.images, or leave out what they do not read; until then "
        "the bot decides without it and trains nothing"
    )
    told = [e for e in world.kube.all(EVENTS) if e["reason"] == "ImageTooOld"]
    assert [e["type"] for e in told] == ["Warning"]
    await decide(world)
    assert field not in run_configuration(world)["decision"]


async def test_the_rest_of_the_spec_still_counts() -> None:
    world = await bot_of_the_first_release()
    world.change_bot(**MANAGED, decision__riskMax=0.5)
    await world.settle()
    assert run_configuration(world)["decision"]["riskMax"] == 0.5
    assert "policy" not in run_configuration(world)["decision"]
    world.change_bot(suspend=True)
    await world.settle()
    assert world.kube.all(CRON_JOBS)[0]["spec"]["suspend"] is True
    world.change_bot(suspend=False)
    await world.settle()
    await decide(world)


async def test_nothing_is_trained_until_it_is_mended() -> None:
    world = await bot_of_the_first_release()
    world.change_bot(**MANAGED, model__seed=8)
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    assert world.condition("Stalled") == REFUSED
    world.change_bot(updateStrategy="Auto")
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 2
    assert world.training()["spec"]["decision"]["policy"] == "VolatilityManaged"
    assert world.training()["spec"]["image"] == NEWER.training_image


NAMED = {"training": "example.org/mine:1", "inference": "example.org/mine:2"}


@pytest.mark.parametrize(
    "mended", [{"updateStrategy": "Auto"}, {"images": NAMED}], ids=["Auto", "named"]
)
async def test_it_is_accepted_once_newer_images_are_taken(mended: Any) -> None:
    world = await bot_of_the_first_release()
    world.change_bot(**MANAGED)
    await world.settle()
    world.change_bot(**mended)
    await world.settle()
    assert world.condition("Stalled")[0] == "False"
    assert run_configuration(world)["decision"]["policy"] == "VolatilityManaged"
    assert world.status()["images"]["reads"] == list(NEWER_FIELDS)
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    await decide(world)


async def test_the_default_value_mends_it_too() -> None:
    world = await bot_of_the_first_release()
    before = objects(world)
    world.change_bot(**MANAGED)
    await world.settle()
    world.change_bot(decision__policy="Thresholds")
    await world.settle()
    assert world.condition("Stalled")[0] == "False"
    assert objects(world) == before


async def test_both_images_must_read_it() -> None:
    world = await bot_of_the_first_release()
    world.change_bot(**MANAGED, images__inference="example.org/mine:2")
    await world.settle()
    assert world.condition("Stalled") == REFUSED
    assert "(example.org/train:1.0.0)" in world.message_of("Stalled")
    assert "policy" not in run_configuration(world)["decision"]


async def test_a_bot_that_does_not_decide_yet_begins_nothing() -> None:
    """Its first training was begun without the field, and ends."""
    world = await bot_of_the_first_release(decides=False)
    world.change_bot(**MANAGED)
    await world.settle()
    assert world.status()["state"] == "Stalled"
    assert world.condition("Ready") == ("False", "ImageTooOld")
    world.running = True
    await world.settle()
    assert len(world.kube.created(JOBS)) == 5
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    assert world.condition("InferenceScheduled") == ("False", "ImageTooOld")
    assert world.kube.all(CRON_JOBS) == []
    assert world.status()["state"] == "Stalled"
    assert world.message_of("Stalled").endswith("until then nothing begins")
    world.change_bot(updateStrategy="Auto")
    await world.settle()
    await decide(world)
    assert run_configuration(world)["decision"]["policy"] == "VolatilityManaged"


async def test_a_training_that_failed_is_not_tried_again_until_it_is_mended() -> None:
    world = World(failing={"Data": {"exitCode": 75, "reason": "Error", "message": ""}})
    world.add_bot()
    await world.settle()
    forget_what_is_read(world)
    await upgrade(world)
    world.change_bot(**MANAGED)
    await world.settle()
    world.pass_time(24 * 3600)
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    assert world.condition("Stalled") == REFUSED
    world.failing.clear()
    world.change_bot(updateStrategy="Auto")
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 2
    await decide(world)


async def test_a_release_with_the_bots_own_images_reads_all_again() -> None:
    """An operator of the first release takes what is read out of the status."""
    world = World()
    world.add_bot()
    world.change_bot(**MANAGED)
    await world.settle()
    await decide(world)
    forget_what_is_read(world)
    before = objects(world)
    await upgrade(world, SETTINGS)
    assert world.condition("Stalled")[0] == "False"
    assert objects(world) == before
    assert world.status()["images"]["reads"] == list(NEWER_FIELDS)


async def test_images_that_a_later_release_keeps_read_what_they_read() -> None:
    world = World()
    world.add_bot()
    world.change_bot(**MANAGED)
    await world.settle()
    await decide(world)
    before = objects(world)
    await upgrade(world)
    assert world.status()["images"]["inference"] == SETTINGS.inference_image
    assert world.status()["images"]["reads"] == list(NEWER_FIELDS)
    assert world.condition("Stalled")[0] == "False"
    assert objects(world) == before


async def test_an_upgrade_writes_nothing_where_nothing_is_new() -> None:
    world = await bot_of_the_first_release()
    before = world.versions()
    await upgrade(world)
    assert world.versions() == before
    assert "reads" not in world.status()["images"]
    assert world.status()["availableImages"]["reads"] == list(NEWER_FIELDS)


def add_study(world: World, **spec: Any) -> None:
    study = resources.training(decision={"policy": "VolatilityManaged"}, **spec)
    study["metadata"]["namespace"] = NAMESPACE
    world.kube.put(study)


def study_condition(world: World, kind: str) -> tuple[str, str]:
    found = condition_of(world.training(), kind)
    assert found is not None
    return found["status"], found["reason"]


async def test_a_training_of_a_persons_reads_what_its_release_reads() -> None:
    world = World()
    add_study(world)
    await world.settle()
    assert world.training()["status"]["state"] == "Promoted"
    assert world.training()["status"]["imageReads"] == list(NEWER_FIELDS)


async def test_a_training_goes_on_under_a_later_release_as_it_began() -> None:
    world = World(running=False)
    add_study(world)
    await world.settle()
    await upgrade(world)
    world.running = True
    await world.settle()
    assert world.training()["status"]["state"] == "Promoted"
    assert world.training()["status"]["image"] == SETTINGS.training_image


@pytest.mark.parametrize("spec", [{}, {"image": "example.org/mine:1"}], ids=["unset", "named"])
async def test_a_training_that_an_earlier_release_began_without_the_field_begins_no_more_steps(
    spec: Any,
) -> None:
    """The CRDs come first: the operator of the first release passes over what it does not know."""
    world = World(running=False)
    add_study(world, **spec)
    asked = world.training()["spec"]
    world.kube.put({**world.training(), "spec": {**asked, "decision": {}}})
    await world.settle()
    world.kube.put({**world.training(), "spec": asked})
    forget_what_is_read(world)
    await upgrade(world)
    assert study_condition(world, "Stalled") == REFUSED
    world.running = True
    await world.settle()
    assert [name_of(j) for j in world.kube.all(JOBS)] == ["study-data"]
    steps = world.training()["status"]["steps"]
    assert [s["state"] for s in steps if s["name"] == "Data"] == ["Succeeded"]
    found = condition_of(world.training(), "Stalled")
    assert found is not None
    assert found["message"] == (
        "the training was begun by an earlier release whose image "
        f"({spec.get('image', SETTINGS.training_image)}) does not read spec.decision.policy; "
        "create another training, and delete this one"
    )


async def test_a_training_that_has_not_begun_takes_an_image_that_reads_it() -> None:
    world = World()
    add_study(world, exchange={"id": "binance", "credentialsSecret": "keys"})
    await world.settle()
    assert world.training()["status"]["image"] == SETTINGS.training_image
    forget_what_is_read(world)
    await upgrade(world)
    world.add_secret("keys")
    world.wake_all()
    world.pass_time(3600)
    await world.settle()
    assert world.training()["status"]["state"] == "Promoted"
    assert world.training()["status"]["image"] == NEWER.training_image
