"""Images of another release, and a claim that is to grow: what runs is left alone."""

from dataclasses import replace
from typing import Any

import pytest

from bot_operator.api.resources import (
    CLAIMS,
    CRON_JOBS,
    EVENTS,
    MODEL_TRAININGS,
    PODS,
    TRADING_BOTS,
    Manifest,
    name_of,
)
from tests.unit.bot_operator.world import SETTINGS, World

NEWER = replace(
    SETTINGS, training_image="example.org/train:2", inference_image="example.org/infer:2"
)


async def ready_world(**spec: Any) -> World:
    world = World()
    world.add_bot()
    world.change_bot(**spec)
    await world.settle()
    world.fire()
    await world.settle()
    return world


def image_of(world: World) -> str:
    pod = world.kube.all(CRON_JOBS)[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return str(pod["containers"][0]["image"])


def told(world: World, reason: str) -> list[str]:
    return [e["message"] for e in world.kube.all(EVENTS) if e["reason"] == reason]


async def upgrade(world: World, release: Any) -> None:
    world.settings = release
    world.restart()
    await world.settle()


async def test_a_new_release_and_back_changes_nothing_but_what_is_told() -> None:
    world = await ready_world()
    world.running = False
    world.pass_time(60)
    world.fire()
    await world.settle()
    before = {k: v for k, v in world.versions().items() if not k.startswith("TradingBot/")}
    await upgrade(world, NEWER)
    assert {k: v for k, v in world.versions().items() if not k.startswith("TradingBot/")} == before
    assert world.status()["availableImages"]["inference"] == "example.org/infer:2"
    assert len(told(world, "NewImages")) == 1
    await upgrade(world, NEWER)
    assert len(told(world, "NewImages")) == 1
    await upgrade(world, SETTINGS)
    assert "availableImages" not in world.status()
    assert {k: v for k, v in world.versions().items() if not k.startswith("TradingBot/")} == before


async def test_auto_takes_the_images_of_the_release_and_ends_no_pod() -> None:
    world = await ready_world(updateStrategy="Auto")
    world.running = False
    world.pass_time(60)
    world.fire()
    await world.settle()
    pods = {name_of(p): p for p in world.kube.all(PODS)}
    await upgrade(world, NEWER)
    assert image_of(world) == "example.org/infer:2"
    assert {name_of(p): p for p in world.kube.all(PODS)} == pods
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    assert told(world, "NewImages") == []


async def test_switching_to_auto_takes_what_is_available() -> None:
    world = await ready_world()
    await upgrade(world, NEWER)
    world.change_bot(updateStrategy="Auto")
    await world.settle()
    assert image_of(world) == "example.org/infer:2"
    assert "availableImages" not in world.status()


async def test_images_that_the_spec_names_are_never_drift() -> None:
    mine = {"training": "example.org/mine:1", "inference": "example.org/mine:2"}
    world = await ready_world(images=mine)
    await upgrade(world, NEWER)
    assert "availableImages" not in world.status()
    assert image_of(world) == "example.org/mine:2"


async def test_fields_of_a_newer_release_neither_stop_a_bot_nor_forget_its_status() -> None:
    world = await ready_world()
    before = world.status()
    bot = world.kube.one(TRADING_BOTS, "btc-paper")
    newer = {**bot["status"], "invented": {"later": 1}}
    world.kube.put({**bot, "spec": {**bot["spec"], "invented": "later"}, "status": newer})
    world.restart()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.status()["activeModel"] == before["activeModel"]
    assert world.status()["signals"] == before["signals"]
    assert len(world.kube.created(MODEL_TRAININGS)) == 1


def claim_of(world: World) -> Manifest:
    return world.kube.all(CLAIMS)[0]


def size_of(world: World) -> str:
    return str(claim_of(world)["spec"]["resources"]["requests"]["storage"])


async def test_a_bound_claim_grows_where_the_storage_class_allows_it() -> None:
    world = await ready_world()
    uid = claim_of(world)["metadata"]["uid"]
    world.change_bot(storage__size="5Gi")
    await world.settle()
    assert size_of(world) == "5Gi"
    assert claim_of(world)["metadata"]["uid"] == uid
    assert world.condition("StorageReady") == ("True", "ClaimBound")
    assert world.condition("Degraded")[0] == "False"
    world.change_bot(storage__size="8192Mi")
    await world.settle()
    assert size_of(world) == "8192Mi"


async def test_a_claim_that_must_not_grow_keeps_its_size_and_says_why() -> None:
    world = await ready_world()
    world.kube.refusal = "only dynamically provisioned pvc can be resized"
    world.change_bot(storage__size="5Gi")
    await world.settle()
    assert size_of(world) == "2Gi"
    assert world.condition("StorageReady") == ("True", "ClaimSizeKept")
    assert "only dynamically provisioned" in world.message_of("StorageReady")
    assert world.condition("Degraded") == ("True", "ClaimSizeKept")
    assert world.condition("Ready")[0] == "True"
    world.change_bot(storage__size="2Gi")
    await world.settle()
    assert world.condition("Degraded")[0] == "False"


async def test_a_claim_does_not_shrink_and_the_remedy_is_named() -> None:
    world = await ready_world()
    world.change_bot(storage__size="1Gi")
    await world.settle()
    assert size_of(world) == "2Gi"
    assert world.condition("StorageReady") == ("True", "ClaimSizeKept")
    assert "set storage.size to 2Gi" in world.message_of("StorageReady")


@pytest.mark.parametrize("size", ["2048Mi", "2Gi"])
async def test_the_same_size_in_other_words_is_no_change(size: str) -> None:
    world = await ready_world()
    world.change_bot(storage__size=size)
    await world.settle()
    assert size_of(world) == "2Gi"
    assert world.condition("StorageReady") == ("True", "ClaimBound")
