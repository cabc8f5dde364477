"""The plan of a training: which Job comes next, and what its status says. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot_operator.api.resources import (
    Manifest,
    Ref,
    from_time,
    generation_of,
    is_deleting,
    is_true,
    name_of,
    namespace_of,
    ref_of,
    uid_of,
)
from bot_operator.children.storage import ClaimVerdict, plan_claim
from bot_operator.modeltraining.bot_store import may_adopt, plan_pruning
from bot_operator.modeltraining.evidence import LOG_LOOK_SECONDS
from bot_operator.modeltraining.objects import (
    JobContext,
    build_configuration,
    build_job,
    describe_unread,
)
from bot_operator.modeltraining.observe import TrainingSeen
from bot_operator.modeltraining.outcome import conclude, refuse_spec, restate, skip_rest
from bot_operator.modeltraining.step_states import (
    FINAL,
    Judged,
    StepSeen,
    explain_failure,
    is_final,
    judge_step,
    next_steps,
    recorded_steps,
)
from bot_operator.modeltraining.underway import Case, Gates, summarise
from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.plans import Plan, Telling, earliest, notes_of
from bot_operator.planning.refusals import refuse_claim
from bot_operator.planning.training_image import choose_training_image
from bot_operator.planning.unread_fields import find_unread
from bot_operator.settings import Settings
from bot_operator.signs.credentials import Verdict, check_secret, poll_seconds
from bot_operator.signs.pod_waits import POD_LOOK_SECONDS
from bot_operator.watching.slots import has_slot
from bot_runtime.contract.conditions import Reason, Status
from bot_runtime.contract.conditions import TrainingCondition as Kind
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.newer_fields import without_fields
from bot_runtime.contract.runconfig import NEWER_FIELDS, training_run
from bot_runtime.contract.steps import TRAINING_STEPS, Step
from bot_runtime.contract.stepstatus import StepStatus
from bot_runtime.contract.trainingstatus import ModelTrainingStatus

_TOLD: Mapping[str, Telling] = {
    Kind.STALLED: {"True": "Warning"},
    Kind.PROMOTED: {"True": "Normal", "False": "Warning"},
}


def plan_training(seen: TrainingSeen, now: datetime, settings: Settings) -> Plan:
    """Return what to do for the training, and the whole of its status."""
    before, spec = seen.training.status, seen.training.spec
    conditions = ConditionSet(Kind, before.conditions, generation_of(seen.owner), now)
    if isinstance(spec, str):
        status = refuse_spec(before, conditions, generation_of(seen.owner), spec)
        return Plan(status, notes=notes_of(conditions, _TOLD))
    if is_final(before):
        status = restate(before, conditions, generation_of(seen.owner))
        return Plan(status, delete=_unfinished(before, seen))
    context = _context(seen, spec, before, settings)
    slot = has_slot(seen.owner, seen.rivals, settings.max_trainings)
    secret, claim = _judge_needs(seen, context, conditions, now)
    gates = Gates(
        secret, claim, slot, settings.max_trainings, settings.stopped_by, describe_unread(context)
    )
    judged = _judge_steps(before, seen, context.configuration.digest, now)
    known = _under_way(before, context, judged)
    failure, evaluation = _failure_of(judged), judged["Evaluation"].result
    adopted = judged["Data"].result
    if adopted is not None and adopted.evaluation is not None:
        known, evaluation = skip_rest(known), adopted
    if failure is not None or evaluation is not None:
        status = conclude(known, conditions, evaluation, failure, now)
        notes = notes_of(conditions, _TOLD)
        return Plan(status, delete=_unfinished(status, seen), notes=notes)
    status = summarise(known, conditions, Case(judged, gates, seen.refused))
    create, resume = _plan_jobs(seen, context, gates, status)
    return Plan(
        status,
        create=create,
        resume=resume,
        apply=gates.claim.apply,
        delete=gates.claim.delete,
        notes=notes_of(conditions, _TOLD),
        takes_slot=(gates.open and not seen.refused) or any(s.job_uid for s in status.steps),
        requeue_after=_next_look(seen, gates, conditions, status, now),
    )


def _under_way(
    before: ModelTrainingStatus, context: JobContext, judged: dict[Step, Judged]
) -> ModelTrainingStatus:
    return before.model_copy(
        update={
            "observed_generation": generation_of(context.owner),
            "completion_time": None,
            "image": context.image,
            "image_reads": context.reads,
            "run_configuration": context.configuration_name,
            "steps": tuple(judged[step].step for step in TRAINING_STEPS),
        }
    )


def _context(
    seen: TrainingSeen, spec: ModelTrainingSpec, before: ModelTrainingStatus, settings: Settings
) -> JobContext:
    owner = seen.owner
    image, reads = _choose_image(seen, spec, before, settings)
    unread = find_unread(spec, reads)
    spec = without_fields(spec, unread)
    run = training_run(namespace_of(owner), name_of(owner), spec)
    context = JobContext(owner, spec, image, run, reads, unread)
    return replace(
        context,
        pruning=plan_pruning(seen.bot, context.claim),
        adopt=may_adopt(seen.training, seen.bot, context.claim),
    )


def _choose_image(
    seen: TrainingSeen, spec: ModelTrainingSpec, before: ModelTrainingStatus, settings: Settings
) -> tuple[str, tuple[str, ...]]:
    """Return the image of every step, and the newer fields that it reads.

    It is chosen once; again where no step has begun and it does not read the spec.
    """
    begun = any(s.job is not None for s in seen.steps.values()) or any(
        s.job_uid is not None for s in before.steps
    )
    if before.image is not None and (begun or not find_unread(spec, before.image_reads)):
        return before.image, before.image_reads
    return spec.image or _image_of_release(spec, settings), NEWER_FIELDS


def _image_of_release(spec: ModelTrainingSpec, settings: Settings) -> str:
    return choose_training_image(
        spec.model.candidates, settings.training_image, settings.trees_training_image
    )


def _judge_needs(
    seen: TrainingSeen, context: JobContext, conditions: ConditionSet, now: datetime
) -> tuple[Verdict, ClaimVerdict]:
    assert seen.claim is not None
    named = context.spec.exchange.credentials_secret
    if seen.secret is None and named is not None:
        text = f"secret {named} was valid when the training began"
        secret = Verdict(valid=True, reason=Reason.AS_EXPECTED, message=text)
    else:
        secret = check_secret(seen.secret, namespace_of(seen.owner))
    claim = plan_claim(seen.owner, context.labels(), context.spec.storage, seen.claim, now)
    claim = refuse_claim(claim, seen.claim, seen.refused)
    valid: Status = "True" if secret.valid else "False"
    conditions.set(Kind.SECRETS_VALID, valid, secret.reason, secret.message)
    conditions.set(Kind.STORAGE_READY, claim.status, claim.reason, claim.message)
    return secret, claim


def _judge_steps(
    before: ModelTrainingStatus, seen: TrainingSeen, run_digest: str, now: datetime
) -> dict[Step, Judged]:
    recorded = recorded_steps(before)
    return {
        step: judge_step(
            recorded.get(step, StepStatus(name=step)),
            seen.steps.get(step, StepSeen()),
            run_digest,
            now,
            before.last_failure,
        )
        for step in TRAINING_STEPS
    }


def _failure_of(judged: dict[Step, Judged]) -> LastFailure | None:
    states: dict[Step, str] = {step: j.step.state for step, j in judged.items()}
    for judgement in judged.values():
        if judgement.failure is not None:
            return explain_failure(judgement.failure, states)
    return None


def _plan_jobs(
    seen: TrainingSeen, context: JobContext, gates: Gates, status: ModelTrainingStatus
) -> tuple[tuple[Manifest, ...], tuple[Ref, ...]]:
    """Return what to create, and the Jobs that may run now because their uid is on record."""
    if gates.unread is not None:
        return (), ()
    if not gates.open and not any(step.state in FINAL for step in status.steps):
        return (), ()
    on_record = {s.job_uid for s in seen.training.status.steps}
    states: dict[Step, str] = {step.name: step.state for step in status.steps}
    create: list[Manifest] = []
    resume: list[Ref] = []
    for step in next_steps(states):
        job = seen.steps[step].job
        if job is None and states[step] == "Pending":
            create.append(build_job(context, step))
        elif job is not None and job["spec"].get("suspend") and uid_of(job) in on_record:
            resume.append(ref_of(job))
    configuration = (build_configuration(context),) if create else ()
    return (*configuration, *create), tuple(resume)


def _unfinished(status: ModelTrainingStatus, seen: TrainingSeen) -> tuple[Ref, ...]:
    """Return the Jobs that still run although the training has failed: nothing comes of them."""
    if status.version is not None:
        return ()
    jobs = [s.job for s in seen.steps.values() if s.job is not None]
    return tuple(
        ref_of(job)
        for job in jobs
        if not (is_true(job, "Complete") or is_true(job, "Failed") or is_deleting(job))
    )


def _next_look(
    seen: TrainingSeen,
    gates: Gates,
    conditions: ConditionSet,
    status: ModelTrainingStatus,
    now: datetime,
) -> float | None:
    since = from_time(conditions.get(Kind.SECRETS_VALID).last_transition_time)
    return earliest(
        gates.claim.poll,
        None if gates.secret.valid else poll_seconds(since, now),
        POD_LOOK_SECONDS if _waits_for_pods(seen, status) else None,
        LOG_LOOK_SECONDS if any(s.state == "Running" for s in status.steps) else None,
    )


def _waits_for_pods(seen: TrainingSeen, status: ModelTrainingStatus) -> bool:
    phases = {
        step.name: [p.get("status", {}).get("phase") for p in seen.steps[step.name].pods]
        for step in status.steps
    }
    return any(s.state == "Running" and "Running" not in phases[s.name] for s in status.steps)
