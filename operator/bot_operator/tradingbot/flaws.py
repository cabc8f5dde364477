"""Flaws: what is wrong with a bot that works, which Degraded follows from."""

from collections.abc import Callable

from bot_operator.tradingbot.findings import Findings
from bot_operator.tradingbot.models import (
    Cause,
    describe_failure,
    describe_fall_back,
    describe_progress,
)
from bot_operator.tradingbot.signals import is_feed_trouble
from bot_runtime.contract.conditions import Reason


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
