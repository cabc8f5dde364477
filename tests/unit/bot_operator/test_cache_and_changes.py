"""The cache and the feed under lost, doubled, late and reordered events."""

import asyncio
import random
from typing import Any

import pytest

from bot_operator.api.resources import JOBS, MODEL_TRAININGS, TRADING_BOTS, Manifest, Ref
from bot_operator.watching import changes
from bot_operator.watching.cache import Cache
from bot_operator.watching.workqueue import Key, WorkQueue
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.world import NAMESPACE, World


def job(name: str = "a", version: int = 1, uid: str = "u1", **metadata: Any) -> Manifest:
    labels = {"botcripto.io/bot": "bot", "botcripto.io/training": "bot-1"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": uid,
            "resourceVersion": str(version),
            "labels": labels,
            "managedFields": [{"manager": "x"}],
            **metadata,
        },
    }


def version_of(cache: Cache, name: str = "a") -> str | None:
    found = cache.get(Ref(JOBS, NAMESPACE, name))
    return None if found is None else found["metadata"]["resourceVersion"]


def test_an_older_state_never_replaces_a_newer_one() -> None:
    cache = Cache()
    cache.put(job(version=10))
    cache.put(job(version=9))
    assert version_of(cache) == "10"


def test_a_deleted_object_does_not_come_back_by_a_late_event() -> None:
    cache = Cache()
    cache.put(job())
    cache.drop(job(version=2))
    cache.put(job(version=1))
    assert version_of(cache) is None
    cache.put(job(version=3, uid="u2"))
    assert version_of(cache) == "3"


def test_a_late_deletion_of_an_earlier_object_spares_its_successor() -> None:
    cache = Cache()
    cache.put(job(version=5, uid="u2"))
    cache.drop(job(version=4, uid="u1"))
    assert version_of(cache) == "5"


def test_a_full_list_corrects_what_watches_have_lost() -> None:
    cache = Cache()
    cache.put(job("gone", version=1, uid="g"))
    cache.put(job("newer-than-the-list", version=50, uid="n"))
    corrected = cache.replace(JOBS, [job("missed", version=20, uid="m")], version=30)
    assert [c["metadata"]["name"] for c in corrected] == ["missed", "gone"]
    assert version_of(cache, "gone") is None
    assert version_of(cache, "missed") == "20"
    assert version_of(cache, "newer-than-the-list") == "50"


def test_children_are_found_by_bot_and_by_training() -> None:
    cache = Cache()
    cache.put(job())
    assert len(cache.of_bot(NAMESPACE, "bot")) == len(cache.of_training(NAMESPACE, "bot-1")) == 1
    assert cache.of_bot("elsewhere", "bot") == []
    cache.drop(job())
    assert cache.of_bot(NAMESPACE, "bot") == []


def test_what_no_plan_reads_is_not_kept() -> None:
    cache = Cache()
    cache.put({**job(), "data": {"run.json": "{}"}})
    found = cache.get(Ref(JOBS, NAMESPACE, "a"))
    assert found is not None
    assert "managedFields" not in found["metadata"]
    assert "data" not in found


async def test_a_child_wakes_its_training_and_a_training_its_bot() -> None:
    world = World()
    world.feed.seen("ADDED", job())
    assert list(world.keys.ready) == [Key(MODEL_TRAININGS, NAMESPACE, "bot-1")]
    training = {
        "apiVersion": "botcripto.io/v1alpha1",
        "kind": "ModelTraining",
        "metadata": {"name": "bot-1", "namespace": NAMESPACE, "uid": "t", "resourceVersion": "1"},
        "spec": {"botRef": {"name": "bot"}},
    }
    world.feed.seen("MODIFIED", training)
    assert Key(TRADING_BOTS, NAMESPACE, "bot") in world.keys.ready


async def test_lost_doubled_and_reordered_events_end_in_the_same_state() -> None:
    draw = random.Random(7)
    world = World()
    world.add_bot()
    for _ in range(30):
        await world.settle()
        if world.status().get("activeModel"):
            break
        # Events of this round were delivered in order; spoil those of the next.
        spoilt = [e for e in world.kube.take_events() if draw.random() > 0.3]
        draw.shuffle(spoilt)
        world.kube.events.extend(spoilt * 2)
        world.pass_time(30)
        await world.feed.relist()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    assert len(world.kube.created(JOBS)) == 5


async def test_what_was_deleted_before_a_watch_began_anew_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "GAP_SECONDS", 0.0)
    world = World(running=False)
    world.add_bot()
    await world.settle()
    job = world.kube.all(JOBS)[0]
    world.remove(job)
    world.kube.events.clear()  # the watch had ended: nobody tells
    world.feed.listed()
    relisting = asyncio.create_task(world.feed.keep_relisting())
    for _ in range(20):
        await asyncio.sleep(0)
    relisting.cancel()
    assert list(world.keys.ready) == [
        Key(MODEL_TRAININGS, NAMESPACE, job["metadata"]["labels"]["botcripto.io/training"])
    ]
    await world.settle()
    assert (
        next(s for s in world.training()["status"]["steps"] if s["name"] == "Data")["state"]
        == "Unseen"
    )


async def test_relisting_outlives_whatever_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "GAP_SECONDS", 0.0)
    monkeypatch.setattr(changes, "RELIST_BACKOFF_SECONDS", 0.0)
    world = World(kube_type=Broken)
    assert isinstance(world.kube, Broken)
    world.feed.listed()
    relisting = asyncio.create_task(world.feed.keep_relisting())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not relisting.done()
    relisting.cancel()
    assert world.kube.failures > 1


class Broken(FakeKube):
    failures = 0

    async def list_all(self, *_: Any, **__: Any) -> Any:
        self.failures += 1
        raise KeyError("items")


async def test_an_owner_is_read_live_only_where_it_is_unknown_or_doubted() -> None:
    world = World()
    stored = world.add_bot()
    ref = Ref(TRADING_BOTS, NAMESPACE, "btc-paper")
    cache = Cache()
    for _ in range(3):
        assert await cache.read_owner(world.kube, ref) == stored
    assert world.kube.reads == [("get", "tradingbots")]
    cache.doubt(ref)
    assert await cache.read_owner(world.kube, ref) == stored
    assert len(world.kube.reads) == 2


async def test_a_wake_up_without_news_costs_no_read_and_no_write() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.kube.reads.clear()
    written = len(world.kube.writes)
    world.wake_all()
    await world.settle()
    assert world.kube.reads == []
    assert len(world.kube.writes) == written


async def test_an_edit_of_a_bot_that_stands_is_served_before_bots_that_are_new() -> None:
    queue: WorkQueue[Key] = WorkQueue()
    cache = Cache()
    fed = changes.Feed(FakeKube(lambda: ""), NAMESPACE, cache, queue)

    def bot(name: str, version: str, **status: Any) -> Manifest:
        made = job(name, int(version), uid=name, labels={})
        return {**made, "apiVersion": "botcripto.io/v1alpha1", "kind": "TradingBot", **status}

    for number in range(10):
        fed.seen("ADDED", bot(f"new-{number}", "1", status={"observedGeneration": -1}))
    fed.seen("MODIFIED", bot("edited", "2", status={"conditions": [{"type": "Ready"}]}))
    assert (await queue.get()).name == "edited"
    assert (await queue.get()).name == "new-0"


def training(version: int, state: str | None = None) -> Manifest:
    return {
        "apiVersion": "botcripto.io/v1alpha1",
        "kind": "ModelTraining",
        "metadata": {
            "name": "bot-1",
            "namespace": NAMESPACE,
            "uid": "t",
            "resourceVersion": str(version),
        },
        "spec": {"botRef": {"name": "bot"}},
        "status": {"conditions": [{}], "state": state} if state else {"observedGeneration": -1},
    }


async def test_what_an_owner_has_written_itself_wakes_others_only() -> None:
    world = World()
    bot, own = Key(TRADING_BOTS, NAMESPACE, "bot"), Key(MODEL_TRAININGS, NAMESPACE, "bot-1")

    def woken(manifest: Manifest) -> list[Key]:
        world.keys.ready.clear()
        world.feed.seen("MODIFIED", manifest)
        return list(world.keys.ready)

    world.cache.put(training(4))  # made by the bot, and not looked at
    assert woken(training(4)) == [own, bot]
    world.cache.put(training(5, state="Queued"))  # its own status
    assert woken(training(5, state="Queued")) == [bot]
    assert woken(training(6, state="Running")) == [own, bot]
    world.cache.put(job(version=7))
    assert woken(job(version=7)) == []
    assert woken(job(version=8)) == [own]
    assert woken(job(version=8, uid="u2")) == [own]
    assert woken(job(version=8, uid="u2")) == []
    world.keys.ready.clear()
    world.feed.seen("DELETED", job(version=8, uid="u2"))
    assert list(world.keys.ready) == [own]


async def test_whom_nobody_has_looked_at_stands_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    behind: list[Key] = []
    monkeypatch.setattr(world.keys, "add_behind", behind.append)
    world.add_bot()
    for event in world.kube.take_events():
        world.feed.seen(*event)
    assert [key.name for key in behind] == ["btc-paper"]
    assert not world.keys.ready
