"""The status of a training: what the operator tells. Nothing here changes without news."""

from typing import Annotated, Literal

from pydantic import Field

from bot_runtime.contract.base import Image, Model, Number, Time, VersionName
from bot_runtime.contract.conditions import Conditions
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.imagesstatus import ReadFields
from bot_runtime.contract.newer_fields import newer
from bot_runtime.contract.results import REASON_MAX, REASONS_MAX, Warnings
from bot_runtime.contract.stepstatus import StepStatus


class VersionStatus(Model):
    """The version that the evaluation assembled, and its verdict."""

    version: VersionName = Field(description="Name of the version in the store.")
    artifact_digest: str = Field(max_length=64, description="SHA-256 of the version's manifest.")
    trained_at: Time = Field(description="When the version was assembled.")
    git_commit: str = Field(
        default="unknown", max_length=64, description="Commit of the code that trained it."
    )
    promoted: bool = Field(description="Whether it passed the gate.")
    reasons: tuple[Annotated[str, Field(max_length=REASON_MAX)], ...] = Field(
        default=(),
        max_length=REASONS_MAX,
        description="Why it did not pass the gate, with numbers.",
    )
    tradable_share: Number | None = Field(
        default=None, description="Share of unseen candles that the thresholds would have traded."
    )
    binding_threshold: str | None = Field(
        default=None, max_length=40, description="Threshold that refused most candles."
    )
    warnings: Warnings | None = Field(default=None, description="What the evaluation warned of.")


TrainingState = Literal[
    "Pending",
    "Stopped",
    "WaitingForSecrets",
    "WaitingForStorage",
    "Queued",
    "Fetching",
    "Training",
    "Evaluating",
    "Promoted",
    "Rejected",
    "Failed",
]


class ModelTrainingStatus(Model):
    """What the operator knows of a training."""

    observed_generation: int = Field(default=0, description="Generation that was last acted on.")
    state: TrainingState = Field(
        default="Pending", description="Summary for columns; programs read the conditions."
    )
    conditions: Conditions = ()
    image: Image | None = Field(default=None, description="Image that the steps run.")
    image_reads: ReadFields = newer(
        (),
        description=(
            "Fields of spec, newer than the first release, that the image reads; of one that "
            "spec.image names it is taken for granted."
        ),
    )
    run_configuration: str | None = Field(
        default=None,
        max_length=253,
        description="Name of the ConfigMap that holds the run configuration.",
    )
    steps: tuple[StepStatus, ...] = Field(
        default=(),
        max_length=5,
        description="The five steps of the run, by name.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    version: VersionStatus | None = Field(
        default=None, description="Version that the run has made, and its verdict."
    )
    completion_time: Time | None = Field(default=None, description="When the run ended.")
    last_failure: LastFailure | None = Field(default=None, description="Why the run has failed.")
