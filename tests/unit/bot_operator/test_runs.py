"""What becomes of an inference run's outcome, above all where its pod does not stay."""

import json

import pytest

from bot_operator.api.resources import (
    JOBS,
    PODS,
    Manifest,
    controller_uid,
    name_of,
    to_time,
    uid_of,
)
from bot_runtime.contract.results import StepResult, to_message
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import World


def pods_of_runs(world: World) -> list[Manifest]:
    return [p for p in world.kube.all(PODS) if "-infer-" in name_of(p)]


def end_run(world: World) -> Manifest:
    """Fire, and let the run end before the operator looks; return its Job."""
    world.pass_time(300)
    job = world.fire()
    while world.step():
        pass
    return world.kube.one(JOBS, name_of(job))


async def test_a_pod_that_is_deleted_with_its_message_unread_still_speaks() -> None:
    world = await ready_world()
    job = end_run(world)
    for pod in pods_of_runs(world):
        world.remove(pod)
    await world.settle()
    status = world.status()
    assert status["lastSignal"]["ts"] == to_time(world.at)
    assert status["lastRun"] == {
        "job": name_of(job),
        "time": to_time(world.at),
        "outcome": "Signal",
        "runDigest": status["lastSignal"]["run_digest"],
    }
    assert status["unseenRuns"] == 0


async def test_a_run_whose_job_is_deleted_too_still_speaks() -> None:
    world = await ready_world()
    world.remove(end_run(world))
    await world.settle()
    assert world.status()["lastSignal"]["ts"] == to_time(world.at)


async def test_of_two_runs_in_one_second_the_one_that_stands_has_the_last_word() -> None:
    """The schedule's history limit deletes the older one."""
    world = await ready_world()
    older = end_run(world)
    await world.settle()
    newer = world.fire(job="btc-paper-infer-by-hand")
    while world.step():
        pass
    world.remove(older)
    await world.settle()
    assert world.status()["lastRun"]["job"] == name_of(newer)
    pod = next(p for p in pods_of_runs(world) if controller_uid(p) == uid_of(newer))
    assert world.status()["lastSignal"]["producedBy"] == uid_of(pod)


async def test_a_failed_run_that_is_deleted_at_once_still_tells_its_class() -> None:
    world = await ready_world()
    world.failing["Inference"] = {"exitCode": 69, "message": "binance: no answer"}
    end_run(world)
    for pod in pods_of_runs(world):
        world.remove(pod)
    await world.settle()
    assert world.status()["lastFailure"]["class"] == "Exchange"
    assert world.status()["lastRun"]["outcome"] == "Failed"


async def test_what_ended_while_the_operator_was_down_is_caught_up() -> None:
    world = await ready_world()
    end_run(world)
    world.restart()
    await world.settle()
    assert world.status()["lastSignal"]["ts"] == to_time(world.at)
    assert world.status()["unseenRuns"] == 0


async def test_a_run_that_nobody_has_seen_is_counted_once_and_told() -> None:
    world = await ready_world()
    before = world.status()["lastSignal"]
    end_run(world)
    for pod in pods_of_runs(world):
        world.remove(pod)
    world.restart()  # nobody has told it of the pod
    await world.settle()
    status = world.status()
    assert (status["unseenRuns"], status["lastRun"]["outcome"]) == (1, "Unseen")
    assert status["lastFailure"]["class"] == "OutcomeLost"
    assert world.condition("Degraded") == ("True", "RunFailed")
    assert status["lastSignal"] == before
    versions = world.versions()
    for _ in range(3):
        world.restart()
        await world.settle()
        world.wake_all()
        await world.settle()
    assert world.versions() == versions
    end_run(world)
    await world.settle()
    status = world.status()
    assert (status["unseenRuns"], status["lastRun"]["outcome"]) == (1, "Signal")
    assert "lastFailure" not in status
    assert world.condition("Degraded") == ("False", "AsExpected")


@pytest.mark.parametrize("failing", [True, False])
async def test_deleting_the_pod_of_a_run_on_record_changes_nothing(
    failing: bool,  # noqa: FBT001 - a column of the table
) -> None:
    world = await ready_world()
    world.failing["Inference"] = {"exitCode": 69, "message": "binance: no answer"}
    end_run(world)
    await world.settle()
    if not failing:
        world.failing.clear()
        end_run(world)
        await world.settle()
    status, last = world.status(), world.status()["lastRun"]["job"]
    for pod in pods_of_runs(world):
        if name_of(pod).startswith(last):
            world.remove(pod)
    for restarted in (False, True):
        if restarted:
            world.restart()
        world.wake_all()
        await world.settle()
        assert world.status() == status


async def test_a_pod_without_times_is_judged_the_same_at_every_look() -> None:
    """A pod that its node has refused has no container that ended."""
    world = await ready_world()
    world.running = False
    world.pass_time(300)
    world.fire()
    await world.settle()
    pod = pods_of_runs(world)[-1]
    refused = {"phase": "Failed", "reason": "OutOfcpu", "message": "enough resource: cpu"}
    world.kube.put({**pod, "status": refused})
    await world.settle()
    assert world.status()["lastFailure"]["class"] == "Unschedulable"
    versions = world.versions()
    world.pass_time(20)
    world.wake_all()
    await world.settle()
    assert world.versions() == versions


async def test_a_pod_that_cannot_pull_its_image_is_the_last_failure_until_it_runs() -> None:
    world = await ready_world()
    world.running = False
    world.pass_time(300)
    world.fire()
    await world.settle()
    pod = pods_of_runs(world)[-1]
    waiting = {"reason": "ErrImagePull", "message": "no such host"}
    container = {"name": "runtime", "image": "x:1", "state": {"waiting": waiting}}
    world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})
    await world.settle()
    failure = world.status()["lastFailure"]
    assert (failure["class"], failure["pod"]) == ("ImagePull", name_of(pod))
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x:1": ErrImagePull: no such host'}  # fmt: skip # noqa: E501 - as the kubelet says it
    container = {"name": "runtime", "image": "x:1", "state": {"waiting": waiting}}
    versions = world.versions()
    stored = world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})  # fmt: skip # noqa: E501 - one object
    await world.settle()
    changed = {k for k, v in world.versions().items() if versions[k] != v}
    assert changed == {f"Pod/{name_of(pod)}"}
    world.running = True
    world.kube.put({**stored, "status": {"phase": "Running"}})
    await world.settle()
    assert "lastFailure" not in world.status()
    assert world.condition("Stalled")[0] == "False"


async def test_a_training_that_waits_shows_why_and_forgets_it_when_it_goes_on() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    pod = world.kube.all(PODS)[0]
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    container = {"name": "runtime", "image": "x:1", "state": {"waiting": waiting}}
    world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})
    await world.settle()
    for status in (world.training()["status"], world.status()):
        assert status["lastFailure"]["class"] == "ImagePull"
        assert status["lastFailure"]["step"] == "Data"
    world.kube.put({**pod, "status": {"phase": "Running"}})
    await world.settle()
    assert "lastFailure" not in world.training()["status"]
    assert "lastFailure" not in world.status()


@pytest.mark.parametrize("step", ["Data", "Trend", "Evaluation"])
async def test_a_step_whose_pod_and_job_are_deleted_at_once_is_still_recorded(step: str) -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    for name in ("Data", "Trend", "Return", "Risk", "Evaluation"):
        job = next(j for j in world.kube.all(JOBS) if name_of(j).endswith(name.lower()))
        world.running = True
        world._run_job(job)
        world.running = False
        if name == step:
            world.remove(world.kube.one(JOBS, name_of(job)))
        await world.settle()
    states = {s["name"]: s["state"] for s in world.training()["status"]["steps"]}
    assert set(states.values()) == {"Succeeded"}
    assert world.training()["status"]["state"] == "Promoted"


async def test_a_step_is_recorded_before_its_job_is_complete() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    job, pod = world.kube.all(JOBS)[0], world.kube.all(PODS)[0]
    terminated = {"exitCode": 0, "message": world.message(job), "finishedAt": to_time(world.at)}
    container = {"name": "runtime", "state": {"terminated": terminated}}
    world.kube.put({**pod, "status": {"phase": "Succeeded", "containerStatuses": [container]}})
    await world.settle()
    assert world.training()["status"]["steps"][0]["state"] == "Succeeded"


async def test_a_message_for_another_bot_of_the_same_version_is_not_believed() -> None:
    world = await ready_world()
    world.add_bot("other")
    await world.settle()
    before = world.status()
    foreign: list[str] = []

    def borrow(job: Manifest) -> str:
        del world.messages["Inference"]
        foreign.append(world.message(world.fire("other")))
        return foreign[0]

    world.messages["Inference"] = borrow
    end_run(world)
    await world.settle()
    assert json.loads(foreign[0])["runDigest"] != before["lastSignal"]["run_digest"]
    assert world.status()["lastSignal"] == before["lastSignal"]
    assert "speaks for run configuration" in world.status()["lastFailure"]["message"]


@pytest.mark.parametrize("text", ["\ufffd" * 1365, "[" * 4096, "\x00\x1b[2J" * 500, "null", "{}"])
async def test_a_training_step_that_leaves_nonsense_fails_and_nothing_else_does(text: str) -> None:
    world = World()
    world.messages["Trend"] = lambda _: text
    world.add_bot()
    await world.settle()
    failure = world.training()["status"]["lastFailure"]
    assert (failure["step"], failure["class"]) == ("Trend", "Crash")
    assert "\x1b" not in failure["message"]


async def test_a_step_cannot_speak_for_another_step() -> None:
    world = World()
    world.messages["Trend"] = lambda _: to_message(StepResult(step="Evaluation"))
    world.add_bot()
    await world.settle()
    message = world.training()["status"]["lastFailure"]["message"]
    assert message == "the step left the result of step Evaluation, not of Trend"
