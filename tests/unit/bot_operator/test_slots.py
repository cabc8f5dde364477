"""A limit of trainings that run at once: never exceeded, fair, and nobody is forgotten."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from bot_operator.api.resources import (
    JOBS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    Manifest,
    condition_of,
    name_of,
)
from bot_operator.applying.apply import Applier
from bot_operator.reconcile import Reconciler
from bot_operator.watching.workqueue import Key
from tests.unit.bot_operator.fakes import FakeKube, Killed
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World


def limited(limit: int, **given: Any) -> World:
    return World(settings=replace(SETTINGS, max_trainings=limit), **given)


def begun(world: World) -> set[str]:
    """Return the trainings that have not ended and of which a Job may run."""
    unfinished = {
        t["metadata"]["uid"]: name_of(t)
        for t in world.kube.all(MODEL_TRAININGS)
        if "completionTime" not in t.get("status", {})
    }
    return {
        unfinished[owner["uid"]]
        for job in world.kube.all(JOBS)
        for owner in job["metadata"]["ownerReferences"]
        if owner["uid"] in unfinished and not job["spec"]["suspend"]
    }


def states(world: World) -> dict[str, str]:
    return {
        name_of(t).rsplit("-", 1)[0]: t["status"]["state"] for t in world.kube.all(MODEL_TRAININGS)
    }


async def end_one(world: World) -> None:
    """Let the oldest running training end, and the others take their turn."""
    name = min(begun(world))
    world.running = True
    while name in begun(world):
        jobs = [j for j in world.kube.all(JOBS) if name_of(j).startswith(name)]
        if not any(world._run_job(job) for job in jobs):
            while await world.operate():
                pass
    world.running = False
    await world.settle()


async def test_those_over_the_limit_wait_say_so_and_go_in_order() -> None:
    world = limited(2, running=False)
    for n in range(5):
        world.add_bot(f"bot-{n}")
        await world.settle()
        world.pass_time(1)
    assert states(world) == {
        "bot-0": "Fetching", "bot-1": "Fetching", "bot-2": "Queued", "bot-3": "Queued",
        "bot-4": "Queued",
    }  # fmt: skip
    waiting = world.kube.all(MODEL_TRAININGS)[2]
    condition = condition_of(waiting, "Reconciling")
    assert condition is not None
    assert condition["reason"] == "WaitingForSlot"
    assert "one of the 2 trainings" in condition["message"]
    assert "Queued" in world.message_of("ModelAvailable", "bot-2")
    await end_one(world)
    assert states(world)["bot-2"] == "Fetching"
    assert [states(world)[f"bot-{n}"] for n in (3, 4)] == ["Queued", "Queued"]
    await end_one(world)
    assert states(world)["bot-3"] == "Fetching"


async def test_all_get_their_turn_and_never_more_than_the_limit_run() -> None:
    world = limited(3)
    for n in range(8):
        world.add_bot(f"bot-{n}")
    for _ in range(6000):
        assert len(begun(world)) <= 3
        if not await world.operate() and not world.step():
            break
    assert set(states(world).values()) == {"Promoted"}


async def test_a_deleted_training_frees_its_slot() -> None:
    world = limited(1, running=False)
    for n in range(2):
        world.add_bot(f"bot-{n}")
        await world.settle()
        world.pass_time(1)
    assert states(world)["bot-1"] == "Queued"
    world.remove(world.kube.one(TRADING_BOTS, "bot-0"))
    await world.settle()
    assert states(world) == {"bot-1": "Fetching"}


async def test_who_lacks_a_secret_neither_takes_a_slot_nor_holds_the_line() -> None:
    world = limited(1, running=False)
    world.add_secret("keys")
    for n in range(3):
        world.add_bot(f"bot-{n}")
        if n == 1:
            world.change_bot("bot-1", exchange__credentialsSecret="keys")
        await world.settle()
        world.pass_time(1)
    assert states(world)["bot-1"] == "Queued"
    for secret in [o for o in world.kube.objects.values() if o["kind"] == "Secret"]:
        world.remove(secret)
    world.wake_all()
    await world.settle()
    await end_one(world)
    assert states(world)["bot-1"] == "WaitingForSecrets"
    assert states(world)["bot-2"] == "Fetching"


async def test_a_waiting_training_is_not_looked_at_again_and_again() -> None:
    world = limited(1, running=False)
    for n in range(3):
        world.add_bot(f"bot-{n}")
    await world.settle()
    queued = [
        k for k in world.keys.later if states(world).get(k.name.rsplit("-", 1)[0]) == "Queued"
    ]
    assert [k for k in queued if k.resource == MODEL_TRAININGS] == []


async def test_killed_at_a_write_it_never_exceeds_the_limit() -> None:
    reference = limited(1)
    for n in range(2):
        reference.add_bot(f"bot-{n}")
    await reference.settle(rounds=2000)
    for number in range(0, len(reference.kube.writes), 7):
        world = limited(1)
        world.kube.kill_at = (number, "after")
        for n in range(2):
            world.add_bot(f"bot-{n}")
        with pytest.raises(Killed):
            await world.settle(rounds=2000)
        world.kube.kill_at = None
        world.restart()
        for _ in range(4000):
            assert len(begun(world)) <= 1, reference.kube.writes[number]
            if not await world.operate() and not world.step():
                break
        assert set(states(world).values()) == {"Promoted"}, reference.kube.writes[number]


class Slow(FakeKube):
    """An API server that answers late, so that many reconciliations are under way at once."""

    draw = random.Random(5)

    async def apply_status(self, manifest: Manifest) -> Manifest:
        await asyncio.sleep(self.draw.random() / 100)
        return await super().apply_status(manifest)

    async def create(self, manifest: Manifest) -> Manifest:
        await asyncio.sleep(self.draw.random() / 100)
        created = await super().create(manifest)
        await asyncio.sleep(self.draw.random() / 100)
        return created


async def test_workers_that_decide_at_the_same_moment_do_not_exceed_the_limit() -> None:
    world = limited(2, running=False, kube_type=Slow)
    for n in range(6):
        world.add_bot(f"bot-{n}")
    await world.feed.relist()
    applier = Applier(world.kube, world.cache)
    settings = world.settings
    reconcilers = [
        Reconciler(world.kube, world.cache, settings, lambda: world.at, applier, world.stops)
        for _ in range(6)
    ]
    for _ in range(15):
        for resource in (TRADING_BOTS, MODEL_TRAININGS):
            keys = [Key(resource, NAMESPACE, name_of(o)) for o in world.kube.all(resource)]
            tasks = [r.reconcile(k) for r, k in zip(reconcilers, keys, strict=False)]
            await asyncio.gather(*tasks, return_exceptions=True)
        while world.step():
            pass
        for kind, manifest in world.kube.take_events():
            if manifest["kind"] not in {"Secret", "Event"}:
                world.feed.seen(kind, manifest)
        assert len(begun(world)) <= 2
    assert len(begun(world)) == 2
