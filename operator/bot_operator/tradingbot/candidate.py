"""The training that a bot follows: where it stands, and what keeps it."""

from dataclasses import dataclass
from datetime import datetime

from bot_operator.api.resources import Manifest, Ref, to_time
from bot_operator.planning.specs import Training
from bot_runtime.contract.conditions import Reason, TrainingCondition
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.stepstatus import PASSED
from bot_runtime.contract.trainingstatus import ModelTrainingStatus


@dataclass(frozen=True, slots=True)
class Candidate:
    """The training that the bot follows, and what is to be done about trainings."""

    name: str
    attempt: int
    scheduled_time: str | None
    """Time of the schedule that it was begun for; None where the spec asked for it."""
    training: Training | None
    create: Manifest | None = None
    delete: tuple[Ref, ...] = ()
    retry_at: datetime | None = None
    """When a failed training is tried again, None where waiting does not help."""
    failed_before: LastFailure | None = None
    """Why the attempt before it failed, where nothing was changed since."""

    @property
    def status(self) -> ModelTrainingStatus:
        """Status of the training; an empty one where there is no object yet."""
        return ModelTrainingStatus() if self.training is None else self.training.status

    @property
    def retry_time(self) -> str | None:
        """`retry_at` as a status shows it."""
        return None if self.retry_at is None else to_time(self.retry_at)

    @property
    def is_running(self) -> bool:
        """Whether a training is under way."""
        return self.training is not None and self.status.completion_time is None

    @property
    def is_complete(self) -> bool:
        """Whether the training ended with a version and a verdict."""
        return self.training is not None and self.status.version is not None

    @property
    def has_failed(self) -> bool:
        """Whether the training ended without a version."""
        return self.status.completion_time is not None and not self.is_complete

    @property
    def failure(self) -> LastFailure | None:
        """Why it has failed or waits; else why the one before failed, until it is past that."""
        own, before = self.status.last_failure, self.failed_before
        if own is not None or before is None or self.is_complete:
            return own
        is_past = any(s.name == before.step and s.state in PASSED for s in self.status.steps)
        return None if is_past else before

    @property
    def keeps_failing(self) -> bool:
        """Whether it has failed, or follows one that has and is not better yet."""
        return self.has_failed or (self.failed_before is not None and self.failure is not None)

    @property
    def wait(self) -> str | None:
        """What the training under way itself says that it waits for; None where it goes on."""
        ready = {c.type: c for c in self.status.conditions}.get(TrainingCondition.READY)
        if ready is None or not self.is_running or ready.reason is Reason.WAITING_FOR_SLOT:
            return None
        goes_on = ready.reason is Reason.TRAINING_RUNNING and self.status.last_failure is None
        return None if goes_on else ready.message

    @property
    def is_pending(self) -> bool:
        """Whether a training is under way, or will be without anybody's help."""
        tried_again = self.has_failed and self.retry_at is not None
        return self.create is not None or self.is_running or tried_again
