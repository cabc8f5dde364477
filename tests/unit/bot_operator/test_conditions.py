"""Ready, Reconciling and Stalled as tools read them; the rules hold in every other test too."""

from dataclasses import replace

import pytest

from bot_operator.api.resources import JOBS, MODEL_TRAININGS, PODS, TRADING_BOTS, Manifest, Resource
from bot_operator.planning.conditions import ConditionSet
from bot_runtime.contract.conditions import BotCondition, Reason
from tests.kstatus import kstatus
from tests.unit.bot_operator.health import check_health
from tests.unit.bot_operator.world import SETTINGS, START, World


async def _deciding() -> World:
    world = World()
    world.add_bot()
    await world.settle()
    world.fire()
    await world.settle()
    assert _health(world) == "Current"
    return world


def _health(world: World) -> str:
    return kstatus(world.kube.one(TRADING_BOTS, "btc-paper"))


async def test_a_new_wish_is_in_progress_until_it_is_learned_while_the_bot_stays_ready() -> None:
    world = await _deciding()
    world.running = False
    world.change_bot(symbols=["ETH/USDT"])
    assert _health(world) == "InProgress"
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Reconciling") == ("True", "TrainingRunning")
    assert "until then the version before it decides" in world.message_of("Reconciling")
    assert _health(world) == "InProgress"
    world.running = True
    await world.settle()
    world.pass_time(60)
    world.fire()
    await world.settle()
    assert _health(world) == "Current"


async def test_a_new_wish_that_failed_and_is_tried_again_stays_in_progress() -> None:
    world = await _deciding()
    world.failing["Data"] = {"exitCode": 69, "reason": "Error", "message": "no answer"}
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Reconciling") == ("True", "TrainingRunning")
    assert "tried again at" in world.message_of("Reconciling")


async def test_a_new_wish_that_failed_for_good_is_failed_while_the_old_version_decides() -> None:
    world = await _deciding()
    world.failing["Trend"] = {"exitCode": 137, "reason": "OOMKilled"}
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Stalled") == ("True", "TrainingFailed")
    assert _health(world) == "Failed"
    world.change_bot(symbols=["BTC/USDT"])
    await world.settle()
    assert _health(world) == "Current"


async def test_a_new_wish_whose_training_cannot_start_is_failed_and_says_why() -> None:
    world = await _deciding()
    world.running = False
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    _hang(world, "ImagePullBackOff")
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Stalled") == ("True", "ImagePullFailed")
    assert _health(world) == "Failed"


async def test_a_training_image_that_is_gone_does_not_change_the_image_that_serves() -> None:
    world = await _deciding()
    before = world.status()["images"]
    newer = replace(SETTINGS, training_image="t/train:2", inference_image="t/infer:2")
    world.reconciler = replace(world.reconciler, settings=newer)
    world.running = False
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    _hang(world, "ImagePullBackOff")
    await world.settle()
    assert world.status()["images"] == {**before, "training": "t/train:2"}
    assert world.condition("Reconciling") == ("True", "TrainingRunning")


def _hang(world: World, reason: str) -> None:
    pod = next(p for p in world.kube.all(PODS) if p["status"]["phase"] == "Running")
    waiting = {"reason": reason, "message": "not found"}
    container = {"name": "runtime", "image": "x:1", "state": {"waiting": waiting}}
    world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})


async def test_a_pinned_bot_owes_nothing_to_a_training() -> None:
    world = await _deciding()
    version = world.status()["activeModel"]["version"]
    world.change_bot(model__pinnedVersion=version, symbols=["ETH/USDT"])
    await world.settle()
    assert _health(world) == "Current"


@pytest.mark.parametrize("kind", [TRADING_BOTS, MODEL_TRAININGS], ids=lambda kind: kind.kind)
async def test_the_first_write_of_a_status_holds_every_condition_of_its_generation(
    kind: Resource,
) -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    first = next(o for o in world.kube.statuses if o["kind"] == kind.kind)
    observed = {c["observedGeneration"] for c in first["status"]["conditions"]}
    assert observed == {first["status"]["observedGeneration"]} == {1}


def test_a_condition_is_unknown_until_it_is_decided() -> None:
    conditions = ConditionSet(BotCondition, (), 3, START)
    assert {c.status for c in conditions.all()} == {"Unknown"}
    assert {c.reason for c in conditions.all()} == {Reason.NOT_DECIDED}
    assert {c.observed_generation for c in conditions.all()} == {3}
    assert [c.type for c in conditions.all()] == list(BotCondition)


async def test_the_rules_see_a_bot_that_claims_to_be_current_while_it_trains() -> None:
    world = await _deciding()
    world.running = False
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    stored = world.kube.one(TRADING_BOTS, "btc-paper")
    lying = [_unless_reconciling(c) for c in stored["status"]["conditions"]]
    world.kube.put({**stored, "status": {**stored["status"], "conditions": lying}})
    with pytest.raises(AssertionError):
        check_health(world.kube.objects.values())
    assert world.kube.all(JOBS)


def _unless_reconciling(condition: Manifest) -> Manifest:
    return {**condition, "status": "False"} if condition["type"] == "Reconciling" else condition
