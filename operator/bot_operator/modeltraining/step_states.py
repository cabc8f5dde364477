"""Checks on the steps of a training: where each stands, judged from its Job and pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import ValidationError

from bot_operator.api.resources import Manifest, condition_of, is_true, name_of, to_time, uid_of
from bot_operator.modeltraining.evidence import with_evidence, with_progress
from bot_operator.signs.container_ends import finished_at, termination_of
from bot_operator.signs.pod_failures import Scene, diagnose_job, diagnose_pod, keep_known
from bot_operator.signs.pod_waits import Obstacles, Trouble, find_trouble
from bot_operator.signs.termination_messages import (
    Unreadable,
    parse_result,
    read_result,
)
from bot_runtime.contract import names
from bot_runtime.contract.failures import HEALS_BY_WAITING, MESSAGE_MAX, FailureClass, LastFailure
from bot_runtime.contract.progress import ProgressLine
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.contract.steps import Step
from bot_runtime.contract.stepstatus import PASSED, STEP_MESSAGE_MAX, StepStatus
from bot_runtime.contract.trainingstatus import ModelTrainingStatus

FINAL = PASSED | {"Failed", "Skipped"}
_BLAMES_THE_STORE = frozenset({FailureClass.ARTIFACT, FailureClass.DATA, FailureClass.STORAGE})


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step's Job and its pods; a Job that is absent here was confirmed to be absent."""

    job: Manifest | None = None
    pods: tuple[Manifest, ...] = ()
    obstacles: Obstacles = field(default_factory=Obstacles)
    progress: ProgressLine | None = None
    """What its running pod has last said."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Where a step stands now."""

    step: StepStatus
    failure: LastFailure | None = None
    """Why it has failed for good."""
    result: StepResult | None = None
    trouble: Trouble | None = None
    """Why its pod waits."""
    setback: LastFailure | None = None
    """Why its last pod failed, while the Job goes on trying."""


def is_final(before: ModelTrainingStatus) -> bool:
    """Tell whether the status records how the training ended."""
    recorded = before.version is not None or before.last_failure is not None
    return recorded and before.completion_time is not None


def recorded_steps(before: ModelTrainingStatus) -> dict[Step, StepStatus]:
    """Return the steps on record, by name; none where they have ended it and no outcome is known.

    Both are written at once, so somebody else has written such a status: its Jobs are asked again.
    """
    steps: dict[Step, StepStatus] = {step.name: step for step in before.steps}
    ended = any(s.state in {"Failed", "Skipped"} for s in before.steps)
    if "Evaluation" in steps and steps["Evaluation"].state in FINAL:
        ended = True
    return {} if ended and not is_final(before) else steps


def judge_step(
    before: StepStatus,
    seen: StepSeen,
    run_digest: str,
    now: datetime,
    known: LastFailure | None = None,
) -> Judged:
    """Return where a step stands; what was final stays as it was recorded.

    `known` is the failure on record: what the step waited for, or why its last pod failed.
    """
    if before.state in FINAL:
        return Judged(before)
    job = seen.job
    if job is None or (before.job_uid is not None and before.job_uid != uid_of(job)):
        return _judge_absent(before, seen.pods, run_digest, now)
    step = before.model_copy(
        update={
            "job": name_of(job),
            "job_uid": uid_of(job),
            "start_time": job.get("status", {}).get("startTime"),
            "state": "Pending" if job["spec"].get("suspend") else "Running",
        }
    )
    if is_true(job, "Complete") or _success_texts(seen.pods):
        # A pod has said its word before its Job is Complete, and may be deleted meanwhile.
        return _judge_complete(step, job, seen.pods, run_digest, now)
    if is_true(job, "Failed"):
        return _judge_failed(step, job, seen.pods, now, known)
    step = with_progress(step, seen.progress)
    trouble = find_trouble(Scene(step.name, job), seen.pods, seen.obstacles, now)
    return _with_setback(Judged(step, trouble=trouble), job, seen.pods, known)


def next_steps(states: Mapping[Step, str]) -> tuple[Step, ...]:
    """Return the steps whose turn it is, ended ones included."""
    if states["Data"] not in PASSED:
        return ("Data",)
    if not all(states[step] in PASSED for step in OBJECTIVES):
        return OBJECTIVES
    return ("Evaluation",)


def explain_failure(failure: LastFailure, states: Mapping[Step, str]) -> LastFailure:
    """Return the failure, put down to a Job whose outcome nobody saw where that is the cause."""
    unseen = [step for step, state in states.items() if state == "Unseen"]
    if not unseen or failure.failure_class not in _BLAMES_THE_STORE:
        return failure
    text = (
        f"the Job of {', '.join(unseen)} was deleted before its outcome was read, and then: "
        f"{failure.message}"
    )
    update = {
        "failure_class": FailureClass.OUTCOME_LOST,
        "message": text[:MESSAGE_MAX],
        "retryable": True,
    }
    return failure.model_copy(update=update)


def _judge_absent(
    before: StepStatus, gone: Sequence[Manifest], run_digest: str, now: datetime
) -> Judged:
    if before.job_uid is None:
        return Judged(before)
    if _success_texts(gone):
        return _judge_complete(before, {}, gone, run_digest, now)
    text = "its Job was deleted before its outcome was read"
    if before.name != "Evaluation":
        later = f"{text}; the next step judges what it left in the store"
        return Judged(before.model_copy(update={"state": "Unseen", "message": later}))
    return _lost(before, text, to_time(now))


def describe_setback(setback: LastFailure) -> str:
    """Return in words that a pod failed and is tried again."""
    return f"a pod failed and is tried again ({setback.failure_class.value}): {setback.message}"


def _with_setback(
    judged: Judged, job: Manifest, pods: Sequence[Manifest], known: LastFailure | None
) -> Judged:
    """Return the judgement with what made the last pod fail, while the Job goes on trying."""
    fallen = sorted(
        (p for p in pods if p.get("status", {}).get("phase") == "Failed"), key=finished_at
    )
    if not fallen:
        return judged
    step = judged.step
    found = diagnose_pod(Scene(step.name, job, fallen[-1]), finished_at(fallen[-1]))
    setback = keep_known(known, found)
    told = step.model_copy(update={"message": describe_setback(setback)[:STEP_MESSAGE_MAX]})
    return replace(judged, step=told, setback=setback)


def _judge_complete(
    known: StepStatus, job: Manifest, pods: Sequence[Manifest], run_digest: str, now: datetime
) -> Judged:
    at = max((finished_at(pod) for pod in pods), default="")
    ended = job.get("status", {}).get("completionTime") or at or to_time(now)
    done = known.model_copy(update={"state": "Succeeded", "completion_time": ended})
    texts = _success_texts(pods)
    if not texts:
        if known.name == "Evaluation":
            return _lost(done, "its pod was deleted before its result was read", ended)
        return Judged(done.model_copy(update={"message": "its pod is gone; no result was read"}))
    result = read_result(texts[0], known.name, run_digest)
    read = result if isinstance(result, StepResult) else None
    done = with_evidence(done, job, pods, read)
    found = result if isinstance(result, Unreadable) else _lacks(result)
    if isinstance(result, StepResult) and found is None:
        return Judged(
            _with_result(done, result, _preflight_warnings(pods, run_digest)), result=result
        )
    assert found is not None
    kind = FailureClass.CONFIGURATION if found.other_contract else FailureClass.CRASH
    return _failed(done, kind, f"the step {found.found}", ended)


def _judge_failed(
    step: StepStatus,
    job: Manifest,
    pods: Sequence[Manifest],
    now: datetime,
    known: LastFailure | None,
) -> Judged:
    failure = diagnose_job(step.name, job, pods, to_time(now), known)
    ended = (condition_of(job, "Failed") or {}).get("lastTransitionTime") or to_time(now)
    update = {"state": "Failed", "completion_time": ended, "message": failure.message}
    failed = with_evidence(step.model_copy(update=update), job, pods, _last_result(step, pods))
    return Judged(failed, failure=failure)


def _lacks(result: StepResult) -> Unreadable | None:
    """Tell what a step's result must hold and does not."""
    if result.error is not None:
        return Unreadable(f"ended with success and an error: {result.error.message}")
    if result.step in OBJECTIVES and (
        result.objective is None or result.objective.objective != result.step
    ):
        return Unreadable("left a result without its objective")
    if result.step == "Evaluation" and result.evaluation is None:
        return Unreadable("left a result without an evaluation")
    return None


def _preflight_warnings(pods: Sequence[Manifest], run_digest: str) -> tuple[str, ...]:
    for pod in pods:
        text = _success_message(pod, names.PREFLIGHT_CONTAINER_NAME)
        result = read_result(text or "", "Preflight", run_digest)
        if isinstance(result, StepResult):
            return result.warnings
    return ()


def _with_result(done: StepStatus, result: StepResult, warnings: tuple[str, ...]) -> StepStatus:
    objective = result.objective
    said = [*warnings, *result.warnings]
    if result.data is not None:
        data = result.data
        said.insert(0, f"{data.candles} candles from {data.first_open} to {data.last_close}")
    return done.model_copy(
        update={
            "algorithm": objective.algorithm if objective else None,
            "metrics": objective.metrics if objective else None,
            "artifact_sha256": objective.artifact_sha256 if objective else None,
            "message": "; ".join(said)[:STEP_MESSAGE_MAX] or None,
        }
    )


def _last_result(step: StepStatus, pods: Sequence[Manifest]) -> StepResult | None:
    """Return what the last failed pod said of itself, where it is a result of this step."""
    last = max(pods, key=finished_at, default=None)
    text = "" if last is None else str((termination_of(last) or {}).get("message") or "")
    try:
        result = parse_result(text)
    except ValidationError:
        return None
    return result if result.step == step.name else None


def _success_texts(pods: Sequence[Manifest]) -> list[str]:
    texts = (_success_message(pod, names.CONTAINER_NAME) for pod in pods)
    return [text for text in texts if text is not None]


def _success_message(pod: Manifest, container: str) -> str | None:
    ended = termination_of(pod, container)
    if ended is None or ended.get("exitCode") != 0:
        return None
    return str(ended.get("message") or "")


def _lost(step: StepStatus, text: str, at: str) -> Judged:
    return _failed(step, FailureClass.OUTCOME_LOST, text, at)


def _failed(step: StepStatus, kind: FailureClass, text: str, at: str) -> Judged:
    failure = LastFailure(
        step=step.name,
        job=step.job,
        failure_class=kind,
        message=text[:MESSAGE_MAX],
        time=at,
        retryable=kind in HEALS_BY_WAITING,
    )
    update = {"state": "Failed", "completion_time": at, "message": text[:MESSAGE_MAX]}
    return Judged(step.model_copy(update=update), failure=failure)
