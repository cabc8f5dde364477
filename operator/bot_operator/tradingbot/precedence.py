"""Precedence: which of several findings about a bot wins.

ORDER has what Ready, Stalled, Reconciling and the state follow from, FLAWS what Degraded does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.refusals import describe
from bot_operator.tradingbot.candidate_training import has_learned
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.images import describe_unread
from bot_operator.tradingbot.models import (
    Cause,
    describe_failure,
    describe_fall_back,
    describe_progress,
    why_no_model,
)
from bot_operator.tradingbot.signals import is_feed_trouble
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


def check_last_run(found: Findings) -> Cause | None:
    """The last run failed."""
    failure = found.inference.runs.failure
    return None if failure is None else (Reason.RUN_FAILED, failure.message)


def check_training_schedule(found: Findings) -> Cause | None:
    """No training is ever due."""
    problem = found.retraining.problem
    return None if problem is None else (Reason.INVALID_SCHEDULE, problem)


def check_feed(found: Findings) -> Cause | None:
    """The candles could not be trusted."""
    feed = [f"{s.symbol}: {s.reason}" for s in found.active_signals if is_feed_trouble(s)]
    return (Reason.FEED_TROUBLE, "; ".join(feed)) if feed else None


def check_drift(found: Findings) -> Cause | None:
    """The market is no longer the one that the version knows."""
    drifting = [s for s in found.active_signals if s.drift is not None]
    if not drifting:
        return None
    what = "; ".join(f"{s.symbol}: {s.drift}" for s in drifting)
    version = drifting[0].model_version
    return Reason.DRIFT, f"the market is no longer the one that {version} was judged on: {what}"


def check_skill(found: Findings) -> Cause | None:
    """The version's forecasts are worse than naive ones."""
    active = found.active
    skill = None if active is None else active.live_skill
    if active is None or skill is None or skill.lost_since is None:
        return None
    return Reason.SKILL_LOST, (
        f"since {skill.lost_since} the forecasts of {active.version} are worse than naive ones: "
        f"{skill.lost}"
    )


def check_fall_back(found: Findings) -> Cause | None:
    """The version before the newest one decides."""
    if found.active is None or found.refused is None:
        return None
    return Reason.FELL_BACK, describe_fall_back(found.refused, found.active.version)


def check_last_training(found: Findings) -> Cause | None:
    """The last training failed, also while it is tried again; an earlier version decides."""
    candidate = found.candidate
    if found.active is None or not candidate.keeps_failing:
        return None
    text = describe_failure(found) if candidate.has_failed else describe_progress(candidate)
    return Reason.TRAINING_FAILED, text


def check_verdict(found: Findings) -> Cause | None:
    """The newest version did not pass the gate, and an earlier one decides."""
    newest, active = found.candidate.status.version, found.active
    if active is None or newest is None or newest.version == active.version or newest.promoted:
        return None
    why = "; ".join(newest.reasons)
    return Reason.CANDIDATE_REJECTED, f"version {newest.version} did not pass the gate: {why}"


def check_size(found: Findings) -> Cause | None:
    """The claim keeps another size than the spec asks for."""
    claim = found.claim
    kept = claim.reason is Reason.CLAIM_SIZE_KEPT
    return (claim.reason, claim.message) if kept else None


FLAWS: tuple[Callable[[Findings], Cause | None], ...] = (
    check_last_run,
    check_training_schedule,
    check_feed,
    check_skill,
    check_drift,
    check_fall_back,
    check_last_training,
    check_verdict,
    check_size,
)
"""What is wrong with a bot that works, the worst first."""
