"""A training under way: what it waits for; which of several waits wins stands in ORDER."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot_operator.children.storage import ClaimVerdict
from bot_operator.modeltraining.step_states import FINAL, Judged, describe_setback
from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.refusals import Refusal, describe
from bot_operator.signs.credentials import Verdict
from bot_operator.signs.pod_waits import Trouble
from bot_operator.watching.slots import QUEUED
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.conditions import TrainingCondition as Kind
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.contract.steps import Step
from bot_runtime.contract.trainingstatus import ModelTrainingStatus, TrainingState

_STATE_OF_STEP: dict[Step, TrainingState] = {
    "Data": "Fetching",
    **dict.fromkeys(OBJECTIVES, "Training"),
    "Evaluation": "Evaluating",
}


@dataclass(frozen=True, slots=True)
class Gates:
    """What must hold before the first Job of a training."""

    secret: Verdict
    claim: ClaimVerdict
    slot: bool
    slots: int
    """How many trainings may run at once."""
    stopped_by: str | None
    unread: str | None
    """Why its image does not do what the spec asks; None where it does."""

    @property
    def open(self) -> bool:
        """Whether pods may be created."""
        return self.ready and self.slot

    @property
    def ready(self) -> bool:
        """Whether all is there that the training itself needs."""
        return self.secret.valid and self.claim.usable and self.stopped_by is None


@dataclass(frozen=True, slots=True)
class Case:
    """A training as its plan has found it."""

    judged: Mapping[Step, Judged]
    gates: Gates
    refused: tuple[Refusal, ...]

    @property
    def has_begun(self) -> bool:
        """Whether a pod of the training has run, or may."""
        states = [j.step.state for j in self.judged.values()]
        return any(state in FINAL or state == "Running" for state in states)

    @property
    def trouble(self) -> Trouble | None:
        """What keeps the pod of a step."""
        return next((j.trouble for j in self.judged.values() if j.trouble is not None), None)

    @property
    def setback(self) -> LastFailure | None:
        """Why the last pod of a step failed that is tried again."""
        return next((j.setback for j in self.judged.values() if j.setback is not None), None)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a training waits for, or does."""

    reason: Reason
    message: str
    stalled: Reason | None = None
    """What Stalled says of it; None where the training goes on by itself."""
    state: TrainingState | None = None
    """The word for the training; None where it follows from what comes after."""


def check_children(case: Case) -> Finding | None:
    """A child is refused."""
    if not case.refused:
        return None
    return Finding(Reason.CHILD_REFUSED, describe(case.refused), Reason.CHILD_REFUSED)


def check_image(case: Case) -> Finding | None:
    """Its image does not read the spec."""
    unread = case.gates.unread
    return None if unread is None else Finding(Reason.IMAGE_TOO_OLD, unread, Reason.IMAGE_TOO_OLD)


def check_stop(case: Case) -> Finding | None:
    """Somebody keeps it from beginning; what has begun ends."""
    stopper = case.gates.stopped_by
    if stopper is None or case.has_begun:
        return None
    return Finding(Reason.STOPPED, stopper, Reason.STOPPED, "Stopped")


def check_credentials(case: Case) -> Finding | None:
    """The secret cannot be used."""
    secret = case.gates.secret
    if secret.valid or case.has_begun:
        return None
    return Finding(Reason.WAITING_FOR_SECRETS, secret.message, secret.reason, "WaitingForSecrets")


def check_claim(case: Case) -> Finding | None:
    """The claim cannot be used yet."""
    claim = case.gates.claim
    if claim.usable or case.has_begun:
        return None
    stalled = claim.reason if claim.status == "False" else None
    return Finding(Reason.WAITING_FOR_STORAGE, claim.message, stalled, "WaitingForStorage")


def check_slot(case: Case) -> Finding | None:
    """It could begin, but for the others."""
    gates = case.gates
    if gates.slot or not gates.ready:
        return None
    text = f"waits until one of the {gates.slots} trainings that may run at once has ended"
    return Finding(Reason.WAITING_FOR_SLOT, text, state=QUEUED)


def check_steps(case: Case) -> Finding:
    """Its steps are under way."""
    current = [j.step for j in case.judged.values() if j.step.state not in FINAL]
    running = [step.name for step in current if step.state == "Running"]
    text, trouble = f"{', '.join(running) or current[0].name} under way", case.trouble
    state = _STATE_OF_STEP[current[0].name]
    if trouble is not None:
        return Finding(Reason.TRAINING_RUNNING, trouble.message, trouble.reason, state)
    if case.setback is not None:
        text = f"{case.setback.step}: {describe_setback(case.setback)}"
    return Finding(Reason.TRAINING_RUNNING, text, state=state)


ORDER: tuple[Callable[[Case], Finding | None], ...] = (
    check_children,
    check_image,
    check_stop,
    check_credentials,
    check_claim,
    check_slot,
    check_steps,
)
"""The strongest first; what precedes them all is how a training has ended."""


def summarise(
    known: ModelTrainingStatus, conditions: ConditionSet, case: Case
) -> ModelTrainingStatus:
    """Return the status of a training under way, and set its conditions."""
    findings = [finding for check in ORDER if (finding := check(case)) is not None]
    first = findings[0]
    conditions.set(Kind.READY, "False", first.reason, first.message)
    # A slot is nothing that the training itself waits for: these two pass over it.
    own = next(f.reason for f in findings if f.state != QUEUED)
    conditions.set(Kind.COMPLETE, "False", own)
    conditions.set(Kind.FAILED, "False", own)
    if first.stalled is None:
        conditions.set(Kind.STALLED, "False", first.reason)
        conditions.set(Kind.RECONCILING, "True", first.reason, first.message)
    else:
        conditions.set(Kind.STALLED, "True", first.stalled, first.message)
        conditions.set(Kind.RECONCILING, "False", first.stalled)
    return known.model_copy(
        update={
            "state": next(f.state for f in findings if f.state is not None),
            "conditions": conditions.all(),
            "last_failure": case.trouble.failure if case.trouble else case.setback,
        }
    )
