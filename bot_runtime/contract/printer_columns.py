"""Printer columns: what `kubectl get` shows of both kinds, and what more with `-o wide`."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; priority 1 shows only with `-o wide`."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the column as the CRD spells it."""
        column: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
        }
        return {**column, "priority": self.priority} if self.priority else column


def _condition(type_: str, part: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{part}'


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since creation.", "date")

BOT_COLUMNS: Final = (
    Column("Mode", ".spec.mode", "Paper or Live."),
    Column("Symbols", ".status.symbols", "Markets."),
    Column("Ready", _condition("Ready"), "Whether the bot decides on schedule."),
    Column("State", ".status.state", "Where the bot stands."),
    Column("Model", ".status.activeModel.version", "Version that is served."),
    Column("Decision", ".status.lastSignal.decision", "The newest decision."),
    Column("Position", ".status.position", "What is held."),
    Column("Equity", ".status.equity", "Equity in the quote asset."),
    Column("Signal-Age", ".status.lastSignal.ts", "Time since that decision.", "date"),
    _AGE,
    Column("Reason", _condition("Ready", "reason"), "Why it is Ready or not.", priority=1),
    Column("Skill", ".status.skill", "Gain over naive forecasts of late.", priority=1),
    Column("Training", ".status.candidateTraining.name", "Newest ModelTraining.", priority=1),
    # Not a date: kubectl shows one that is yet to come as <invalid>.
    Column("Next-Training", ".status.nextTrainingTime", "When it trains next.", priority=1),
    Column("Failure", ".status.lastFailure.class", "Kind of the last failure.", priority=1),
    Column("Message", ".status.lastFailure.message", "The last failure.", priority=1),
)

TRAINING_COLUMNS: Final = (
    Column("Bot", ".spec.botRef.name", "Bot that the run is for."),
    Column("State", ".status.state", "Where the run stands."),
    Column("Ready", _condition("Ready"), "Whether the run is complete."),
    Column("Version", ".status.version.version", "Version that the run made."),
    Column("Promoted", _condition("Promoted"), "Whether the version passed the gate."),
    Column("Failure", ".status.lastFailure.class", "Kind of the failure."),
    _AGE,
    Column("Reason", _condition("Ready", "reason"), "Why it is Ready or not.", priority=1),
    Column("Message", ".status.lastFailure.message", "The failure.", priority=1),
    Column("Completed", ".status.completionTime", "Since it ended.", "date", priority=1),
)
