"""Conditions: carried over from status to status, with a new time only where the status flips."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from bot_operator.api.resources import from_time, to_time
from bot_runtime.contract.conditions import CONDITION_MESSAGE_MAX, Condition, Reason, Status

CLOCKS_DIFFER = timedelta(hours=1)
"""How far ahead of our clock a time may lie; one further ahead is none that has been seen."""


class ConditionSet:
    """The conditions of one object while its plan is made.

    Every type is present from the start: as Unknown until it is decided in this plan. What an
    earlier plan found does not count as found now.
    """

    def __init__(
        self,
        types: type[StrEnum],
        previous: Iterable[Condition],
        generation: int,
        now: datetime,
    ) -> None:
        self._order = tuple(str(member.value) for member in types)
        self._previous = {c.type: c for c in previous}
        self._generation = generation
        self._now = to_time(now)
        self._decided: dict[str, Condition] = {}

    def set(self, kind: str, status: Status, reason: Reason, message: str = "") -> None:
        """Decide a condition."""
        before = self._previous.get(kind)
        since = self._now
        if before is not None and before.status == status and self._has_been(before):
            since = before.last_transition_time
        decided = (status, reason, message[:CONDITION_MESSAGE_MAX], since, self._generation)
        if before is None or decided != _content(before):
            before = Condition(
                type=kind,
                status=status,
                reason=reason,
                message=message[:CONDITION_MESSAGE_MAX],
                last_transition_time=since,
                observed_generation=self._generation,
            )
        self._decided[kind] = before

    def _has_been(self, before: Condition) -> bool:
        """Tell whether its time lies in the past; a little ahead is another node's clock."""
        ahead = from_time(before.last_transition_time) - from_time(self._now)
        return ahead <= CLOCKS_DIFFER

    def get(self, kind: str) -> Condition:
        """Return a condition as decided so far."""
        if kind not in self._decided:
            self.set(kind, "Unknown", Reason.NOT_DECIDED)
        return self._decided[kind]

    def before(self, kind: str) -> Condition | None:
        """Return a condition as it stood before this plan, None at first sight."""
        return self._previous.get(kind)

    def is_true(self, kind: str) -> bool:
        """Tell whether a condition is True so far."""
        return self.get(kind).status == "True"

    def all(self) -> tuple[Condition, ...]:
        """Return every condition, in the order of their declaration."""
        return tuple(self.get(kind) for kind in self._order)


def _content(condition: Condition) -> tuple[str, Reason, str, str, int]:
    return (
        condition.status,
        condition.reason,
        condition.message,
        condition.last_transition_time,
        condition.observed_generation,
    )
