"""The status of a training in words once it has ended, or where its spec cannot be read."""

from datetime import datetime

from bot_operator.api.resources import to_time
from bot_operator.modeltraining.step_states import FINAL
from bot_operator.planning.conditions import ConditionSet
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.conditions import TrainingCondition as Kind
from bot_runtime.contract.failures import FailureClass, LastFailure
from bot_runtime.contract.results import EvaluationResult, StepResult
from bot_runtime.contract.stepstatus import StepStatus
from bot_runtime.contract.trainingstatus import ModelTrainingStatus, TrainingState, VersionStatus


def refuse_spec(
    before: ModelTrainingStatus, conditions: ConditionSet, generation: int, problem: str
) -> ModelTrainingStatus:
    """Return the status of a training whose spec cannot be read."""
    conditions.set(Kind.READY, "False", Reason.INVALID_SPEC, problem)
    conditions.set(Kind.STALLED, "True", Reason.INVALID_SPEC, problem)
    conditions.set(Kind.RECONCILING, "False", Reason.INVALID_SPEC)
    return before.model_copy(
        update={"observed_generation": generation, "conditions": conditions.all()}
    )


def conclude(
    known: ModelTrainingStatus,
    conditions: ConditionSet,
    evaluation: StepResult | None,
    failure: LastFailure | None,
    now: datetime,
) -> ModelTrainingStatus:
    """Return the final status of a training that has ended, and set its conditions."""
    if failure is not None:
        return _conclude_failed(known, conditions, failure)
    assert evaluation is not None
    assert evaluation.evaluation is not None
    return _conclude_complete(known, conditions, evaluation, evaluation.evaluation, now)


def restate(
    before: ModelTrainingStatus, conditions: ConditionSet, generation: int
) -> ModelTrainingStatus:
    """Return a final status with the conditions that follow from its record.

    They are the same as before unless somebody wrote over them.
    """
    for kind in (Kind.SECRETS_VALID, Kind.STORAGE_READY):
        found = conditions.before(kind)
        if found is not None:
            conditions.set(kind, found.status, found.reason, found.message)
    failure = before.last_failure if before.version is None else None
    if before.version is not None:
        state = _tell_complete(conditions, before.version)
    else:
        assert failure is not None
        state = _tell_failed(conditions, failure)
    return before.model_copy(
        update={
            "observed_generation": generation,
            "state": state,
            "last_failure": failure,
            "conditions": conditions.all(),
        }
    )


def _tell_failed(conditions: ConditionSet, failure: LastFailure) -> TrainingState:
    lost = failure.failure_class is FailureClass.OUTCOME_LOST
    reason = Reason.OUTCOME_LOST if lost else Reason.STEP_FAILED
    text = f"{failure.step} failed ({failure.failure_class.value}): {failure.message}"
    conditions.set(Kind.READY, "False", reason, text)
    conditions.set(Kind.FAILED, "True", reason, text)
    conditions.set(Kind.COMPLETE, "False", reason)
    conditions.set(Kind.PROMOTED, "False", reason)
    conditions.set(Kind.STALLED, "True", reason, text)
    conditions.set(Kind.RECONCILING, "False", reason)
    return "Failed"


def _tell_complete(conditions: ConditionSet, version: VersionStatus) -> TrainingState:
    promoted = version.promoted
    text = f"version {version.version} " + (
        "passed the gate" if promoted else "did not pass the gate: " + _join(version.reasons)
    )
    verdict = Reason.GATE_PASSED if promoted else Reason.GATE_REJECTED
    conditions.set(Kind.READY, "True", Reason.ALL_STEPS_SUCCEEDED, text)
    conditions.set(Kind.COMPLETE, "True", Reason.ALL_STEPS_SUCCEEDED, text)
    conditions.set(Kind.FAILED, "False", Reason.ALL_STEPS_SUCCEEDED)
    conditions.set(Kind.PROMOTED, "True" if promoted else "False", verdict, text)
    conditions.set(Kind.STALLED, "False", Reason.ALL_STEPS_SUCCEEDED)
    conditions.set(Kind.RECONCILING, "False", Reason.ALL_STEPS_SUCCEEDED)
    return "Promoted" if promoted else "Rejected"


def _conclude_failed(
    known: ModelTrainingStatus, conditions: ConditionSet, failure: LastFailure
) -> ModelTrainingStatus:
    state = _tell_failed(conditions, failure)
    steps = tuple(
        s if s.state in FINAL else s.model_copy(update={"state": "Skipped"}) for s in known.steps
    )
    return known.model_copy(
        update={
            "state": state,
            "conditions": conditions.all(),
            "steps": steps,
            "completion_time": failure.time,
            "last_failure": failure,
        }
    )


def _conclude_complete(
    known: ModelTrainingStatus,
    conditions: ConditionSet,
    result: StepResult,
    evaluation: EvaluationResult,
    now: datetime,
) -> ModelTrainingStatus:
    version = _to_version(result, evaluation)
    state = _tell_complete(conditions, version)
    ended = max((s.completion_time for s in known.steps if s.completion_time), default=None)
    return known.model_copy(
        update={
            "state": state,
            "conditions": conditions.all(),
            "steps": tuple(_with_metrics(s, evaluation) for s in known.steps),
            "completion_time": ended or to_time(now),
            "version": version,
            "last_failure": None,
        }
    )


def skip_rest(known: ModelTrainingStatus) -> ModelTrainingStatus:
    """Return the status of a training whose version the store had already."""
    text = "the store has this version already: nothing is trained"
    steps = tuple(
        s if s.state in FINAL else s.model_copy(update={"state": "Skipped", "message": text})
        for s in known.steps
    )
    return known.model_copy(update={"steps": steps})


def _with_metrics(step: StepStatus, evaluation: EvaluationResult) -> StepStatus:
    """Return the step with what the evaluation says of its objective where nothing was read."""
    if step.metrics is not None:
        return step
    for objective in evaluation.objectives:
        if objective.objective == step.name:
            update = {
                "algorithm": objective.algorithm,
                "metrics": objective.metrics,
                "artifact_sha256": objective.artifact_sha256,
            }
            return step.model_copy(update=update)
    return step


def _to_version(result: StepResult, evaluation: EvaluationResult) -> VersionStatus:
    return VersionStatus(
        version=evaluation.version,
        artifact_digest=evaluation.artifact_digest,
        trained_at=evaluation.trained_at,
        git_commit=result.git_commit,
        promoted=evaluation.promoted,
        reasons=evaluation.reasons,
        tradable_share=evaluation.tradable_share,
        binding_threshold=evaluation.binding_threshold,
        warnings=result.warnings or None,
    )


def _join(reasons: tuple[str, ...]) -> str:
    return "; ".join(reasons) or "no reason was given"
