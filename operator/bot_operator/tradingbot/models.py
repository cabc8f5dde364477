"""What is said of a bot's model: whether one is available, and whether it is fresh. Pure."""

from datetime import datetime, timedelta

from bot_operator.api.resources import from_time
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.runs import is_version_unusable
from bot_runtime.contract.conditions import Reason, Status
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.status import UnusableVersion

Cause = tuple[Reason, str]


def judge_availability(context: Context, found: Findings) -> tuple[Status, Reason, str]:
    """Return what ModelAvailable says."""
    failure = found.inference.runs.failure
    if found.active is not None:
        version = found.active.version
        if failure is not None and is_version_unusable(failure):
            text = f"version {version} cannot be used: {failure.message}"
            return "False", Reason.VERSION_UNUSABLE, text
        if context.spec.model.pinned_version is not None:
            return "True", Reason.VERSION_PINNED, f"version {version} is pinned"
        more = "" if found.candidate.wait is None else f"; {describe_progress(found.candidate)}"
        if found.refused is not None:
            text = describe_fall_back(found.refused, version)
            return "True", Reason.FELL_BACK, f"{text}{more}"
        return "True", Reason.MODEL_PROMOTED, f"version {version} is served{more}"
    reason, text = why_no_model(found)
    return "False", reason, text


def why_no_model(found: Findings) -> Cause:
    """Return why no version is active."""
    candidate = found.candidate
    if candidate.has_failed:
        return Reason.TRAINING_FAILED, describe_failure(found)
    if candidate.is_complete:
        assert candidate.status.version is not None
        why = "; ".join(candidate.status.version.reasons)
        text = (
            f"version {candidate.status.version.version} did not pass the gate: {why}; change the "
            f"spec, or delete modeltraining {candidate.name} to train again"
        )
        return Reason.NOT_BETTER_THAN_NAIVE, text
    if candidate.is_running or candidate.create:
        return Reason.WAITING_FOR_MODEL, describe_progress(candidate)
    return Reason.WAITING_FOR_MODEL, "no training has begun"


def describe_progress(candidate: Candidate) -> str:
    """Return how far the training under way is, and what keeps it: its own words of it.

    Where nothing does, why the attempt before it failed, until it is past that.
    """
    text = f"training {candidate.name} is under way: {candidate.status.state}"
    if candidate.wait is not None:
        return f"{text}; {candidate.wait}"
    if candidate.failure is not None:
        return f"{text}; attempt {candidate.attempt - 1}: {_describe(candidate.failure)}"
    return text


def _describe(failure: LastFailure) -> str:
    return f"{failure.step} failed ({failure.failure_class.value}): {failure.message}"


def describe_failure(found: Findings) -> str:
    """Return why the followed training failed, and when it is tried again."""
    candidate, failure = found.candidate, found.candidate.status.last_failure
    what = "failed" if failure is None else _describe(failure)
    again = f"; tried again at {candidate.retry_time}" if candidate.retry_time else ""
    return f"training {candidate.name}: {what}{again}"


def describe_fall_back(refused: UnusableVersion, served: str) -> str:
    """Return why the newest version is not served, and what to do."""
    return (
        f"version {refused.version} cannot be loaded ({refused.message}); {served} is served. "
        "A new training replaces it; to try it again pin it by model.pinnedVersion"
    )


def judge_age(context: Context, found: Findings) -> tuple[Status, Reason, str]:
    """Return what ModelFresh says."""
    until = stale_at(context, found)
    if found.active is None:
        return "Unknown", Reason.NO_MODEL, "no version is active yet"
    most = context.spec.training.max_model_age
    if most is None:
        return "True", Reason.NOT_NEEDED, "training.maxModelAge is not set"
    if until is None:
        return "Unknown", Reason.NO_MODEL, f"the age of version {found.active.version} is not known"
    trained = f"version {found.active.version} was trained at {found.active.trained_at}"
    if until > context.now:
        return "True", Reason.WITHIN_MAX_AGE, f"{trained}; it is fresh for {most}"
    text = f"{trained}, longer than {most} ago; set training.schedule, or see why none has passed"
    return "False", Reason.STALE, text


def stale_at(context: Context, found: Findings) -> datetime | None:
    """Return when the active version becomes stale, None where it never does."""
    most = context.spec.training.max_model_age
    if most is None or found.active is None or found.active.trained_at is None:
        return None
    return from_time(found.active.trained_at) + timedelta(seconds=seconds_of(most))
