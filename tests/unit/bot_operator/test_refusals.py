"""Children that the API server refuses: the owner says so, goes on with the rest, and recovers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot_operator.api.errors import ApiError, Forbidden, Invalid
from bot_operator.api.resources import (
    CLAIMS,
    CONFIG_MAPS,
    CRON_JOBS,
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    Resource,
    condition_of,
    name_of,
    uid_of,
)
from bot_operator.watching.slots import find_rivals, has_slot
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

QUOTA = Forbidden(
    403,
    "Forbidden",
    'x "y" is forbidden: exceeded quota: none, requested: count/x=1, used: count/x=0, '
    "limited: count/x=0",
)
REFUSED = ("True", "ChildRefused")


async def look(world: World) -> None:
    """Wake everybody, as every event about them does."""
    world.pass_time(5)
    world.wake_all()
    await world.settle()


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (CLAIMS, "PersistentVolumeClaim btc-paper-store"),
        (MODEL_TRAININGS, "ModelTraining btc-paper-"),
        (CONFIG_MAPS, "ConfigMap btc-paper-"),
        (JOBS, "Job btc-paper-"),
        (CRON_JOBS, "CronJob btc-paper-infer"),
    ],
    ids=lambda v: v.plural if isinstance(v, Resource) else "",
)
async def test_a_refused_child_is_told_by_its_owner_and_forgotten_when_it_is_taken(
    resource: Resource, said: str
) -> None:
    world = World()
    world.kube.refused[resource] = QUOTA
    bot = world.add_bot()
    await world.settle()
    await look(world)
    assert world.condition("Stalled") == REFUSED
    assert world.condition("Ready")[0] == world.condition("Reconciling")[0] == "False"
    assert world.status()["observedGeneration"] == bot["metadata"]["generation"]
    text = world.message_of("Stalled")
    assert said in text
    assert "exceeded quota: none, requested: count/x=1, limited: count/x=0" in text
    told = [e for e in world.kube.all(EVENTS) if e["reason"] == "ChildRefused"]
    assert {e["involvedObject"]["kind"] for e in told} >= {"TradingBot"}
    before, events = world.versions(), world.kube.all(EVENTS)
    # As more is used every answer differs; that is no news.
    changed = QUOTA.message.replace("used: count/x=0", "used: count/x=7")
    world.kube.refused[resource] = Forbidden(403, "Forbidden", changed)
    await look(world)
    assert (world.versions(), world.kube.all(EVENTS)) == (before, events)
    world.kube.refused.clear()
    await look(world)
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Stalled")[0] == "False"
    assert len(world.kube.created(JOBS)) == 5


async def test_an_edit_that_the_api_server_refuses_is_told_with_its_own_generation() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.fire()
    await world.settle()
    world.kube.refused[CRON_JOBS] = Invalid(422, "Invalid", 'CronJob.batch "x" is invalid: spec')
    world.change_bot(inference__deadlineSeconds=45)
    await world.settle()
    generation = world.kube.one(TRADING_BOTS, "btc-paper")["metadata"]["generation"]
    assert generation == 2 == world.status()["observedGeneration"]
    assert world.condition("InferenceScheduled") == ("False", "ChildRefused")
    assert "is invalid: spec" in world.message_of("InferenceScheduled")
    world.kube.refused.clear()
    await look(world)
    assert world.condition("Ready") == ("True", "BotReady")


async def test_a_bot_whose_training_is_refused_goes_on_deciding_and_follows_its_spec() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.fire()
    await world.settle()
    world.kube.refused[MODEL_TRAININGS] = QUOTA
    world.change_bot(symbols=["BTC/USDT", "ETH/USDT"], inference__deadlineSeconds=45)
    await world.settle()
    assert world.condition("Stalled") == REFUSED
    assert world.condition("Ready") == ("True", "BotReady")
    cron_job = world.kube.one(CRON_JOBS, "btc-paper-infer")
    assert cron_job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 45 + 60
    before = world.status()["lastSignal"]
    world.pass_time(60)
    world.fire()
    await world.settle()
    assert world.status()["lastSignal"] != before


async def test_a_scheduled_training_that_is_refused_for_too_long_is_missed() -> None:
    world = World()
    world.add_bot(training={"schedule": "0 13 * * *"})
    await world.settle()
    world.kube.refused[MODEL_TRAININGS] = QUOTA
    world.at = datetime(2026, 3, 1, 13, 1, tzinfo=UTC)
    await world.settle()
    assert world.condition("Stalled") == REFUSED
    assert "missedTrainingTime" not in world.status()
    assert world.status()["nextTrainingTime"] == "2026-03-01T13:00:00Z"
    world.pass_time(3600)
    await world.settle()
    assert world.status()["missedTrainingTime"] == "2026-03-01T13:00:00Z"
    world.kube.refused.clear()
    await look(world)
    assert world.condition("Stalled")[0] == "False"
    assert len(world.kube.all(MODEL_TRAININGS)) == 1


async def test_a_refused_training_holds_no_slot() -> None:
    world = World(settings=replace(SETTINGS, max_trainings=1))
    world.kube.refused[JOBS] = QUOTA
    world.add_bot("a-refused")
    await world.settle()
    assert not world.cache.starting
    training = world.training()
    rivals = find_rivals(world.cache)
    assert uid_of(training) not in rivals.begun
    other = {**training, "metadata": {**training["metadata"], "uid": "other", "name": "other"}}
    assert has_slot(other, rivals, limit=1)
    world.kube.refused.clear()
    await look(world)
    assert world.condition("ModelAvailable", "a-refused")[0] == "True"


async def test_a_training_says_itself_what_is_refused() -> None:
    world = World()
    world.kube.refused[JOBS] = QUOTA
    world.add_bot()
    await world.settle()
    training = world.training()
    assert training["status"]["observedGeneration"] == 1
    stalled = condition_of(training, "Stalled")
    assert stalled is not None
    assert (stalled["status"], stalled["reason"]) == REFUSED
    assert str(stalled["message"]) in world.message_of("Stalled")


async def test_somebody_elses_cron_job_of_the_name_is_told_and_left_alone() -> None:
    world = World()
    foreign = {
        "apiVersion": CRON_JOBS.api_version,
        "kind": CRON_JOBS.kind,
        "metadata": {"name": "btc-paper-infer", "namespace": NAMESPACE},
        "spec": {"schedule": "0 0 * * *"},
    }
    world.kube.put(foreign)
    world.add_bot()
    await world.settle()
    assert world.condition("InferenceScheduled") == ("False", "ChildRefused")
    assert "one of this name is somebody else's" in world.message_of("Stalled")
    assert world.kube.one(CRON_JOBS, "btc-paper-infer")["spec"] == foreign["spec"]
    world.remove(world.kube.one(CRON_JOBS, "btc-paper-infer"))
    await look(world)
    assert world.condition("InferenceScheduled") == ("True", "CronJobApplied")


async def test_a_busy_api_server_is_no_refusal() -> None:
    world = World()
    world.kube.refused[CLAIMS] = ApiError(503, "ServiceUnavailable", "later")
    world.add_bot()
    for _ in range(20):
        await world.operate()
    assert world.status() == {"observedGeneration": -1}


async def test_the_configuration_of_a_cron_job_that_may_not_change_stays() -> None:
    world = await ready_world()
    world.kube.refused[CRON_JOBS] = Forbidden(403, "Forbidden", "denied by a policy")
    for share in (0.6, 0.65, 0.7, 0.75):
        world.pass_time(60)
        world.change_bot(decision__probMin=share)
        await world.settle()
    template = world.kube.all(CRON_JOBS)[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    read = next(v["configMap"]["name"] for v in template["volumes"] if "configMap" in v)
    assert read in {name_of(c) for c in world.kube.all(CONFIG_MAPS)}
