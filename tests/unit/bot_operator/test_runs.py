"""What becomes of an inference run's outcome, above all where its pod does not stay."""

import json
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from bot_operator.api.resources import (
    CRON_JOBS,
    JOBS,
    PODS,
    Manifest,
    controller_uid,
    name_of,
    to_time,
    uid_of,
)
from bot_runtime.contract import names
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


RUNNING: Manifest = {"running": {}}
OF_THE_DECISION = (
    "state",
    "conditions",
    "activeModel",
    "unusableVersions",
    "lastSignal",
    "signals",
    "lastRun",
    "unseenRuns",
    "lastFailure",
)
"""Fields of the status that the container that decides has a say in, and no other one."""


OF_TRADING = ("TradingAllowed", "Reconciled")


class TwoContainers:
    """A run whose pod has a second container, told of as its kubelet does."""

    def __init__(self, world: World) -> None:
        world.running = False
        world.pass_time(300)
        self.world, self.job = world, world.fire()
        self.states = {"runtime": RUNNING, "trade": RUNNING}

    async def begin(self) -> None:
        await self.world.settle()
        self.job = self.put_job()

    async def end(self, container: str, terminated: Manifest | str, after: float = 1) -> None:
        """End a container, by a state of its own or with the message of a decision."""
        if isinstance(terminated, str):
            terminated = {"exitCode": 0, "reason": "Completed", "message": terminated}
        self.world.pass_time(after)
        at = {"finishedAt": to_time(self.world.at), "startedAt": to_time(self.world.at)}
        self.states[container] = {"terminated": {**terminated, **at}}
        await self.tell()

    async def tell(self, **status: Any) -> None:
        """Have the kubelet tell of the pod, and the Job's controller of its end."""
        containers = [{"name": name, "state": state} for name, state in self.states.items()]
        ends = [state.get("terminated") for state in self.states.values()]
        phase = "Running"
        if any("waiting" in state for state in self.states.values()):
            phase = "Pending"
        elif all(ends):
            phase = "Failed" if any(end["exitCode"] for end in ends if end) else "Succeeded"
        told = {"phase": phase, "containerStatuses": containers, **status}
        if status.get("phase") == "Failed":
            phase = "Failed"
        self.world.kube.put({**self.pod, "status": {**self.pod["status"], **told}})
        if phase in {"Succeeded", "Failed"}:
            self.end_job("Failed" if phase == "Failed" else "Complete")
        await self.world.settle()

    def end_job(self, kind: str, reason: str = "BackoffLimitExceeded") -> None:
        at = to_time(self.world.at)
        condition = {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": at}
        self.put_job(status={"conditions": [condition]})

    def put_job(self, **parts: Any) -> Manifest:
        return self.world.kube.put({**self.world.kube.one(JOBS, name_of(self.job)), **parts})

    @property
    def pod(self) -> Manifest:
        return next(p for p in self.world.kube.all(PODS) if controller_uid(p) == uid_of(self.job))

    @property
    def decision(self) -> str:
        return self.world.message(self.job)


async def two_containers() -> TwoContainers:
    run = TwoContainers(await ready_world())
    await run.begin()
    return run


def of_the_decision(world: World) -> Manifest:
    """Return what of the status the decision settles, without how long ago that was."""
    found: Manifest = {key: world.status().get(key) for key in OF_THE_DECISION}
    found["conditions"] = [c for c in found["conditions"] if c["type"] not in OF_TRADING]
    return found


DECIDING: dict[str, Manifest | None] = {
    "decides": None,
    "no answer": {"exitCode": 69, "message": "binance: no answer"},
    "version unusable": {"exitCode": 66, "message": "the manifest is missing"},
    "out of memory": {"exitCode": 137, "reason": "OOMKilled"},
}
TRADING: tuple[Manifest | str, ...] = (
    "{}",
    {"exitCode": 66, "message": "the journal's file is corrupt"},
    {"exitCode": 137, "reason": "OOMKilled"},
)


@pytest.mark.parametrize("deciding", DECIDING)
async def test_what_becomes_of_the_second_container_is_nothing_to_the_decision(
    deciding: str,
) -> None:
    alone = await two_containers()
    await alone.end("runtime", DECIDING[deciding] or alone.decision)
    expected = of_the_decision(alone.world)
    for trading in TRADING:
        for order in permutations(("runtime", "trade")):
            run = await two_containers()
            for container in order:
                own = trading if container == "trade" else DECIDING[deciding] or run.decision
                await run.end(container, own, after=1 if container == "runtime" else 0)
            assert of_the_decision(run.world) == expected
            run.world.restart()
            run.world.wake_all()
            await run.world.settle()
            assert of_the_decision(run.world) == expected


async def test_a_decision_counts_while_the_second_container_runs_or_cannot_begin() -> None:
    for second in (RUNNING, {"waiting": {"reason": "CreateContainerError", "message": "no"}}):
        run = await two_containers()
        run.states["trade"] = second
        await run.end("runtime", run.decision)
        assert run.world.status()["lastSignal"]["producedBy"] == uid_of(run.pod)
        assert "lastFailure" not in run.world.status()
        assert run.world.condition("Ready") == ("True", "BotReady")
        assert run.world.condition("Stalled")[0] == "False"


async def test_a_run_of_which_only_the_second_container_has_ended_is_under_way() -> None:
    run = await two_containers()
    before = of_the_decision(run.world)
    await run.end("trade", {"exitCode": 74, "message": "journal: disk full"})
    assert of_the_decision(run.world) == before


async def test_a_decision_counts_although_its_pod_is_past_the_deadline() -> None:
    run = await two_containers()
    await run.end("runtime", run.decision)
    await run.end("trade", {"exitCode": 143}, after=300)
    await run.tell(phase="Failed", reason="DeadlineExceeded")
    assert run.world.status()["lastSignal"]["producedBy"] == uid_of(run.pod)
    assert run.world.status()["lastRun"]["outcome"] == "Signal"
    assert "lastFailure" not in run.world.status()


async def test_a_run_that_its_pods_deadline_ends_has_that_class() -> None:
    run = await two_containers()
    await run.end("trade", "{}")
    began = to_time(run.world.at - timedelta(seconds=1))
    limit = run.pod["spec"]["activeDeadlineSeconds"]
    run.world.pass_time(limit)
    await run.tell(phase="Failed", reason="DeadlineExceeded", startTime=began)
    await run.end("runtime", {"exitCode": 143}, after=1)
    failure = run.world.status()["lastFailure"]
    assert (failure["class"], "exitCode" in failure) == ("Deadline", False)
    assert f"longer than its {limit} s" in failure["message"]


async def test_a_pod_that_its_jobs_deadline_deletes_was_too_late_and_not_evicted() -> None:
    run = await two_containers()
    run.end_job("Failed", "DeadlineExceeded")
    deleted = {**run.pod["metadata"], "deletionTimestamp": to_time(run.world.at)}
    run.world.kube.put({**run.pod, "metadata": deleted})
    await run.world.settle()
    assert run.world.status()["lastFailure"]["class"] == "Deadline"
    await run.end("runtime", {"exitCode": 143}, after=30)
    assert run.world.status()["lastFailure"]["class"] == "Deadline"


async def test_a_pod_that_is_being_deleted_may_still_decide() -> None:
    """Its Job has failed the moment that somebody deleted it."""
    run = await two_containers()
    deleted = {**run.pod["metadata"], "deletionTimestamp": to_time(run.world.at)}
    run.world.kube.put({**run.pod, "metadata": deleted})
    run.end_job("Failed")
    await run.world.settle()
    assert "lastFailure" not in run.world.status()
    await run.end("runtime", run.decision)
    assert run.world.status()["lastRun"]["outcome"] == "Signal"
    assert run.world.status()["unseenRuns"] == 0


async def test_a_decision_speaks_though_its_pod_is_gone_before_the_second_end() -> None:
    run = await two_containers()
    uid = uid_of(run.pod)
    container = {"exitCode": 0, "message": run.decision, "finishedAt": to_time(run.world.at)}
    status = {"name": "runtime", "state": {"terminated": container}}
    run.world.kube.put({**run.pod, "status": {"phase": "Running", "containerStatuses": [status]}})
    run.world.remove(run.pod)
    run.end_job("Failed")
    await run.world.settle()
    assert run.world.status()["lastSignal"]["producedBy"] == uid
    assert run.world.status()["unseenRuns"] == 0


@pytest.mark.parametrize(
    ("kind", "reason", "outcome"),
    [
        ("Complete", "CompletionsReached", "Unseen"),
        ("Failed", "BackoffLimitExceeded", "Unseen"),
        ("Failed", "DeadlineExceeded", "Failed"),
    ],
)
async def test_a_failed_job_without_its_pod_does_not_say_that_nothing_was_decided(
    kind: str, reason: str, outcome: str
) -> None:
    run = await two_containers()
    run.world.cache.drop(run.pod)
    run.world.remove(run.pod)
    run.world.restart()
    run.end_job(kind, reason)
    await run.world.settle()
    status = run.world.status()
    assert (status["lastRun"]["outcome"], status["unseenRuns"]) == (outcome, outcome == "Unseen")
    assert status["lastFailure"]["class"] == {"Unseen": "OutcomeLost"}.get(outcome, "Deadline")


async def test_a_pods_deadline_comes_with_an_upgrade_and_ends_or_repeats_nothing() -> None:
    """The CronJob of the release before has a deadline of its Jobs alone."""
    world = await ready_world()
    cron_job = world.kube.one(CRON_JOBS, "btc-paper-infer")
    older = json.loads(json.dumps(cron_job))
    job = older["spec"]["jobTemplate"]["spec"]
    limit = job["template"]["spec"].pop("activeDeadlineSeconds")
    job["activeDeadlineSeconds"] = limit
    older["metadata"]["annotations"][names.ANNOTATION_SPEC_DIGEST] = "of another release"
    world.kube.put(older)
    world.running = False
    world.pass_time(300)
    world.fire()
    while world.step():
        pass
    before = world.versions()
    world.restart()
    await world.settle()
    changed = {k for k, v in world.versions().items() if before.get(k) != v}
    assert changed == {"CronJob/btc-paper-infer"}
    template = world.kube.one(CRON_JOBS, "btc-paper-infer")["spec"]["jobTemplate"]["spec"]
    assert template["template"]["spec"]["activeDeadlineSeconds"] == limit
    assert template["activeDeadlineSeconds"] > limit
    world.running = True
    await world.settle()
    assert world.status()["lastSignal"]["ts"] == to_time(world.at)
