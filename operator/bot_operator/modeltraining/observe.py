"""What is observed of a training before its plan is made."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot_operator.api.client import Kube
from bot_operator.api.resources import (
    CLAIMS,
    JOBS,
    PODS,
    TRADING_BOTS,
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
from bot_operator.children.storage import ClaimSeen, find_holder, observe_claim, store_claim
from bot_operator.modeltraining.evidence import observe_progress
from bot_operator.modeltraining.step_states import FINAL, StepSeen, is_final, recorded_steps
from bot_operator.planning.refusals import Refusal
from bot_operator.planning.specs import Bot, Training
from bot_operator.signs.credentials import SecretSeen, observe_secret
from bot_operator.signs.pod_waits import observe_obstacles, observe_pods
from bot_operator.watching.cache import Cache
from bot_operator.watching.slots import Rivals
from bot_runtime.contract import names
from bot_runtime.contract.steps import TRAINING_STEPS, Step
from bot_runtime.contract.stepstatus import StepStatus


@dataclass(frozen=True, slots=True)
class TrainingSeen:
    """A training and everything that its plan depends on."""

    training: Training
    secret: SecretSeen | None = None
    claim: ClaimSeen | None = None
    steps: dict[Step, StepSeen] = field(default_factory=dict)
    bot: Bot | None = None
    """The bot that the training is for, where it is known."""
    rivals: Rivals = field(default_factory=Rivals)
    """Who shares the slots, where their number is limited."""
    refused: tuple[Refusal, ...] = ()
    """Children that the API server has refused in this very look."""

    @property
    def owner(self) -> Manifest:
        """The training's object."""
        return self.training.manifest

    def with_refused(self, refused: tuple[Refusal, ...]) -> "TrainingSeen":
        """Return the same with the children that the API server has refused just now."""
        return replace(self, refused=refused)


async def observe_training(
    kube: Kube, cache: Cache, ref: Ref, now: datetime
) -> TrainingSeen | None:
    """Return what is to be known of the training, None where it is gone."""
    namespace, name = ref.namespace, ref.name
    owner = await cache.read_owner(kube, ref)
    if owner is None or "deletionTimestamp" in owner["metadata"]:
        return None
    training = Training(owner)
    spec, status = training.spec, training.status
    if isinstance(spec, str):
        return TrainingSeen(training)
    if is_final(status):
        return TrainingSeen(training, steps=_cached_steps(cache, owner))
    recorded = recorded_steps(status)
    steps = {}
    for step, known in _cached_steps(cache, owner).items():
        found = await _observe_step(kube, cache, owner, known, recorded.get(step))
        steps[step] = await _look_closer(kube, step, found, now)
    secret_name = spec.exchange.credentials_secret
    data = recorded.get("Data")
    secret = (
        await observe_secret(kube, namespace, secret_name)
        if secret_name is not None and (data is None or data.state not in FINAL)
        else None
    )
    claim_name = store_claim(name, spec.storage)
    claim = await observe_claim(
        kube, namespace, claim_name, cache.get(Ref(CLAIMS, namespace, claim_name)), diagnose=True
    )
    claim = replace(claim, holder=find_holder(cache, claim.claim))
    named = spec.bot_ref
    bot = cache.get(Ref(TRADING_BOTS, namespace, named.name)) if named else None
    return TrainingSeen(training, secret, claim, steps, None if bot is None else Bot(bot))


async def _observe_step(
    kube: Kube, cache: Cache, owner: Manifest, known: StepSeen, recorded: StepStatus | None
) -> StepSeen:
    """Return a step as it is `known` to the cache, confirmed where its outcome follows from it."""
    if recorded is not None and recorded.state in FINAL:
        return known
    if known.job is None and recorded is not None and recorded.job_uid is not None:
        # The cache may be behind; that a Job is gone is believed from the API server alone.
        name = names.job_name(name_of(owner), recorded.name)
        job = await kube.get(Ref(JOBS, namespace_of(owner), name))
        known = StepSeen(job, cache.gone(owner, recorded.job_uid))
    if known.job is None:
        return known
    if is_true(known.job, "Complete") or is_true(known.job, "Failed"):
        # The pods' watch may be behind the Jobs': the result is read once, so it is read live.
        gone = cache.gone(owner, uid_of(known.job))
        return StepSeen(known.job, (*await observe_pods(kube, known.job), *gone))
    return known


async def _look_closer(kube: Kube, step: Step, seen: StepSeen, now: datetime) -> StepSeen:
    """Return an unfinished step with what keeps its pods, and what its log says of progress."""
    if seen.job is None or is_true(seen.job, "Complete") or is_true(seen.job, "Failed"):
        return seen
    obstacles = await observe_obstacles(kube, seen.job, seen.pods, now)
    progress = await observe_progress(kube, step, seen.pods)
    return replace(seen, obstacles=obstacles, progress=progress)


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
            (
                *(p for p in pods if step in jobs and controller_uid(p) == uid_of(jobs[step])),
                *(cache.gone(owner, uid_of(jobs[step])) if step in jobs else ()),
            ),
        )
        for step in TRAINING_STEPS
    }
