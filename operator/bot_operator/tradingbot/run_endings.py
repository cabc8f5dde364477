"""How a run ended, for one of the containers of its pod: with a result, or with a failure."""

from dataclasses import dataclass

from bot_operator.api.resources import Manifest, condition_of, is_deleting, is_true, name_of
from bot_operator.signs.container_ends import finished_at, has_ended, termination_of
from bot_operator.signs.pod_failures import Scene, diagnose_job, diagnose_pod
from bot_operator.signs.termination_messages import Unreadable, plain, read_result
from bot_operator.tradingbot.observe import Run
from bot_runtime.contract import names
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import MESSAGE_MAX, FailureClass, LastFailure
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.status import LastRun
from bot_runtime.contract.steps import StepOrRun

_COMPLETE, _FAILED = "Complete", "Failed"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a container of one pod of a run, or of a run that has no pod left."""

    at: str
    step: StepOrRun
    container: str
    job: Manifest
    pod: Manifest | None

    @property
    def is_unseen(self) -> bool:
        """Whether the container may have done its work and nobody has seen it."""
        if self.pod is not None:
            return False
        if is_true(self.job, _COMPLETE):
            return True
        # A Job fails by any one of the containers; by its own deadline where no node has run them.
        return len(containers_of(self.job)) > 1 and not _is_past_deadline(self.job)

    @property
    def scene(self) -> Scene:
        """Where it was."""
        return Scene(self.step, self.job, self.pod, self.container)

    def read(self, run_digest: str, known: LastFailure | None) -> StepResult | LastFailure:
        """Return what the container has told, or why it failed.

        A result with an error of exit code 0 is of a run that has left its work to another one.
        `known` is the failure on record: what kept its pod from starting is why it was too late.
        """
        if self.is_unseen:
            how = "succeeded" if is_true(self.job, _COMPLETE) else "failed"
            text = f"the run {how}, but its pod was deleted before its outcome was read"
            return self.scene.failure(FailureClass.OUTCOME_LOST, text, self.at)
        if self.pod is None:
            return diagnose_job(self.step, self.job, (), self.at, known)
        ended = termination_of(self.pod, self.container)
        if ended is None or ended.get("exitCode") != 0:
            if is_deleting(self.pod) and _is_past_deadline(self.job):
                return diagnose_job(self.step, self.job, (), self.at, known)
            return diagnose_pod(self.scene, self.at, known)
        result = read_result(str(ended.get("message") or ""), self.step, run_digest)
        if isinstance(result, Unreadable):
            return self.refuse(result)
        if result.error is not None and result.error.exit_code is not ExitCode.OK:
            found = f"ended with success and an error: {result.error.message}"
            return self.refuse(Unreadable(found))
        return result

    def refuse(self, found: Unreadable) -> LastFailure:
        """Return the failure of a container that ended well and whose message says otherwise."""
        assert self.pod is not None
        return LastFailure(
            step=self.step,
            job=name_of(self.job),
            pod=name_of(self.pod),
            container=self.container,
            failure_class=(
                FailureClass.CONFIGURATION if found.other_contract else FailureClass.CRASH
            ),
            exit_code=0,
            message=plain(f"the run {found.found}", MESSAGE_MAX),
            time=self.at,
            retryable=True,
        )


def endings_of(
    run: Run, last: LastRun | None, step: StepOrRun, container: str = names.CONTAINER_NAME
) -> list[Ending]:
    """Return how a container of the run has ended, unless that was before the run on record."""
    known_until = "" if last is None else last.time
    ended = [
        Ending(finished_at(pod, container), step, container, run.job, pod)
        for pod in run.pods
        if has_ended(pod, container)
    ]
    if ended:
        return [ending for ending in ended if ending.at >= known_until]
    if created_at(run.job) <= known_until:
        return []  # its pod was there to be read, and has been deleted since
    if run.pods and not _is_past_deadline(run.job):
        return []  # its pod is being deleted, and may have something to say yet
    for kind in (_COMPLETE, _FAILED):
        if is_true(run.job, kind):
            at = (condition_of(run.job, kind) or {}).get("lastTransitionTime")
            return [Ending(str(at or created_at(run.job)), step, container, run.job, None)]
    return []


def _is_past_deadline(job: Manifest) -> bool:
    """Tell whether a Job has failed by its own deadline, and so deletes its pod."""
    failed = condition_of(job, _FAILED) or {}
    return bool(failed.get("reason") == "DeadlineExceeded")


def created_at(job: Manifest) -> str:
    """Return when a Job was created."""
    return str(job["metadata"]["creationTimestamp"])


def containers_of(job: Manifest) -> tuple[str, ...]:
    """Return the names of the containers of a Job's pods."""
    pod = job["spec"]["template"].get("spec") or {}
    return tuple(str(container["name"]) for container in pod.get("containers") or ())


def digest_of_run(job: Manifest) -> str | None:
    """Return the digest of the run configuration that a Job, or a Job's template, is for."""
    template = job["spec"].get("template", {}).get("metadata", {})
    digest = (template.get("annotations") or {}).get(names.ANNOTATION_RUN_DIGEST)
    return None if digest is None else str(digest)
