"""What is told of a bot as Events: transitions of conditions, and what no condition shows. Pure."""

from collections.abc import Mapping

from bot_operator.conditions import ConditionSet
from bot_operator.plan import Note, Telling, notes_of
from bot_operator.tradingbot.findings import Context, Findings
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason

TOLD: Mapping[str, Telling] = {
    Kind.STALLED: {"True": "Warning"},
    Kind.MODEL_AVAILABLE: {"True": "Normal"},
    Kind.DEGRADED: {"True": "Warning"},
    Kind.READY: {"True": "Normal"},
}


def notes_of_bot(conditions: ConditionSet, context: Context, found: Findings) -> tuple[Note, ...]:
    """Return what is told as Events: transitions of conditions, and what no condition shows."""
    notes = list(notes_of(conditions, TOLD))
    missed = found.retraining.missed_time
    if missed is not None and missed != context.before.missed_training_time:
        text = f"the training scheduled for {missed} could not begin in time and is left out"
        if found.retraining.next_time is not None:
            text += f"; the next one is at {found.retraining.next_time}"
        notes.append(Note("Warning", Reason.TRAINING_MISSED, text))
    return tuple(notes)
