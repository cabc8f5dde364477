"""What a plan is: everything that one reconciliation wants done, as a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bot_operator.api.resources import Manifest, Ref
from bot_operator.planning.conditions import ConditionSet
from bot_runtime.contract.base import Model
from bot_runtime.contract.conditions import Reason

Weight = Literal["Normal", "Warning"]
Telling = Mapping[str, Weight]
"""Which statuses of a condition are told as an Event, and of which kind."""


@dataclass(frozen=True, slots=True)
class Note:
    """An Event to be told about the owner."""

    kind: Weight
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Applied in this order: suspend, delete, resume, create, apply, status, notes."""

    status: Model
    """The whole desired status; written only where it differs."""
    suspend: tuple[Ref, ...] = ()
    """CronJobs that must not fire any more, whatever becomes of all that follows."""
    delete: tuple[Ref, ...] = ()
    resume: tuple[Ref, ...] = ()
    """Jobs that were created suspended and whose uid is recorded by now."""
    create: tuple[Manifest, ...] = ()
    """Created if absent, never changed afterwards: Jobs, trainings, run configurations."""
    apply: tuple[Manifest, ...] = ()
    """Kept as they are here by server-side apply: claims and CronJobs."""
    notes: tuple[Note, ...] = ()
    takes_slot: bool = False
    """Whether a training begins or goes on: it counts against the limit from now on."""
    requeue_after: float | None = None
    """Seconds after which the owner is looked at again without being woken."""


def notes_of(conditions: ConditionSet, told: Mapping[str, Telling]) -> tuple[Note, ...]:
    """Return a note for each condition of `told` whose status or reason has changed.

    What several of them say in the same words is told once, by the first.
    """
    notes: list[Note] = []
    for kind, telling in told.items():
        now, before = conditions.get(kind), conditions.before(kind)
        if before is not None and (before.status, before.reason) == (now.status, now.reason):
            continue
        weight = telling.get(now.status)
        text = now.message or f"{kind} is {now.status}"
        if weight is not None and all(note.message != text for note in notes):
            notes.append(Note(weight, now.reason, text))
    return tuple(notes)


def recoveries_of(conditions: ConditionSet, bad: Iterable[str]) -> tuple[Note, ...]:
    """Return a note for each condition of `bad` (True is a fault) that no longer is True."""
    notes = []
    for kind in bad:
        now, before = conditions.get(kind), conditions.before(kind)
        if before is not None and before.status == "True" and now.status == "False":
            text = f"no longer {kind}; it was {before.reason.value}: {before.message}"
            notes.append(Note("Normal", now.reason, text))
    return tuple(notes)


def earliest(*delays: float | None) -> float | None:
    """Return the least of the given delays, None where there is none."""
    given = [delay for delay in delays if delay is not None]
    return max(0.0, min(given)) if given else None
