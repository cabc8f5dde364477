"""The operator dies before and after every single write, and converges without a second Job."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from bot_operator.api.errors import Conflict, Unavailable
from bot_operator.api.resources import (
    CRON_JOBS,
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    PODS,
    TRADING_BOTS,
    Manifest,
    Ref,
    is_true,
    uid_of,
)
from tests.unit.bot_operator.fakes import FakeKube, Killed
from tests.unit.bot_operator.world import World


async def _tell_story(world: World) -> None:
    world.add_secret("keys")
    world.add_bot()
    world.change_bot(exchange__credentialsSecret="keys")
    await world.settle()


def _ending(world: World) -> dict[str, Any]:
    """Return what must be the same however often the operator died."""
    status = world.status()
    return {
        "model": status["activeModel"]["version"],
        "state": status["state"],
        "conditions": {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]},
        "steps": [(s["name"], s["state"]) for s in world.training()["status"]["steps"]],
        "cron job": world.kube.all(CRON_JOBS)[0]["spec"],
        "objects": sorted(k for k in world.versions() if not k.startswith("Event")),
    }


async def _undisturbed() -> World:
    world = World()
    await _tell_story(world)
    return world


async def test_killed_before_and_after_each_write_it_converges_with_five_jobs() -> None:
    reference = await _undisturbed()
    total = len(reference.kube.writes)
    assert total > 20
    # Before a write is the same as after the one before it.
    for number, moment in [(0, "before"), *((n, "after") for n in range(total))]:
        world = World()
        world.kube.kill_at = (number, moment)
        with pytest.raises(Killed):
            await _tell_story(world)
        world.kube.kill_at = None
        world.restart()
        await world.settle()
        where = f"killed {moment} write {number}: {reference.kube.writes[number]}"
        assert _ending(world) == _ending(reference), where
        assert len(world.kube.created(JOBS)) == 5, where
        assert len(world.kube.created(MODEL_TRAININGS)) == 1, where


async def test_killed_at_a_write_while_finished_jobs_are_deleted_it_creates_no_job_twice() -> None:
    reference = await _undisturbed()
    for number in range(len(reference.kube.writes)):
        world = World()
        world.kube.kill_at = (number, "after")
        with pytest.raises(Killed):
            await _tell_story(world)
        world.kube.kill_at = None
        while world.step():  # Jobs end while the operator is down
            pass
        judged = any("version" in t.get("status", {}) for t in world.kube.all(MODEL_TRAININGS))
        finished = [j for j in world.kube.all(JOBS) if is_true(j, "Complete")]
        for job in finished:
            world.remove(job)
        world.restart()
        await world.settle()
        created = world.kube.created(JOBS)
        assert len(created) == len(set(created)), (number, created)
        # All but the evaluation are judged by what they left in the store.
        lost = not judged and any(j["metadata"]["name"].endswith("-evaluation") for j in finished)
        training = world.training()["status"]
        assert training["state"] == ("Failed" if lost else "Promoted"), (number, training)
        if lost:
            assert training["lastFailure"]["class"] == "OutcomeLost"


async def test_lost_outcome_of_the_evaluation_leads_to_another_attempt() -> None:
    world = World(running=False)
    await _tell_story(world)
    while not any(j["metadata"]["name"].endswith("-evaluation") for j in world.kube.all(JOBS)):
        world.running = True
        job = next(j for j in world.kube.all(JOBS) if not is_true(j, "Complete"))
        world._run_job(job)
        world.running = False
        await world.settle()
    world.running = True
    while world.step():
        pass
    evaluation = next(
        j for j in world.kube.all(JOBS) if j["metadata"]["name"].endswith("-evaluation")
    )
    world.remove(evaluation)
    world.restart()  # the deletion was told to nobody
    await world.settle()
    assert world.status()["lastFailure"]["class"] == "OutcomeLost"
    world.pass_time(60)
    await world.settle()
    assert world.kube.created(MODEL_TRAININGS)[1].endswith("-2")
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")


async def _waiting_for_a_secret() -> World:
    world = World()
    world.add_bot()
    world.change_bot(exchange__credentialsSecret="keys")
    return world


async def _training() -> World:
    world = World(running=False)
    world.add_bot()
    return world


async def _rejected() -> World:
    world = World(promoted=False)
    world.add_bot()
    return world


async def _suspended() -> World:
    world = World()
    world.add_bot()
    world.change_bot(suspend=True)
    return world


async def _failed_image() -> World:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    pod = world.kube.all(PODS)[0]
    waiting = {"reason": "ErrImagePull", "message": "not found"}
    container = {"name": "runtime", "image": "x:1", "state": {"waiting": waiting}}
    world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})
    return world


async def _ready() -> World:
    world = await _undisturbed()
    world.fire()
    return world


async def _failed_for_good() -> World:
    world = World()
    world.failing["Risk"] = {"exitCode": 78, "message": "bad configuration"}
    world.add_bot()
    return world


async def _quantities_spelled_otherwise() -> World:
    world = World()
    world.add_bot()
    world.change_bot(inference__resources={"limits": {"cpu": 1, "memory": "0.5Gi"}})
    return world


@pytest.mark.parametrize(
    "make",
    [
        _waiting_for_a_secret,
        _training,
        _rejected,
        _suspended,
        _failed_image,
        _ready,
        _failed_for_good,
        _quantities_spelled_otherwise,
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_in_steady_state_nothing_is_written(make: Callable[[], Any], restarted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    world: World = await make()
    await world.settle()
    versions, events = world.versions(), len(world.kube.all(EVENTS))
    if restarted:
        world.restart()
    for _ in range(5):
        world.wake_all()
        await world.settle()
    assert world.versions() == versions
    assert len(world.kube.all(EVENTS)) == events
    written = len(world.kube.writes)
    world.wake_all()
    await world.settle()
    assert len(world.kube.writes) == written


class Flaky(FakeKube):
    """An API server that often answers with an error, or acts and then loses the answer."""

    draw = random.Random(11)

    def _write(self, verb: str, ref: Ref, act: Callable[[], Any]) -> Any:
        luck = self.draw.random()
        if luck < 0.2:
            raise self.draw.choice(
                [
                    Unavailable(503, "ServiceUnavailable", "overloaded"),
                    Unavailable(429, "TooManyRequests", "slow down", 1.0),
                    Unavailable(0, "TimeoutError", "no answer"),
                    Conflict(409, "Conflict", "changed meanwhile"),
                ]
            )
        done = super()._write(verb, ref, act)
        if luck > 0.85:
            raise Unavailable(0, "TimeoutError", "the answer was lost")
        return done

    async def get(self, ref: Ref) -> Manifest | None:
        if self.draw.random() < 0.2:
            raise Unavailable(500, "InternalError", "etcd")
        return await super().get(ref)


async def test_errors_and_lost_answers_of_the_api_server_delay_but_change_nothing() -> None:
    reference = await _undisturbed()
    for _ in range(5):
        world = World(kube_type=Flaky)
        await _tell_story(world)
        for _ in range(60):
            world.pass_time(1)
            await world.settle()
        assert _ending(world) == _ending(reference)
        created = world.kube.created(JOBS)
        assert len(created) == len(set(created)) == 5


async def test_manual_drift_of_a_child_is_corrected() -> None:
    world = await _undisturbed()
    cron_job = world.kube.all(CRON_JOBS)[0]
    spec = {**cron_job["spec"], "concurrencyPolicy": "Allow"}
    world.kube.put({**cron_job, "spec": spec})
    await world.settle()
    assert world.kube.all(CRON_JOBS)[0]["spec"]["concurrencyPolicy"] == "Forbid"


async def test_deleted_cron_job_comes_back() -> None:
    world = await _undisturbed()
    world.remove(world.kube.all(CRON_JOBS)[0])
    await world.settle()
    assert len(world.kube.all(CRON_JOBS)) == 1


async def test_a_bot_of_the_same_name_starts_anew_and_never_takes_the_old_ones_children() -> None:
    world = await _undisturbed()
    old = world.kube.one(TRADING_BOTS, "btc-paper")
    world.remove(old)
    world.add_bot()
    await world.settle()
    new = world.kube.one(TRADING_BOTS, "btc-paper")
    assert uid_of(new) != uid_of(old)
    owners = {
        o["uid"] for t in world.kube.all(MODEL_TRAININGS) for o in t["metadata"]["ownerReferences"]
    }
    assert owners == {uid_of(new)}
    assert len(world.kube.created(JOBS)) == 10
