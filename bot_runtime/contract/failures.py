"""Failures: one closed list of classes, and the shape that stands in a status."""

from enum import StrEnum

from pydantic import Field

from bot_runtime.contract.base import Model
from bot_runtime.contract.exitcodes import ExitCode

MESSAGE_MAX = 1000


class FailureClass(StrEnum):
    """What kind of failure ended a step; the docstring says whether waiting can heal it."""

    CONFIGURATION = "Configuration"
    """The run configuration is wrong: change the spec."""
    CREDENTIALS = "Credentials"
    """The exchange refuses the key: change the secret."""
    DATA = "Data"
    """Candles are too few or broken: more history or another window; tried again later."""
    EXCHANGE = "Exchange"
    """The exchange did not answer: tried again with backoff."""
    ARTIFACT = "Artifact"
    """A stored file is missing, corrupt or of another contract: the version is not used."""
    MODEL = "Model"
    """No candidate could be exported with parity."""
    STORAGE = "Storage"
    """The volume is full, read-only, not bound, cannot be mounted, or is gone."""
    OUT_OF_MEMORY = "OutOfMemory"
    """The container was killed at its memory limit: raise resources.limits.memory."""
    DEADLINE = "Deadline"
    """The step took longer than deadlineSeconds."""
    EVICTED = "Evicted"
    """The pod was pushed out of its node, or deleted: tried again."""
    PREEMPTED = "Preempted"
    """A pod of higher priority took the place: tried again; pod.priorityClassName raises ours."""
    NODE = "Node"
    """The node went away or cannot start the pod: tried again, on another node if there is one."""
    IMAGE_PULL = "ImagePull"
    """The image cannot be pulled: correct the reference or the pull secret."""
    POD_SECURITY = "PodSecurity"
    """The namespace's PodSecurity level refuses the pod: something has changed what we made."""
    QUOTA = "Quota"
    """The namespace's ResourceQuota is used up: goes on by itself when there is room."""
    LIMIT_RANGE = "LimitRange"
    """The namespace's LimitRange does not allow these requests and limits: change resources."""
    POD_REFUSED = "PodRefused"
    """A policy or webhook refuses the pod; the message has its words."""
    UNSCHEDULABLE = "Unschedulable"
    """No node takes the pod: more or larger nodes, smaller requests, other placement."""
    CRASH = "Crash"
    """The program ended unexpectedly; the message has its last words."""
    OUTCOME_LOST = "OutcomeLost"
    """The Job was deleted before its outcome could be read."""


CLASS_OF_EXIT_CODE: dict[int, FailureClass] = {
    ExitCode.DATA_UNUSABLE: FailureClass.DATA,
    ExitCode.ARTIFACT_INVALID: FailureClass.ARTIFACT,
    ExitCode.MODEL_UNFIT: FailureClass.MODEL,
    ExitCode.EXCHANGE_UNAVAILABLE: FailureClass.EXCHANGE,
    ExitCode.STORE_UNAVAILABLE: FailureClass.STORAGE,
    ExitCode.CREDENTIALS_REJECTED: FailureClass.CREDENTIALS,
    ExitCode.CONFIGURATION: FailureClass.CONFIGURATION,
}

HEALS_BY_WAITING = frozenset(
    {
        FailureClass.DATA,
        FailureClass.EXCHANGE,
        FailureClass.STORAGE,
        FailureClass.EVICTED,
        FailureClass.PREEMPTED,
        FailureClass.NODE,
        FailureClass.QUOTA,
        FailureClass.UNSCHEDULABLE,
        FailureClass.CRASH,
        FailureClass.OUTCOME_LOST,
    }
)
"""Classes after which a bot's training is tried again by itself, with backoff."""


class LastFailure(Model):
    """The last failure of a bot or a training; cleared on recovery."""

    step: str = Field(max_length=32, description="Step that has failed, or Inference.")
    job: str | None = Field(default=None, max_length=63, description="Name of its Job.")
    pod: str | None = Field(
        default=None, max_length=253, description="Name of the pod that it was seen in."
    )
    container: str | None = Field(
        default=None, max_length=63, description="Name of the container in that pod."
    )
    failure_class: FailureClass = Field(
        alias="class", description="Kind of the failure, of a closed list."
    )
    exit_code: int | None = Field(
        default=None, description="Exit code of the container; 137 is a kill."
    )
    signal: int | None = Field(
        default=None, description="Number of the signal that ended the container: 11 is SIGSEGV."
    )
    message: str = Field(max_length=MESSAGE_MAX, description="What happened, in its own words.")
    time: str = Field(max_length=32, description="When it was seen to have happened (RFC 3339).")
    retryable: bool = Field(description="Whether it is tried again without a change.")
