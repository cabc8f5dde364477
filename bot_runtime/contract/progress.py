"""Progress: the log line by which a step tells how far it is, read from the end of its log."""

import math

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot_runtime.contract.steps import StepOrRun

EVENT = "progress"
NOTE = "note"
"""Likewise a line for people, with what a step found or took for granted."""


class ProgressLine(BaseModel):
    """One JSON line of a step's log; what else stands in the line is for people."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    ts: str = Field(max_length=32)
    """When it was written, RFC 3339."""
    step: StepOrRun
    event: str = Field(pattern=f"^{EVENT}$")
    fraction: float = Field(ge=0, le=1)
    """Share of the step that is done."""
    epoch: int | None = Field(default=None, ge=0, le=1_000_000)
    """Epoch, or boosting round, that is under way."""
    epochs: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many there are at most: a fit may end before."""
    loss: float | None = None
    """Loss of the last rows that were fitted to."""
    validation_loss: float | None = None
    """Loss on the rows that decide when to stop."""
    samples_per_second: float | None = Field(default=None, ge=0)
    eta_seconds: int | None = Field(default=None, ge=0, le=31_536_000)
    """Seconds that are left at the present pace."""


def last_progress(log: str, step: StepOrRun) -> ProgressLine | None:
    """Return what the last progress line of `step` in a log says, None where there is none."""
    for text in reversed(log.splitlines()):
        if EVENT not in text:
            continue
        try:
            line = ProgressLine.model_validate_json(text)
        except ValidationError:
            continue
        if line.step == step:
            return line
    return None


def seconds_left(elapsed_seconds: float, share: float) -> int | None:
    """Return the seconds left at the pace so far; None where nothing is done yet."""
    if not 0 < share <= 1:
        return None
    return math.ceil(elapsed_seconds * (1 - share) / share)
