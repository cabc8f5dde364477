"""Drift of the market: the bot is degraded, and trained once where its spec asks for it."""

import json
from typing import Any

from bot_operator.api.resources import EVENTS, MODEL_TRAININGS, Manifest, annotations_of
from bot_runtime.contract.names import ANNOTATION_SCHEDULED_TIME
from tests.operator_messages import inference_message
from tests.unit.bot_operator.world import World

DRIFT = "features 1.31 > 0.92"


async def drifting_world(**training: Any) -> World:
    """Return a world whose bot serves a version and has told of a drift at 12:05."""
    world = World()
    world.add_bot()
    if training:
        world.change_bot(training=training)
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Degraded") == ("False", "AsExpected")
    await decide(world, DRIFT)
    return world


async def decide(world: World, drift: str | None) -> None:
    """Let five minutes pass and the bot decide."""

    def message(job: Manifest) -> str:
        run = json.loads(world._run_configuration(job))
        return inference_message(run, world.at, drift=drift)

    world.messages["Inference"] = message
    world.pass_time(300)
    world.fire()
    await world.settle()


def begun(world: World) -> list[str | None]:
    """Return for which times trainings were begun; None for the spec's own."""
    trainings = sorted(
        world.kube.all(MODEL_TRAININGS), key=lambda t: t["metadata"]["creationTimestamp"]
    )
    return [annotations_of(t).get(ANNOTATION_SCHEDULED_TIME) for t in trainings]


async def test_drift_degrades_the_bot_since_its_first_decision_and_trains_nothing() -> None:
    world = await drifting_world()
    assert world.condition("Degraded") == ("True", "Drift")
    since = world.status()["driftSince"]
    assert since == world.status()["lastSignal"]["ts"]
    await decide(world, "features 1.5 > 0.92")
    assert world.status()["driftSince"] == since
    assert world.condition("Ready") == ("True", "BotReady")
    assert begun(world) == [None]
    told = [e["message"] for e in world.kube.all(EVENTS) if e["reason"] == "Drift"]
    version = world.status()["activeModel"]["version"]
    assert told == [
        f"the market is no longer the one that {version} was judged on: BTC/USDT: {DRIFT}"
    ]


async def test_drift_that_ends_is_over() -> None:
    world = await drifting_world()
    await decide(world, None)
    assert world.condition("Degraded") == ("False", "AsExpected")
    assert "driftSince" not in world.status()


async def test_retrain_begins_one_training_whose_version_begins_anew() -> None:
    world = await drifting_world(driftPolicy="Retrain")
    assert begun(world) == [None, "2026-03-01T12:05:00Z"]
    candidate = world.status()["candidateTraining"]
    assert candidate["scheduledTime"] == "2026-03-01T12:05:00Z"
    assert world.status()["activeModel"]["training"] == candidate["name"]
    assert "driftSince" not in world.status()
    assert world.condition("Degraded")[0] == "False"
    await decide(world, None)
    assert len(begun(world)) == 2


async def test_drift_is_answered_once_also_where_the_new_version_is_rejected() -> None:
    world = World()
    world.add_bot()
    world.change_bot(training={"driftPolicy": "Retrain"})
    await world.settle()
    world.promoted = False
    for _ in range(3):
        await decide(world, DRIFT)
        world.restart()
        await world.settle()
    assert begun(world) == [None, "2026-03-01T12:05:00Z"]
    assert world.condition("Degraded") == ("True", "Drift")
    for drift in (None, DRIFT, None, DRIFT):  # a figure near its limit
        await decide(world, drift)
    assert begun(world) == [None, "2026-03-01T12:05:00Z"]
    await decide(world, None)
    world.pass_time(6 * 86_400)
    await decide(world, DRIFT)  # another one
    assert begun(world) == [None, "2026-03-01T12:05:00Z", "2026-03-07T12:45:00Z"]


async def test_a_bot_that_may_not_train_is_told_alone() -> None:
    world = await drifting_world()
    version = world.status()["activeModel"]["version"]
    world.change_bot(model__pinnedVersion=version, training={"driftPolicy": "Retrain"})
    await world.settle()
    await decide(world, DRIFT)
    assert world.condition("Degraded") == ("True", "Drift")
    assert begun(world) == [None]


async def test_the_schedule_goes_on_beside_it() -> None:
    world = await drifting_world(driftPolicy="Retrain", schedule="0 13 * * *")
    assert begun(world) == [None, "2026-03-01T12:05:00Z"]
    assert world.status()["nextTrainingTime"] == "2026-03-01T13:00:00Z"
    world.pass_time(3300)
    await world.settle()
    assert begun(world)[-1] == "2026-03-01T13:00:00Z"
