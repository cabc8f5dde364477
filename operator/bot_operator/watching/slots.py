"""Slots: how many trainings run at once over everything that the operator serves. Pure.

Who waits says so in its status, and the oldest goes first. What has begun is known by its Jobs;
what is about to begin, by this process alone, until the API server has answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot_operator.api.resources import JOBS, MODEL_TRAININGS, Manifest, controller_uid, uid_of
from bot_operator.watching.cache import Cache
from bot_runtime.contract.trainingstatus import TrainingState

QUEUED: TrainingState = "Queued"
_NEEDS_NONE = frozenset(
    {"Promoted", "Rejected", "Failed", "WaitingForSecrets", "WaitingForStorage"}
)


@dataclass(frozen=True, slots=True)
class Rivals:
    """The trainings that share the slots."""

    trainings: tuple[Manifest, ...] = ()
    """All that are known and have not ended."""
    begun: frozenset[str] = frozenset()
    """Uids of those that have a slot."""


def find_rivals(cache: Cache) -> Rivals:
    """Return who shares the slots now."""
    unfinished = [t for t in cache.all(MODEL_TRAININGS) if "completionTime" not in _status(t)]
    with_jobs = {controller_uid(job) for job in cache.all(JOBS)}
    begun = {
        uid_of(t)
        for t in unfinished
        if uid_of(t) in with_jobs or uid_of(t) in cache.starting or _has_begun(t)
    }
    return Rivals(tuple(unfinished), frozenset(begun))


def has_slot(training: Manifest, rivals: Rivals, limit: int) -> bool:
    """Tell whether `training` has a slot or may take one; there is no limit at 0."""
    if limit == 0 or uid_of(training) in rivals.begun or _has_begun(training):
        return True
    ahead = [
        t
        for t in rivals.trainings
        if uid_of(t) not in rivals.begun
        and _status(t).get("state") == QUEUED
        and _order(t) < _order(training)
    ]
    return len(rivals.begun) + len(ahead) < limit


def frees_slot(training: Manifest) -> bool:
    """Tell whether others may begin now that this one stands as it does."""
    return _status(training).get("state") in _NEEDS_NONE


def first_queued(trainings: Iterable[Manifest], count: int) -> list[Manifest]:
    """Return the trainings that have waited longest for a slot."""
    return sorted(trainings, key=_order)[:count]


def _has_begun(training: Manifest) -> bool:
    return any("jobUID" in step for step in _status(training).get("steps") or ())


def _order(training: Manifest) -> tuple[str, str, str]:
    metadata = training["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"]


def _status(training: Manifest) -> Manifest:
    return training.get("status") or {}
