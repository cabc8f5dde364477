"""What keeps a training shows on its bot: in ModelAvailable's message and in lastFailure."""

from dataclasses import replace
from typing import Any

import pytest

from bot_operator.api.resources import (
    JOBS,
    MODEL_TRAININGS,
    PODS,
    TRADING_BOTS,
    Manifest,
    name_of,
    to_time,
)
from bot_operator.planning.specs import Training
from bot_operator.tradingbot.observe import BotSeen
from bot_operator.tradingbot.plan import plan_bot
from bot_operator.watching.workqueue import Key
from bot_runtime.contract.status import TradingBotStatus
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

NO_ANSWER = "binance: no answer after 6 tries in 91 s"
AGAIN = "binance: no answer after 5 tries in 102 s"
OUT_OF_MEMORY = "a pod failed and is tried again (OutOfMemory): killed at its memory limit"


async def training_world(**options: Any) -> World:
    """Return a world whose bot has its first training under way, with a pod that runs."""
    world = World(running=False, **options)
    world.add_bot()
    await world.settle()
    return world


def pod_of(world: World, **status: Any) -> Manifest:
    """Put this status on the newest pod, and return it."""
    return world.kube.put({**world.kube.all(PODS)[-1], "status": status})


def container(kind: str, **state: Any) -> list[Manifest]:
    return [{"name": "runtime", "image": "t/train:1", "state": {kind: state}}]


def fail(world: World, number: int, **ended: Any) -> None:
    """Let the Job's pod fail, and the Job begin another one."""
    state = {"finishedAt": to_time(world.at), **ended}
    failed = pod_of(world, phase="Failed", containerStatuses=container("terminated", **state))
    name = f"{name_of(failed)}-{number}"
    metadata = {**failed["metadata"], "name": name, "uid": f"uid-{name}"}
    world.kube.put({**failed, "metadata": metadata, "status": {"phase": "Running"}})


def exchange_away(world: World) -> None:
    fail(world, 1, exitCode=69, message=NO_ANSWER)


def out_of_memory(world: World) -> None:
    fail(world, 1, exitCode=1, reason="OOMKilled")


def image_not_pulled(world: World) -> None:
    waiting = container("waiting", reason="ImagePullBackOff", message="401 Unauthorized")
    pod_of(world, phase="Pending", containerStatuses=waiting)


def unschedulable(world: World) -> None:
    scheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient memory",
        "lastTransitionTime": to_time(world.at),
    }
    pod_of(world, phase="Pending", conditions=[scheduled])
    world.pass_time(20)
    world.wake_all()


def refused(words: str) -> Any:
    def refuse(world: World) -> None:
        job = world.kube.all(JOBS)[0]
        for pod in world.kube.all(PODS):
            world.remove(pod)
        world.kube.put({**job, "status": {"startTime": to_time(world.at)}})
        world.kube.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": "e", "namespace": NAMESPACE},
                "involvedObject": {"uid": job["metadata"]["uid"]},
                "reason": "FailedCreate",
                "message": f'Error creating: pods "x" is forbidden: {words}',
                "lastTimestamp": to_time(world.at),
            }
        )
        world.pass_time(5)
        world.wake_all()
        world.admitting = False

    return refuse


WAITS = (
    (exchange_away, "Exchange", f"a pod failed and is tried again (Exchange): {NO_ANSWER}"),
    (out_of_memory, "OutOfMemory", OUT_OF_MEMORY),
    (image_not_pulled, "ImagePull", "image t/train:1 cannot be pulled: 401 Unauthorized"),
    (unschedulable, "Unschedulable", "no node takes the pod: 0/3 nodes are available"),
    (refused("exceeded quota: pods, requested: pods=1"), "Quota", "the pod is refused: exceeded"),
    (refused("violates PodSecurity"), "PodSecurity", "the pod is refused: violates PodSecurity"),
)


@pytest.mark.parametrize(("happen", "kind", "told"), WAITS)
async def test_what_keeps_the_first_training_is_told_by_the_bot(
    happen: Any, kind: str, told: str
) -> None:
    world = await training_world()
    assert world.message_of("ModelAvailable").endswith("is under way: Fetching")
    happen(world)
    await world.settle()
    assert told in world.message_of("ModelAvailable")
    assert told in world.message_of("Ready")
    assert world.condition("ModelAvailable") == ("False", "WaitingForModel")
    assert world.status()["lastFailure"]["class"] == kind


@pytest.mark.parametrize(("happen", "kind", "told"), WAITS)
async def test_what_keeps_a_later_training_is_told_beside_the_version_that_is_served(
    happen: Any, kind: str, told: str
) -> None:
    world = await ready_world()
    version = world.status()["activeModel"]["version"]
    for pod in world.kube.all(PODS):
        world.remove(pod)
    for job in world.kube.all(JOBS):
        world.remove(job)
    world.running = False
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    assert world.message_of("ModelAvailable") == f"version {version} is served"
    happen(world)
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    assert world.message_of("ModelAvailable").startswith(f"version {version} is served; training ")
    assert told in world.message_of("ModelAvailable")
    assert world.status()["lastFailure"]["class"] == kind


@pytest.mark.parametrize(
    ("reason", "state", "told"),
    [
        ("WaitingForStorage", "WaitingForStorage", "WaitingForStorage; its own words"),
        ("WaitingForSecrets", "WaitingForSecrets", "WaitingForSecrets; its own words"),
        ("ChildRefused", "Fetching", "Fetching; its own words"),
        ("Stopped", "Stopped", "Stopped; its own words"),
        ("InvalidSpec", "Pending", "Pending; its own words"),
        ("WaitingForSlot", "Queued", "Queued"),
        ("TrainingRunning", "Fetching", "Fetching"),
    ],
)
async def test_what_a_training_waits_for_before_its_pods_is_told_in_its_own_words(
    reason: str, state: str, told: str
) -> None:
    world = await training_world()
    seen = await world.reconciler.observe(Key(TRADING_BOTS, NAMESPACE, "btc-paper"))
    assert isinstance(seen, BotSeen)
    told_of = {"type": "Ready", "status": "False", "reason": reason, "message": "its own words"}
    ready = {**told_of, "lastTransitionTime": to_time(world.at), "observedGeneration": 1}
    training = world.training()
    status = {**training["status"], "state": state, "conditions": [ready]}
    seen = replace(seen, trainings=(Training({**training, "status": status}),))
    planned = plan_bot(seen, world.at, SETTINGS).status
    assert isinstance(planned, TradingBotStatus)
    (message,) = (c.message for c in planned.conditions if c.type == "ModelAvailable")
    assert message == f"training {name_of(training)} is under way: {told}"


async def test_the_same_failure_once_more_is_no_news() -> None:
    world = await training_world()
    exchange_away(world)
    await world.settle()
    failure, versions = world.status()["lastFailure"], world.versions()
    world.pass_time(30)
    fail(world, 2, exitCode=69, message=AGAIN)
    await world.settle()
    changed = {key for key, version in world.versions().items() if versions.get(key) != version}
    assert {key.partition("/")[0] for key in changed} == {"Pod"}
    assert world.status()["lastFailure"] == failure
    world.pass_time(60)
    fail(world, 3, exitCode=74, message="the volume is full")
    await world.settle()
    assert world.status()["lastFailure"]["class"] == "Storage"
    assert "the volume is full" in world.message_of("ModelAvailable")


async def test_the_next_attempt_says_why_the_one_before_failed_until_it_is_past_that() -> None:
    world = World()
    world.failing["Data"] = {"exitCode": 69, "message": NO_ANSWER}
    world.add_bot()
    await world.settle()
    failure = world.status()["lastFailure"]
    assert "tried again at" in world.message_of("ModelAvailable")
    world.running = False
    world.pass_time(60)
    await world.settle()
    assert len(world.kube.all(MODEL_TRAININGS)) == 2
    told = f"is under way: Fetching; attempt 1: Data failed (Exchange): {NO_ANSWER}"
    assert world.message_of("ModelAvailable").endswith(told)
    assert world.status()["lastFailure"] == failure
    world.failing.clear()
    world.running = True
    assert world.step()  # the exchange answers
    world.running = False
    await world.settle()
    assert world.message_of("ModelAvailable").endswith("is under way: Training")
    assert "lastFailure" not in world.status()


async def test_a_served_bot_stays_degraded_until_the_training_that_failed_is_made_good() -> None:
    world = await ready_world()
    world.failing["Data"] = {"exitCode": 69, "message": NO_ANSWER}
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    world.running = False
    world.pass_time(60)
    await world.settle()
    assert world.condition("Degraded") == ("True", "TrainingFailed")
    assert world.message_of("Degraded").endswith(f"attempt 1: Data failed (Exchange): {NO_ANSWER}")
    world.failing.clear()
    world.running = True
    world.step()
    world.running = False
    await world.settle()
    assert world.condition("Degraded") == ("False", "AsExpected")


async def test_a_failure_of_what_was_changed_since_is_no_longer_told() -> None:
    world = World()
    world.failing["Data"] = {"exitCode": 137, "reason": "OOMKilled"}
    world.add_bot()
    await world.settle()
    assert world.status()["lastFailure"]["class"] == "OutOfMemory"
    world.failing.clear()
    world.running = False
    world.change_bot(training__resources__limits__memory="9Gi")
    await world.settle()
    assert world.message_of("ModelAvailable").endswith("is under way: Fetching")
    assert "lastFailure" not in world.status()
