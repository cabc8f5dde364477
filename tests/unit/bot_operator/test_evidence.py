"""Progress, pulled image and peak memory of a training's steps."""

import json

from bot_operator.api.resources import JOBS, PODS, Manifest, name_of, to_time
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import StepError, StepResult, to_message
from tests.unit.bot_operator.world import World

IMAGE_ID = "example.org/train@sha256:" + "a" * 64


def steps(world: World) -> dict[str, Manifest]:
    return {step["name"]: step for step in world.training()["status"]["steps"]}


def say(world: World, fraction: float, **parts: int) -> None:
    line = {"ts": to_time(world.at), "step": "Data", "event": "progress", "fraction": fraction}
    pod = name_of(world.kube.all(PODS)[0])
    world.kube.logs[pod] = world.kube.logs.get(pod, "") + json.dumps({**line, **parts}) + "\n"


async def running_step() -> World:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    return world


async def test_progress_is_told_in_steps_of_ten_percent_and_written_no_oftener() -> None:
    world = await running_step()
    assert "progress" not in steps(world)["Data"]
    say(world, 0.234, epoch=2, epochs=8, eta_seconds=90)
    world.pass_time(15)
    await world.settle()
    assert steps(world)["Data"]["progress"] == {
        "percent": 20,
        "epoch": 2,
        "epochs": 8,
        "estimatedCompletionTime": "2026-03-01T12:01:30Z",
    }
    versions = world.versions()
    for n in range(4):
        say(world, 0.25 + n / 100, epoch=3, epochs=8, eta_seconds=80)
        world.pass_time(15)
        await world.settle()
    assert world.versions() == versions
    say(world, 0.31, epoch=3, epochs=8, eta_seconds=60)
    world.pass_time(15)
    await world.settle()
    assert steps(world)["Data"]["progress"]["percent"] == 30
    world.running = True
    await world.settle()
    assert all("progress" not in step for step in steps(world).values())


async def test_a_log_that_cannot_be_read_or_says_nonsense_changes_nothing() -> None:
    world = await running_step()
    versions = world.versions()
    assert ("get", "pods/log") in world.kube.reads
    pod = name_of(world.kube.all(PODS)[0])
    for log in ("", "progress \x00", '{"event": "progress", "fraction": 9}'):
        world.kube.logs[pod] = log
        world.pass_time(15)
        await world.settle()
    assert world.versions() == versions


async def test_only_pods_of_steps_that_run_are_read() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.kube.reads.clear()
    world.pass_time(3600)
    world.wake_all()
    await world.settle()
    assert ("get", "pods/log") not in world.kube.reads


async def end(world: World, terminated: Manifest, **status: str) -> None:
    """End the running pod of the data step, and its Job with it."""
    pod, job = world.kube.all(PODS)[0], world.kube.all(JOBS)[0]
    state = {"terminated": {**terminated, "finishedAt": to_time(world.at)}}
    container = {"name": "runtime", "imageID": IMAGE_ID, "state": state}
    failed = terminated["exitCode"] != 0
    ended = {"phase": "Failed" if failed else "Succeeded", "containerStatuses": [container]}
    world.kube.put({**pod, "status": {**ended, **status}})
    condition = {
        "type": "Failed" if failed else "Complete",
        "status": "True",
        "reason": "PodFailurePolicy",
        "lastTransitionTime": to_time(world.at),
    }
    world.kube.put({**job, "status": {"conditions": [condition]}})
    await world.settle()


async def test_an_ended_step_shows_the_pulled_image_and_its_peak_memory() -> None:
    world = await running_step()
    message = world.message(world.kube.all(JOBS)[0])
    await end(world, {"exitCode": 0, "message": message})
    data = steps(world)["Data"]
    assert (data["imageID"], data["peakMemory"]) == (IMAGE_ID, "287Mi")


async def test_a_step_that_was_killed_at_its_limit_took_at_least_that() -> None:
    world = await running_step()
    await end(world, {"exitCode": 137, "reason": "OOMKilled"})
    assert steps(world)["Data"]["peakMemory"] == ">=4Gi"
    assert world.training()["status"]["lastFailure"]["class"] == "OutOfMemory"


async def test_a_step_that_failed_says_its_memory_where_it_left_a_result() -> None:
    world = await running_step()
    error = StepError(exit_code=ExitCode.MODEL_UNFIT, message="no parity")
    result = StepResult(step="Data", error=error, peak_memory_bytes=300 * 2**20)
    await end(world, {"exitCode": 67, "message": to_message(result)})
    data = steps(world)["Data"]
    assert (data["imageID"], data["peakMemory"]) == (IMAGE_ID, "300Mi")
    assert data["state"] == "Failed"


async def test_what_another_step_says_of_its_memory_is_not_believed() -> None:
    world = await running_step()
    result = StepResult(step="Trend", peak_memory_bytes=300 * 2**20)
    await end(world, {"exitCode": 1, "message": to_message(result)})
    assert "peakMemory" not in steps(world)["Data"]
