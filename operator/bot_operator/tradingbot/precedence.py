"""Precedence: which of several findings about a bot wins.

ORDER has what Ready, Stalled, Reconciling and the state follow from; what Degraded follows from is
in `flaws`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.refusals import describe
from bot_operator.tradingbot.candidate_training import has_learned
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.images import describe_unread
from bot_operator.tradingbot.models import (
    describe_failure,
    why_no_model,
)
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason, TrainingCondition
from bot_runtime.contract.status import BotState


@dataclass(frozen=True, slots=True)
class Case:
    """A bot as its plan has found it."""

    conditions: ConditionSet
    """Decided, but for those that follow from the findings."""
    context: Context
    found: Findings


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a bot is not, or not for long, as its spec asks."""

    reason: Reason
    message: str
    stalled: Reason | None = None
    """What Stalled says of it; None where the bot goes on by itself."""
    state: BotState | None = None
    """The word for the bot; None where it may decide all the same."""


def check_children(case: Case) -> Finding | None:
    """A child that is refused explains what is missing."""
    refused = case.context.seen.refused
    if not refused:
        return None
    return Finding(Reason.CHILD_REFUSED, describe(refused), Reason.CHILD_REFUSED)


def check_suspension(case: Case) -> Finding | None:
    """A bot that its own spec suspends is as asked, whatever else is found."""
    if not case.context.spec.suspend:
        return None
    text = "suspended: set spec.suspend to false to go on"
    return Finding(Reason.SUSPENDED, text, state="Suspended")


def check_stop(case: Case) -> Finding | None:
    """Somebody has stopped every bot."""
    stopper = case.context.stopped_by
    if stopper is None:
        return None
    return Finding(Reason.STOPPED, stopper, Reason.STOPPED, "Stopped")


def check_credentials(case: Case) -> Finding | None:
    """The secret cannot be used."""
    secret = case.found.secret
    if secret.valid:
        return None
    return Finding(
        Reason.WAITING_FOR_SECRETS, secret.message, secret.reason, state="WaitingForSecrets"
    )


def check_claim(case: Case) -> Finding | None:
    """The claim gets no volume by itself."""
    claim = case.found.claim
    if claim.status != "False":
        return None
    return Finding(
        Reason.WAITING_FOR_STORAGE, claim.message, claim.reason, state="WaitingForStorage"
    )


def check_images(case: Case) -> Finding | None:
    """The images do not read the spec; what decides goes on."""
    context = case.context
    if not context.unread:
        return None
    text = describe_unread(context.unread, context.images, context.release)
    until = "the bot decides without it and trains nothing"
    if not context.may_serve:
        until = "nothing begins"
    return Finding(Reason.IMAGE_TOO_OLD, f"{text}; until then {until}", Reason.IMAGE_TOO_OLD)


def check_model(case: Case) -> Finding | None:
    """No version can be served."""
    model, candidate = case.conditions.get(Kind.MODEL_AVAILABLE), case.found.candidate
    if model.status == "True":
        return None
    state: BotState = "Pending"
    if case.found.active is not None:
        state = "Stalled"
    elif candidate.has_failed:
        state = "Failed"
    elif candidate.is_complete:
        state = "Rejected"
    elif candidate.is_running or candidate.create:
        state = "Training"
    return Finding(model.reason, model.message, state=state)


def check_cron_job(case: Case) -> Finding | None:
    """The CronJob of the version cannot be made."""
    scheduled = case.conditions.get(Kind.INFERENCE_SCHEDULED)
    if scheduled.status == "True" or case.found.active is None:
        return None
    return Finding(scheduled.reason, scheduled.message, scheduled.reason, "Stalled")


def check_volume(case: Case) -> Finding | None:
    """The claim has no volume yet."""
    claim = case.found.claim
    if claim.status == "True":
        return None
    return Finding(Reason.WAITING_FOR_STORAGE, claim.message, state="Pending")


def check_signal(case: Case) -> Finding | None:
    """The version has not decided yet."""
    if case.found.active_signals:
        return None
    text = case.conditions.get(Kind.SIGNAL_FRESH).message
    return Finding(Reason.WAITING_FOR_SIGNAL, text, state="Pending")


def check_run(case: Case) -> Finding | None:
    """The pod of a run cannot start."""
    trouble = case.found.inference.runs.trouble
    return None if trouble is None else Finding(trouble.reason, trouble.message, trouble.reason)


def check_version(case: Case) -> Finding | None:
    """The version that is there cannot be served, and another one comes by a person alone."""
    model = case.conditions.get(Kind.MODEL_AVAILABLE)
    if model.reason not in {Reason.VERSION_UNUSABLE, Reason.NOT_BETTER_THAN_NAIVE}:
        return None
    return Finding(model.reason, model.message, model.reason)


def check_training(case: Case) -> Finding | None:
    """The training that is owed does not go on by itself."""
    candidate = case.found.candidate
    if not _owes_version(case):
        return None
    if candidate.has_failed and candidate.retry_at is None:
        text = describe_failure(case.found)
        return Finding(Reason.TRAINING_FAILED, text, Reason.TRAINING_FAILED)
    told = {c.type: c for c in candidate.status.conditions}.get(TrainingCondition.STALLED)
    if not candidate.is_running or told is None or told.status != "True":
        return None
    return Finding(told.reason, f"training {candidate.name}: {told.message}", told.reason)


def check_next_version(case: Case) -> Finding | None:
    """The version that is owed is on its way, while another one decides."""
    if not (case.found.candidate.is_pending and _owes_version(case)):
        return None
    text = f"{why_no_model(case.found)[1]}; until then the version before it decides"
    return Finding(Reason.TRAINING_RUNNING, text)


def _owes_version(case: Case) -> bool:
    """Tell whether what the spec asks for has never been learned: a repetition is no debt."""
    if case.context.spec.model.pinned_version is not None:
        return False
    return not has_learned(case.context.seen.all_trainings, case.found.wanted)


ORDER: tuple[Callable[[Case], Finding | None], ...] = (
    check_children,
    check_suspension,
    check_stop,
    check_credentials,
    check_claim,
    check_images,
    check_model,
    check_cron_job,
    check_volume,
    check_signal,
    # These keep no bot from deciding.
    check_run,
    check_version,
    check_training,
    check_next_version,
)
"""The strongest first; what precedes them all is a spec that nothing can be planned by."""

DECIDES = Finding(Reason.BOT_READY, "decides on schedule", state="Deciding")


def findings_of(case: Case) -> list[Finding]:
    """Return what is found, the strongest first; a bot that is halted ends the list."""
    findings = []
    for check in ORDER:
        finding = check(case)
        if finding is not None:
            findings.append(finding)
            if finding.state in {"Suspended", "Stopped"}:
                return findings
    return [*findings, DECIDES]
