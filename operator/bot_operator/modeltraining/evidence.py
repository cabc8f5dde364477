"""What a step's pods show beside their outcome: progress, pulled image, peak memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot_operator.api.client import Kube
from bot_operator.api.errors import ApiError
from bot_operator.api.resources import Manifest, container_statuses, from_time, ref_of, to_time
from bot_operator.signs.container_ends import finished_at, termination_of
from bot_operator.signs.pod_failures import is_out_of_memory, memory_limit
from bot_runtime.contract import names
from bot_runtime.contract.progress import ProgressLine, last_progress
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.steps import Step
from bot_runtime.contract.stepstatus import StepProgress, StepStatus

LOG_LINES = 20
LOG_LOOK_SECONDS = 15.0
"""How often the end of a running step's log is read."""
PERCENT_STEP = 10
AT_LEAST = ">="
_IMAGE_ID_MAX = 512


async def observe_progress(kube: Kube, step: Step, pods: Iterable[Manifest]) -> ProgressLine | None:
    """Read what the running pod has last said of its progress; None where it cannot be read."""
    for pod in pods:
        if pod.get("status", {}).get("phase") == "Running":
            try:
                log = await kube.read_log(ref_of(pod), names.CONTAINER_NAME, LOG_LINES)
            except ApiError:
                return None  # nothing depends on it
            return last_progress(log, step)
    return None


def with_progress(step: StepStatus, said: ProgressLine | None) -> StepStatus:
    """Return the step with its progress, which changes at every tenth and no oftener."""
    if said is None:
        return step
    percent = int(said.fraction * 100) // PERCENT_STEP * PERCENT_STEP
    if step.progress is not None and step.progress.percent == percent:
        return step
    progress = StepProgress(
        percent=percent,
        epoch=said.epoch,
        epochs=said.epochs,
        estimated_completion_time=_estimate(said),
    )
    return step.model_copy(update={"progress": progress})


def with_evidence(
    step: StepStatus, job: Manifest | None, pods: Sequence[Manifest], result: StepResult | None
) -> StepStatus:
    """Return an ended step with the image that was pulled and the memory that it took."""
    last = max(pods, key=finished_at, default=None)
    if last is None:
        return step
    update = {"progress": None, "image_id": _image_id(last)}
    ended = termination_of(last) or {}
    limit = memory_limit(job, names.CONTAINER_NAME)
    if ended and is_out_of_memory(ended) and limit is not None:
        update["peak_memory"] = AT_LEAST + limit
    elif result is not None and result.peak_memory_bytes:
        update["peak_memory"] = f"{-(-result.peak_memory_bytes // 2**20)}Mi"
    return step.model_copy(update=update)


def _image_id(pod: Manifest) -> str | None:
    for status in container_statuses(pod):
        if status["name"] == names.CONTAINER_NAME:
            return str(status.get("imageID") or "")[:_IMAGE_ID_MAX] or None
    return None


def _estimate(said: ProgressLine) -> str | None:
    if said.eta_seconds is None:
        return None
    try:
        written: datetime = from_time(said.ts)
    except ValueError:
        return None
    return to_time(written + timedelta(seconds=said.eta_seconds))
