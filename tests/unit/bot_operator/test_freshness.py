"""SignalFresh: decided at its threshold by time alone, with the reason found."""

from datetime import timedelta

import pytest

from bot_operator.api.resources import CRON_JOBS, PODS, Manifest, name_of, uid_of
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import NAMESPACE, START, World

RUN_SECONDS = 120
"""Deadline of a run; the bot decides every five minutes, and last did at 12:00."""
PULLING = {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}
UNPLACED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "lastTransitionTime": "2026-03-01T12:05:00Z",
}
THRESHOLD = START + timedelta(minutes=10, seconds=RUN_SECONDS)


async def _until(world: World, seconds_before: float) -> None:
    world.at = THRESHOLD - timedelta(seconds=seconds_before)
    await world.settle()


async def _fired_and_waiting(world: World) -> Manifest:
    world.running = False
    world.pass_time(300)
    world.fire()
    await world.settle()
    return next(p for p in world.kube.all(PODS) if "-infer-" in name_of(p) and _runs(p))


def _runs(pod: Manifest) -> bool:
    return bool(pod["status"]["phase"] == "Running")


async def test_it_turns_false_exactly_at_the_threshold_and_true_with_the_next_signal() -> None:
    world = await ready_world()
    await _until(world, 1)
    assert world.condition("SignalFresh") == ("True", "SignalReceived")
    await _until(world, 0)
    assert world.condition("SignalFresh") == ("False", "SignalStale")
    assert "the CronJob has never fired" in world.message_of("SignalFresh")
    assert world.condition("Ready") == ("True", "BotReady")
    world.fire()
    await world.settle()
    assert world.condition("SignalFresh") == ("True", "SignalReceived")


async def test_the_time_of_the_last_firing_is_told() -> None:
    world = await ready_world()
    cron_job = world.kube.all(CRON_JOBS)[0]
    world.kube.put({**cron_job, "status": {"lastScheduleTime": "2026-03-01T12:00:00Z"}})
    await _until(world, 0)
    assert "last fired at 2026-03-01T12:00:00Z" in world.message_of("SignalFresh")


async def test_a_failed_run_is_the_reason_with_its_class() -> None:
    world = await ready_world()
    world.failing["Inference"] = {"exitCode": 69, "message": "binance: no answer"}
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("SignalFresh")[0] == "True"
    await _until(world, 0)
    assert world.condition("SignalFresh") == ("False", "RunFailed")
    assert "(Exchange): binance: no answer" in world.message_of("SignalFresh")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"containerStatuses": [{"name": "runtime", "state": PULLING}]}, "ImagePullFailed"),
        ({"conditions": [UNPLACED]}, "Unschedulable"),
    ],
)
async def test_a_pod_that_waits_is_the_reason(status: Manifest, reason: str) -> None:
    world = await ready_world()
    pod = await _fired_and_waiting(world)
    world.kube.put({**pod, "status": {"phase": "Pending", **status}})
    await _until(world, 0)
    assert world.condition("SignalFresh") == ("False", reason)


async def test_a_refused_pod_is_the_reason() -> None:
    world = await ready_world()
    world.admitting = False
    world.pass_time(300)
    job = world.fire()
    await world.settle()
    words = 'Error creating: pods "x" is forbidden: exceeded quota: q'
    world.kube.put(_refusal(job, words))
    world.pass_time(10)
    await world.settle()
    assert world.status()["lastFailure"]["class"] == "Quota"
    await _until(world, 0)
    assert world.condition("SignalFresh") == ("False", "PodRefused")


async def test_a_cron_job_that_may_not_create_jobs_is_the_reason() -> None:
    world = await ready_world()
    words = 'Error creating job: jobs.batch "btc-paper-infer-1" is forbidden: exceeded quota: q'
    world.kube.put(_refusal(world.kube.all(CRON_JOBS)[0], words))
    await _until(world, 0)
    assert world.condition("SignalFresh") == ("False", "PodRefused")
    told = world.message_of("SignalFresh")
    assert told.endswith("the CronJob may not create its Job: exceeded quota: q")


async def test_a_resumed_bot_has_two_schedules_to_decide_again() -> None:
    world = await ready_world()
    world.change_bot(suspend=True)
    await world.settle()
    assert world.condition("SignalFresh") == ("Unknown", "Suspended")
    world.pass_time(86_400)
    world.change_bot(suspend=False)
    await world.settle()
    assert world.condition("SignalFresh") == ("Unknown", "WaitingForSignal")
    world.pass_time(10 * 60 + RUN_SECONDS)
    await world.settle()
    assert world.condition("SignalFresh") == ("False", "SignalStale")


async def test_a_decision_before_the_resumption_was_noted_counts() -> None:
    """The operator died after it had resumed the CronJob, and came back when a run had decided."""
    world = await ready_world()
    world.change_bot(suspend=True)
    await world.settle()
    world.pass_time(86_400)
    world.change_bot(suspend=False)
    cron_job = world.kube.all(CRON_JOBS)[0]
    world.kube.put({**cron_job, "spec": {**cron_job["spec"], "suspend": False}})
    world.fire()
    while world.step():
        pass
    world.pass_time(20)
    world.restart()
    await world.settle()
    assert world.condition("SignalFresh") == ("True", "SignalReceived")


def _refusal(creator: Manifest, words: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name_of(creator)}.1", "namespace": NAMESPACE},
        "involvedObject": {"uid": uid_of(creator)},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": words,
    }
