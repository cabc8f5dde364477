"""Statuses that are lost, or of another release: what is there decides, and nothing stops."""

from bot_operator.api.resources import CRON_JOBS, MODEL_TRAININGS, TRADING_BOTS, name_of
from tests.unit.bot_operator.test_retraining import DAY, live, scheduled_world
from tests.unit.bot_operator.world import World


async def test_a_reason_of_a_newer_release_does_not_end_a_bots_decisions() -> None:
    world = await scheduled_world()
    world.promoted = False
    await live(world, DAY)
    version = world.status()["activeModel"]["version"]
    assert world.condition("Degraded") == ("True", "CandidateRejected")
    bot = world.kube.one(TRADING_BOTS, "btc-paper")
    conditions = [
        {**c, "reason": "InventedLater"} if c["type"] == "ModelFresh" else c
        for c in bot["status"]["conditions"]
    ]
    world.kube.put({**bot, "status": {**bot["status"], "conditions": conditions}})
    world.restart()
    await world.settle()
    assert world.kube.all(CRON_JOBS) != []
    assert world.status().get("activeModel", {}).get("version") == version


async def test_a_bot_whose_status_was_lost_serves_the_newest_promoted_version() -> None:
    world = await scheduled_world()
    world.promoted = False
    await live(world, DAY)
    version = world.status()["activeModel"]["version"]
    bot = world.kube.one(TRADING_BOTS, "btc-paper")
    world.kube.put({**bot, "status": {"observedGeneration": -1}})
    world.restart()
    await world.settle()
    assert world.kube.all(CRON_JOBS) != []
    assert world.status().get("activeModel", {}).get("version") == version


async def test_a_running_attempt_survives_a_lost_status() -> None:
    world = World()
    world.failing["Trend"] = {"exitCode": 1, "message": "boom"}
    world.add_bot()
    await world.settle()
    while world.status()["candidateTraining"]["attempt"] < 9:
        world.pass_time(6 * 3600)
        if world.status()["candidateTraining"]["attempt"] == 8:
            world.running = False
        await world.settle()
    running = world.status()["candidateTraining"]["name"]
    bot = world.kube.one(TRADING_BOTS, "btc-paper")
    world.kube.put({**bot, "status": {"observedGeneration": -1}})
    world.restart()
    await world.settle()
    there = [name_of(t) for t in world.kube.all(MODEL_TRAININGS)]
    assert running in there, there
    assert world.status()["candidateTraining"]["name"] == running
