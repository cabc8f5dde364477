"""What is observed of a training before its plan is made."""

from dataclasses import dataclass, field

from bot_operator.cache import Cache
from bot_operator.client import Kube
from bot_operator.credentials import SecretSeen, observe_secret
from bot_operator.modeltraining.checks import FINAL, StepSeen
from bot_operator.resources import (
    CLAIMS,
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    PODS,
    Manifest,
    Ref,
    controller_uid,
    is_true,
    labels_of,
    name_of,
    namespace_of,
    resource_of,
    uid_of,
)
from bot_operator.specs import read_spec, read_status
from bot_operator.storage import ClaimSeen, observe_claim, store_claim
from bot_runtime.contract import names
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.results import TRAINING_STEPS, Step
from bot_runtime.contract.status import ModelTrainingStatus, StepStatus


@dataclass(frozen=True, slots=True)
class TrainingSeen:
    """A training and everything that its plan depends on."""

    owner: Manifest
    secret: SecretSeen | None = None
    claim: ClaimSeen | None = None
    steps: dict[Step, StepSeen] = field(default_factory=dict)


async def observe_training(
    kube: Kube, cache: Cache, namespace: str, name: str
) -> TrainingSeen | None:
    """Return what is to be known of the training, None where it is gone."""
    owner = await cache.read_owner(kube, Ref(MODEL_TRAININGS, namespace, name))
    if owner is None or "deletionTimestamp" in owner["metadata"]:
        return None
    spec = read_spec(ModelTrainingSpec, owner)
    if isinstance(spec, str):
        return TrainingSeen(owner)
    status = read_status(ModelTrainingStatus, owner)
    if status.completion_time is not None:
        return TrainingSeen(owner, steps=_cached_steps(cache, owner))
    steps = {step: await _observe_step(kube, cache, owner, step, status) for step in TRAINING_STEPS}
    secret_name = spec.exchange.credentials_secret
    data = _recorded(status, "Data")
    secret = (
        await observe_secret(kube, namespace, secret_name)
        if secret_name is not None and (data is None or data.state not in FINAL)
        else None
    )
    claim_name = store_claim(name, spec.storage)
    claim = await observe_claim(
        kube, namespace, claim_name, cache.get(Ref(CLAIMS, namespace, claim_name)), diagnose=True
    )
    return TrainingSeen(owner, secret, claim, steps)


async def _observe_step(
    kube: Kube, cache: Cache, owner: Manifest, step: Step, status: ModelTrainingStatus
) -> StepSeen:
    seen = _cached_steps(cache, owner)[step]
    recorded = _recorded(status, step)
    if recorded is not None and recorded.state in FINAL:
        return seen
    if seen.job is None and recorded is not None and recorded.job_uid is not None:
        # The cache may be behind; that a Job is gone is believed from the API server alone.
        name = names.job_name(name_of(owner), step)
        job = await kube.get(Ref(JOBS, namespace_of(owner), name))
        seen = StepSeen(job, seen.pods)
    if seen.job is None:
        return seen
    if is_true(seen.job, "Complete") or is_true(seen.job, "Failed"):
        # The pods' watch may be behind the Jobs': the result is read once, so it is read live.
        return StepSeen(seen.job, await _pods_of(kube, seen.job))
    if not seen.pods and _should_have_pods(seen.job):
        return StepSeen(seen.job, (), await _refusal(kube, seen.job))
    return seen


async def _pods_of(kube: Kube, job: Manifest) -> tuple[Manifest, ...]:
    labels = f"batch.kubernetes.io/controller-uid={uid_of(job)}"
    pods, _ = await kube.list_all(PODS, namespace_of(job), labels=labels)
    return tuple(pods)


def _cached_steps(cache: Cache, owner: Manifest) -> dict[Step, StepSeen]:
    children = cache.of_training(namespace_of(owner), name_of(owner))
    jobs = {
        labels_of(c).get(names.LABEL_STEP, ""): c
        for c in children
        if resource_of(c) == JOBS and controller_uid(c) == uid_of(owner)
    }
    pods = [c for c in children if resource_of(c) == PODS]
    return {
        step: StepSeen(
            jobs.get(step),
            tuple(p for p in pods if step in jobs and controller_uid(p) == uid_of(jobs[step])),
        )
        for step in TRAINING_STEPS
    }


async def _refusal(kube: Kube, job: Manifest) -> str | None:
    events, _ = await kube.list_all(
        EVENTS, namespace_of(job), fields=f"involvedObject.uid={uid_of(job)},reason=FailedCreate"
    )
    return str(events[-1].get("message", "")) if events else None


def _should_have_pods(job: Manifest) -> bool:
    return not job["spec"].get("suspend") and not job.get("status", {}).get("active")


def _recorded(status: ModelTrainingStatus, step: str) -> StepStatus | None:
    return next((s for s in status.steps if s.name == step), None)
