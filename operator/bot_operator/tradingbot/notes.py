"""What is told of a bot as Events: transitions of conditions, and what no condition shows. Pure."""

from collections.abc import Mapping

from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.plans import Note, Telling, notes_of, recoveries_of
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.notifications import notes_of_silence
from bot_operator.tradingbot.trading_notes import notes_of_trading
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason

TOLD: Mapping[str, Telling] = {
    Kind.STALLED: {"True": "Warning"},
    Kind.MODEL_AVAILABLE: {"True": "Normal"},
    Kind.MODEL_FRESH: {"False": "Warning"},
    Kind.DEGRADED: {"True": "Warning"},
    Kind.SIGNAL_FRESH: {"False": "Warning"},
    Kind.TRADING_ALLOWED: {"False": "Warning"},
    Kind.RECONCILED: {"False": "Warning"},
    Kind.READY: {"True": "Normal", "False": "Normal"},
}
HINDRANCES = (Reason.JOURNAL_UNAVAILABLE, Reason.TRADE_FAILED)
"""Reasons of TradingAllowed that are told: limits and images of a release tell of themselves, and a
stop is somebody's wish."""
FAULTS = (Kind.STALLED, Kind.DEGRADED)
"""Conditions whose end is told too."""


def notes_of_bot(conditions: ConditionSet, context: Context, found: Findings) -> tuple[Note, ...]:
    """Return what is told as Events: transitions of conditions, and what no condition shows."""
    before, active = context.before.active_model, found.active
    told = dict(TOLD)
    notes = []
    if before is not None and active is not None and before.version != active.version:
        # In the place of what the condition would tell: it may be promoted again and again.
        del told[Kind.MODEL_AVAILABLE]
        condition = conditions.get(Kind.MODEL_AVAILABLE)
        text = f"{before.version} → {active.version}: {condition.message}"
        fell_back = condition.reason is Reason.FELL_BACK
        notes.append(Note("Warning" if fell_back else "Normal", condition.reason, text))
    if conditions.get(Kind.MODEL_FRESH).reason is not Reason.STALE:
        del told[Kind.MODEL_FRESH]
    if conditions.get(Kind.TRADING_ALLOWED).reason not in HINDRANCES:
        del told[Kind.TRADING_ALLOWED]
    notes.extend(notes_of(conditions, told))
    notes.extend(recoveries_of(conditions, FAULTS))
    if context.available_images not in {None, context.before.available_images}:
        release = context.release
        trees = f"{release.trees_training}, " if release.trees_training else ""
        text = (
            f"this release of the operator has {trees}{release.training} and "
            f"{release.inference}; set updateStrategy: Auto, or name them in spec.images"
        )
        notes.append(Note("Normal", Reason.NEW_IMAGES, text))
    notes.extend(notes_of_trading(context, found))
    notes.extend(notes_of_silence(conditions))
    missed = found.retraining.missed_time
    if missed is not None and missed != context.before.missed_training_time:
        text = f"the training scheduled for {missed} could not begin in time and is left out"
        if found.retraining.next_time is not None:
            text += f"; the next one is at {found.retraining.next_time}"
        notes.append(Note("Warning", Reason.TRAINING_MISSED, text))
    return tuple(notes)
