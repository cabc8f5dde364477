"""The steps of a training in its status: where each stands, and what it took."""

from typing import Final, Literal

from pydantic import Field

from bot_runtime.contract.base import Model, Time
from bot_runtime.contract.results import Metrics
from bot_runtime.contract.spec import Algorithm
from bot_runtime.contract.steps import Step

STEP_MESSAGE_MAX: Final = 1024

StepState = Literal["Pending", "Running", "Succeeded", "Unseen", "Failed", "Skipped"]
"""Unseen: the Job was deleted before its outcome was read; the next step judges the store."""
PASSED: Final[frozenset[StepState]] = frozenset({"Succeeded", "Unseen"})
"""States in which the next step may begin."""


class StepProgress(Model):
    """How far a running step is, in steps of 10 %."""

    percent: int = Field(ge=0, le=100, description="Share that is done: 0, 10, 20 to 100.")
    epoch: int | None = Field(
        default=None, description="Epoch, or boosting round, that was under way then."
    )
    epochs: int | None = Field(
        default=None, description="Number of epochs at most; a fit may end before."
    )
    estimated_completion_time: Time | None = Field(
        default=None, description="When the step ends at the pace that it had then."
    )


class StepStatus(Model):
    """One step of a training; recorded once it has ended, and final then."""

    name: Step = Field(description="Name of the step.")
    state: StepState = Field(default="Pending", description="Where the step stands.")
    job: str | None = Field(default=None, max_length=63, description="Name of its Job.")
    job_uid: str | None = Field(
        default=None,
        alias="jobUID",
        max_length=36,
        description="UID of its Job, once it has been seen.",
    )
    start_time: Time | None = Field(default=None, description="When its Job started.")
    completion_time: Time | None = Field(default=None, description="When its Job ended.")
    algorithm: Algorithm | None = Field(
        default=None, description="Algorithm that was better out of sample."
    )
    metrics: Metrics | None = Field(
        default=None, description="Metrics on unseen candles, each beside its naive one."
    )
    artifact_sha256: str | None = Field(
        default=None, max_length=64, description="SHA-256 of the manifest of the model's files."
    )
    progress: StepProgress | None = Field(
        default=None, description="How far it is while it runs, from its log."
    )
    image_id: str | None = Field(
        default=None,
        alias="imageID",
        max_length=512,
        description="Image that was pulled for the step, by digest.",
    )
    peak_memory: str | None = Field(
        default=None,
        max_length=32,
        description="Peak memory of the process; >=4Gi where it was killed at that limit.",
    )
    message: str | None = Field(
        default=None, max_length=STEP_MESSAGE_MAX, description="What the step said last."
    )
