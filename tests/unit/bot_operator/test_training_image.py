"""Which image trains: the one without torch where trees are the only candidates."""

from dataclasses import replace
from typing import Any

import pytest

from bot_operator.api.resources import EVENTS, JOBS, MODEL_TRAININGS, PODS, name_of
from bot_runtime.contract.runconfig import NEWER_FIELDS
from tests import resources
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

TREES = ["GradientBoosting"]
BOTH = ["GradientBoosting", "TemporalFusionTransformer"]
SMALL, LARGE = "example.org/train-trees:1", SETTINGS.training_image
SPLIT = replace(SETTINGS, trees_training_image=SMALL)
NEWER = replace(
    SETTINGS,
    training_image="example.org/train:2",
    trees_training_image="example.org/train-trees:2",
    inference_image="example.org/infer:2",
)


async def world_of(settings: Any = SPLIT, **spec: Any) -> World:
    """Return a world whose bot, of trees unless said otherwise, has been trained and decides."""
    world = World(settings=settings)
    world.add_bot()
    world.change_bot(**{"model__candidates": TREES, **spec})
    await decide(world)
    return world


async def decide(world: World) -> None:
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")


async def upgrade(world: World, settings: Any) -> None:
    world.settings = settings
    world.restart()
    await world.settle()


def trained_by(world: World) -> list[str]:
    """Return the image of each training that is there, in the order in which they were made."""
    images = {name_of(t): t["spec"]["image"] for t in world.kube.all(MODEL_TRAININGS)}
    return [images[name] for name in world.kube.created(MODEL_TRAININGS) if name in images]


def steps_run(world: World, owner: str) -> set[str]:
    """Return the images of the Jobs of a training."""
    jobs = [j for j in world.kube.all(JOBS) if name_of(j).startswith(f"{owner}-")]
    assert len(jobs) == 5
    return {str(j["spec"]["template"]["spec"]["containers"][0]["image"]) for j in jobs}


@pytest.mark.parametrize(
    ("candidates", "image"),
    [(TREES, SMALL), (BOTH, LARGE), (["TemporalFusionTransformer"], LARGE)],
)
async def test_every_step_runs_the_image_of_the_candidates_and_the_status_keeps_both(
    candidates: list[str], image: str
) -> None:
    world = await world_of(model__candidates=candidates)
    assert trained_by(world) == [image]
    (training,) = world.kube.created(MODEL_TRAININGS)
    assert steps_run(world, training) == {image}
    assert world.status()["images"] == {
        "training": LARGE,
        "treesTraining": SMALL,
        "inference": SETTINGS.inference_image,
        "reads": list(NEWER_FIELDS),
    }


async def test_other_candidates_take_the_other_image_and_back() -> None:
    world = await world_of()
    world.change_bot(model__candidates=BOTH)
    await world.settle()
    world.change_bot(model__candidates=TREES, model__seed=8)
    await world.settle()
    assert trained_by(world) == [SMALL, LARGE, SMALL]


async def test_without_an_image_for_trees_the_large_one_trains_them() -> None:
    world = await world_of(SETTINGS)
    assert trained_by(world) == [LARGE]
    assert world.status()["images"] == {
        "training": LARGE,
        "inference": SETTINGS.inference_image,
        "reads": list(NEWER_FIELDS),
    }


async def test_a_bot_whose_images_are_kept_keeps_the_large_one_and_is_told_of_the_other() -> None:
    world = await world_of(SETTINGS)
    before = {k: v for k, v in world.versions().items() if not k.startswith("TradingBot/")}
    kept = world.status()["images"]
    await upgrade(world, SPLIT)
    assert {k: v for k, v in world.versions().items() if not k.startswith("TradingBot/")} == before
    assert world.status()["images"] == kept
    assert world.status()["availableImages"]["treesTraining"] == SMALL
    (told,) = [e["message"] for e in world.kube.all(EVENTS) if e["reason"] == "NewImages"]
    assert SMALL in told
    world.change_bot(model__seed=8)
    await world.settle()
    assert trained_by(world) == [LARGE, LARGE]


async def test_auto_takes_it_with_the_next_training() -> None:
    world = await world_of(SETTINGS, updateStrategy="Auto")
    await upgrade(world, SPLIT)
    assert trained_by(world) == [LARGE]
    assert "availableImages" not in world.status()
    world.change_bot(model__seed=8)
    await world.settle()
    assert trained_by(world) == [LARGE, SMALL]


async def test_a_kept_image_for_trees_is_not_the_one_of_a_newer_release() -> None:
    world = await world_of()
    await upgrade(world, NEWER)
    world.change_bot(model__seed=8)
    await world.settle()
    world.change_bot(model__candidates=BOTH)
    await world.settle()
    assert trained_by(world) == [SMALL, SMALL, LARGE]


async def test_an_image_that_the_spec_names_trains_trees_too() -> None:
    world = await world_of(images__training="example.org/mine:1")
    assert trained_by(world) == ["example.org/mine:1"]
    assert "treesTraining" not in world.status()["images"]


async def test_the_spec_names_an_image_for_trees_alone() -> None:
    images = {"training": "example.org/mine:1", "treesTraining": "example.org/small:1"}
    world = await world_of(images=images)
    world.change_bot(model__candidates=BOTH)
    await world.settle()
    assert trained_by(world) == ["example.org/small:1", "example.org/mine:1"]


async def test_an_image_for_trees_that_is_gone_gives_way_to_the_one_of_the_release() -> None:
    world = await world_of()
    await upgrade(world, NEWER)
    world.running = False
    world.change_bot(model__seed=8)
    await world.settle()
    pod = next(p for p in world.kube.all(PODS) if p["status"]["phase"] == "Running")
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    container = {"name": "runtime", "image": SMALL, "state": {"waiting": waiting}}
    world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})
    await world.settle()
    assert trained_by(world)[-1] == "example.org/train-trees:2"
    assert world.status()["images"]["inference"] == SETTINGS.inference_image


def add_study(world: World, **spec: Any) -> None:
    study = resources.training(model={"candidates": TREES}, **spec)
    study["metadata"]["namespace"] = NAMESPACE
    world.kube.put(study)


@pytest.mark.parametrize(
    ("settings", "spec", "image"),
    [
        (SPLIT, {}, SMALL),
        (SETTINGS, {}, LARGE),
        (SPLIT, {"image": "example.org/mine:1"}, "example.org/mine:1"),
    ],
)
async def test_a_training_of_a_person_takes_the_image_of_its_candidates(
    settings: Any, spec: dict[str, Any], image: str
) -> None:
    world = World(settings=settings)
    add_study(world, **spec)
    await world.settle()
    assert steps_run(world, "study") == {image}


async def test_a_training_under_way_at_an_upgrade_keeps_its_image() -> None:
    world = World(settings=SETTINGS, running=False)
    add_study(world)
    await world.settle()
    world.running = True
    await upgrade(world, SPLIT)
    world.pass_time(60)
    await world.settle()
    assert world.kube.one(MODEL_TRAININGS, "study")["status"]["state"] in {"Promoted", "Rejected"}
    assert steps_run(world, "study") == {LARGE}
