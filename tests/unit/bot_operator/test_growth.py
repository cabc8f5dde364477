"""Churn leaves nothing behind: what the operator holds in memory goes with what it was held for."""

import asyncio
from collections.abc import Sized

from bot_operator.api.resources import (
    JOBS,
    MODEL_TRAININGS,
    PODS,
    TRADING_BOTS,
    Manifest,
    Ref,
    namespace_of,
    uid_of,
)
from bot_operator.watching.cache import Cache
from bot_operator.watching.gone import Gone
from bot_operator.watching.stops import Stops
from bot_operator.watching.workqueue import WorkQueue
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.test_cache_and_changes import job
from tests.unit.bot_operator.world import NAMESPACE, World

BOUNDED = {"_deleted"}
"""What keeps a fixed number of the newest, whatever they were."""


def held(thing: object) -> dict[str, int]:
    """Return the sizes of all that is held, where anything is."""
    sizes = {k: len(v) for k, v in vars(thing).items() if isinstance(v, Sized)}
    return {name: size for name, size in sizes.items() if size and name not in BOUNDED}


async def live_through(world: World, name: str) -> None:
    """Have a bot trained and fired, its pods and Jobs deleted one by one, and then the bot."""
    world.add_bot(name)
    await world.settle()
    world.fire(name)
    await world.settle()
    for kind in (PODS, JOBS):
        for child in world.kube.all(kind):
            world.remove(child)
        await world.settle()
    assert held(world.cache)["_gone"] > 0
    world.remove(world.kube.one(TRADING_BOTS, name))
    await world.settle()


async def test_a_bot_that_is_deleted_leaves_nothing_in_the_cache() -> None:
    world = World()
    for number in range(3):
        await live_through(world, f"bot-{number}")
        assert held(world.cache) == {}


async def test_the_children_of_a_deleted_bot_are_not_remembered_when_they_go_after_it() -> None:
    """In the background the garbage collector takes the owner first, then Jobs, then pods."""
    world = World()
    world.add_bot()
    await world.settle()
    world.fire()
    await world.settle()
    world.remove(world.kube.one(TRADING_BOTS, "btc-paper"))
    events = [e for e in world.kube.take_events() if e[0] == "DELETED"]
    assert {m["kind"] for _, m in events} > {"TradingBot", "ModelTraining", "Job", "Pod"}
    for kind, manifest in events:
        world.feed.seen(kind, manifest)
    assert held(world.cache) == {}


async def test_what_a_full_list_finds_deleted_leaves_nothing_either() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    for pod in world.kube.all(PODS):
        world.remove(pod)
    await world.settle()
    assert held(world.cache)["_gone"] > 0
    world.remove(world.kube.one(TRADING_BOTS, "btc-paper"))
    world.kube.events.clear()  # the watches have lost it all
    await world.feed.relist()
    assert held(world.cache) == {}


async def test_a_doubted_owner_and_a_late_start_do_not_outlive_the_training() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    training = world.training()
    ref = Ref(MODEL_TRAININGS, NAMESPACE, training["metadata"]["name"])
    world.cache.doubt(ref)
    world.cache.note_start(uid_of(training), starts=True)
    world.remove(world.kube.one(TRADING_BOTS, "btc-paper"))
    await world.settle()
    world.cache.note_start(uid_of(training), starts=True)  # planned before, noted after
    assert held(world.cache) == {}


def test_a_bot_that_runs_for_years_is_remembered_by_its_newest_children() -> None:
    gone, owner = Gone(), (TRADING_BOTS, NAMESPACE, "bot")
    for number in range(1000):
        gone.remember(owner, _job_of("cron", f"job-{number}"))
        gone.remember(owner, _job_of(f"uid-{number}", "pod"))
    assert len(gone) < 20
    assert [m["metadata"]["name"] for m in gone.of(owner, "cron")] == [
        "job-997",
        "job-998",
        "job-999",
    ]
    assert len(gone.of(owner, "uid-999")) == 1
    assert gone.of((TRADING_BOTS, NAMESPACE, "other"), "cron") == ()


def test_children_that_nobody_tells_of_are_not_kept() -> None:
    cache = Cache()
    cache.drop(_job_of("cron", "job"))
    assert held(cache) == {}


async def test_a_key_that_is_forgotten_leaves_nothing_in_the_queue() -> None:
    queue: WorkQueue[str] = WorkQueue(behind_at_once=1)
    for number in range(20):
        key = str(number)
        queue.add_behind(key)
        assert await queue.get() == key
        queue.retry(key, first=0.01)
        queue.add(key)  # woken while it runs
        queue.forget(key)  # and gone
        queue.done(key)
        await asyncio.sleep(0)
        if len(queue):
            assert await queue.get() == key
            queue.succeeded(key)
            queue.done(key)
    left = {k: v for k, v in vars(queue).items() if isinstance(v, Sized) and len(v)}
    assert left == {}


async def test_a_namespace_without_bots_is_not_remembered() -> None:
    kube = FakeKube(lambda: "2026-03-01T12:00:00Z")
    stops = Stops(kube)
    for number in range(20):
        await stops.stopper(f"team-{number}")
    await stops.look(["team-1"])
    assert list(vars(stops)["_stopped"]) == ["team-1"]


def _job_of(controller: str, name: str) -> Manifest:
    reference = {"kind": "CronJob", "name": "x", "uid": controller, "controller": True}
    made = job(name, uid=f"uid-of-{name}", ownerReferences=[reference])
    assert namespace_of(made) == NAMESPACE
    return made
