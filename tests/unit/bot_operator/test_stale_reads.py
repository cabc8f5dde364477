"""Lists and watches that are behind: nothing is deleted and no Job is created a second time."""

from typing import Any

import pytest

from bot_operator.api.errors import Conflict
from bot_operator.api.resources import JOBS, MODEL_TRAININGS, TRADING_BOTS, Manifest, Resource
from bot_operator.planning.plans import Plan
from bot_operator.planning.specs import Training
from tests.unit.bot_operator.fakes import FakeKube, Slot
from tests.unit.bot_operator.world import World


class StaleKube(FakeKube):
    """Lists a snapshot of earlier where it has one; single objects are read as they are."""

    stale: "dict[Slot, Manifest] | None" = None
    stale_kinds: frozenset[Resource] = frozenset()

    async def list_all(self, resource: Resource, *given: Any, **more: Any) -> Any:
        if self.stale is None or resource not in self.stale_kinds:
            return await super().list_all(resource, *given, **more)
        now, self.objects = self.objects, self.stale
        try:
            found, _ = await super().list_all(resource, *given, **more)
        finally:
            self.objects = now
        return found, max((int(o["metadata"]["resourceVersion"]) for o in found), default=0)


async def _told_in_snapshots() -> tuple[World, list[dict[Slot, Manifest]]]:
    world = World(kube_type=StaleKube)
    world.add_bot()
    snapshots = []
    for _ in range(400):
        snapshots.append(dict(world.kube.objects))
        if not await world.operate() and not world.step():
            return world, snapshots
    raise AssertionError("no rest")


async def test_an_operator_that_starts_on_old_lists_creates_and_deletes_nothing() -> None:
    count = len((await _told_in_snapshots())[1])
    for number in range(0, count, 2):
        world, snapshots = await _told_in_snapshots()
        for job in world.kube.all(JOBS):  # the second creation of a Job would not be refused
            world.remove(job)
        before, written = world.versions(), len(world.kube.writes)
        assert isinstance(world.kube, StaleKube)
        world.kube.stale = snapshots[number]
        world.kube.stale_kinds = frozenset({JOBS, MODEL_TRAININGS, TRADING_BOTS})
        world.restart()
        for _ in range(5):
            await world.settle()
            world.pass_time(2)
        where = f"started on snapshot {number}: {world.kube.writes[written:]}"
        assert world.versions() == before, where
        created = world.kube.created(JOBS)
        assert len(created) == len(set(created)) == 5, where


async def test_an_old_bot_beside_new_trainings_deletes_none_of_them() -> None:
    world = World(kube_type=StaleKube, running=False)
    world.add_bot()
    await world.settle()
    assert isinstance(world.kube, StaleKube)
    world.kube.stale = dict(world.kube.objects)
    world.kube.stale_kinds = frozenset({TRADING_BOTS})
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    wanted = [t["metadata"]["name"] for t in world.kube.all(MODEL_TRAININGS)]
    assert len(wanted) == 1
    world.restart()
    await world.settle()
    world.pass_time(2)
    await world.settle()
    assert [t["metadata"]["name"] for t in world.kube.all(MODEL_TRAININGS)] == wanted
    assert len(world.kube.created(MODEL_TRAININGS)) == 2


async def test_a_status_is_never_written_over_one_that_was_not_seen() -> None:
    """As a leader does that was stopped in the middle of a write, and goes on."""
    world = World(running=False)
    world.add_bot()
    await world.settle()
    seen = world.training()
    later = {**seen["status"], "image": "example.org/other:2"}
    world.kube.put({**seen, "status": later})
    status = Training(seen).status
    plan = Plan(status.model_copy(update={"state": "Promoted"}))
    with pytest.raises(Conflict):
        await world.reconciler.applier.apply(seen, plan, world.at)
    assert world.training()["status"] == later
