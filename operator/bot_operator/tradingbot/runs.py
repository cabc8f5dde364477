"""Inference runs: what the Jobs of a bot's CronJob and their pods have said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot_operator.api.resources import Manifest, condition_of, is_true, name_of, uid_of
from bot_operator.signs.pod_failures import Scene, diagnose_job, diagnose_pod
from bot_operator.signs.pod_waits import Trouble, find_trouble, waits_for_pods
from bot_operator.signs.termination_messages import (
    Unreadable,
    finished_at,
    plain,
    read_result,
    termination_of,
)
from bot_operator.tradingbot.observe import Run
from bot_runtime.contract import names
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import MESSAGE_MAX, FailureClass, LastFailure
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import ShortSignal
from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.status import LastRun, RunOutcome, TradingBotStatus

STEP = "Inference"
_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class RunsVerdict:
    """What the newest inference runs say."""

    signals: tuple[StatusSignal, ...] = ()
    failure: LastFailure | None = None
    """The failure of the newest run that has ended; None where it succeeded."""
    trouble: Trouble | None = None
    waits: bool = False
    """Whether a run has no pod that runs: what keeps it may change without an event."""
    last: LastRun | None = None
    """The newest run whose outcome is decided; None where none is there to be read."""
    unseen: int = 0
    """Runs that have ended since the one on record and whose outcome nobody has seen."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """The end of one pod of a run, or of a run that has no pod left."""

    at: str
    job: Manifest
    pod: Manifest | None


def read_runs(
    runs: Iterable[Run], configuration: RunConfiguration, before: TradingBotStatus, now: datetime
) -> RunsVerdict:
    """Judge the runs of this configuration; those of earlier ones no longer matter."""
    digest = configuration.digest
    ours = [run for run in runs if digest_of_run(run.job) == digest]
    troubles = (find_trouble(Scene(STEP, r.job), r.pods, r.obstacles, now) for r in ours)
    trouble = next((t for t in troubles if t is not None), None)
    waits = any(waits_for_pods(run.job, run.pods) for run in ours)
    ended = sorted((e for run in ours for e in _endings(run, before.last_run)), key=lambda e: e.at)
    if not ended:
        return RunsVerdict((), _standing(before, configuration), trouble, waits=waits)
    signals: tuple[StatusSignal, ...] = ()
    failure: LastFailure | None = None
    for ending in ended:
        found = _read_ending(ending, configuration, before.last_failure)
        failure = found if isinstance(found, LastFailure) else None
        signals = signals if isinstance(found, LastFailure) else found
    return RunsVerdict(
        signals,
        failure,
        trouble,
        waits=waits,
        last=_last_run(ended[-1], configuration, failure),
        unseen=sum(_is_unseen(ending) for ending in ended),
    )


def _endings(run: Run, last: LastRun | None) -> list[_Ending]:
    """Return how the run has ended, unless that was before the run on record."""
    known_until = "" if last is None else last.time
    ended = [
        _Ending(finished_at(pod), run.job, pod)
        for pod in run.pods
        if pod.get("status", {}).get("phase") in _ENDED
    ]
    if ended:
        return [ending for ending in ended if ending.at >= known_until]
    if _created(run.job) <= known_until:
        return []  # its pod was there to be read, and has been deleted since
    for kind in ("Complete", "Failed"):
        if is_true(run.job, kind):
            at = (condition_of(run.job, kind) or {}).get("lastTransitionTime")
            return [_Ending(str(at or _created(run.job)), run.job, None)]
    return []


def _read_ending(
    ending: _Ending, configuration: RunConfiguration, known: LastFailure | None
) -> tuple[StatusSignal, ...] | LastFailure:
    pod = ending.pod
    if pod is None:
        if _is_unseen(ending):
            text = "the run succeeded, but its pod was deleted before its outcome was read"
            return Scene(STEP, ending.job).failure(FailureClass.OUTCOME_LOST, text, ending.at)
        return diagnose_job(STEP, ending.job, (), ending.at, known)
    ended = termination_of(pod)
    if pod["status"]["phase"] == "Failed" or ended is None or ended.get("exitCode") != 0:
        return diagnose_pod(STEP, ending.job, pod, ending.at)
    result = read_result(str(ended.get("message") or ""), STEP, configuration.digest)
    found = result if isinstance(result, Unreadable) else _mismatch(result, configuration)
    if isinstance(result, StepResult) and found is None:
        return tuple(_to_status(result, signal, pod) for signal in result.signals)
    assert found is not None
    return LastFailure(
        step=STEP,
        job=name_of(ending.job),
        pod=name_of(pod),
        container=names.CONTAINER_NAME,
        failure_class=(FailureClass.CONFIGURATION if found.other_contract else FailureClass.CRASH),
        exit_code=0,
        message=plain(f"the run {found.found}", MESSAGE_MAX),
        time=ending.at,
        retryable=True,
    )


def _mismatch(result: StepResult, configuration: RunConfiguration) -> Unreadable | None:
    """Tell why a run may not speak for this configuration."""
    assert configuration.inference is not None
    version = configuration.inference.model_version
    if result.model_version != version:
        return Unreadable(f"speaks for version {result.model_version}, not for {version}")
    if result.error is not None:
        return Unreadable(f"ended with success and an error: {result.error.message}")
    strange = [s.symbol for s in result.signals if s.symbol not in configuration.symbols]
    if strange or not result.signals:
        return Unreadable(f"decided on {', '.join(strange) or 'nothing'}, not on the bot's symbols")
    return None


def _to_status(result: StepResult, signal: ShortSignal, pod: Manifest) -> StatusSignal:
    return StatusSignal.of(
        signal,
        version=str(result.model_version),
        commit=result.git_commit,
        digest=result.run_digest,
        pod=uid_of(pod),
    )


def _standing(before: TradingBotStatus, configuration: RunConfiguration) -> LastFailure | None:
    """Return the failure on record of the run on record, whose pod and Job may be gone by now."""
    run, failure = before.last_run, before.last_failure
    if run is None or failure is None or run.run_digest != configuration.digest:
        return None
    return failure if run.outcome != "Signal" and failure.job == run.job else None


def _last_run(
    ending: _Ending, configuration: RunConfiguration, failure: LastFailure | None
) -> LastRun:
    outcome: RunOutcome = "Signal" if failure is None else "Failed"
    if _is_unseen(ending):
        outcome = "Unseen"
    return LastRun(
        job=name_of(ending.job),
        time=_created(ending.job),
        outcome=outcome,
        run_digest=configuration.digest,
    )


def _is_unseen(ending: _Ending) -> bool:
    return ending.pod is None and is_true(ending.job, "Complete")


def _created(job: Manifest) -> str:
    return str(job["metadata"]["creationTimestamp"])


def digest_of_run(job: Manifest) -> str | None:
    """Return the digest of the run configuration that a Job, or a Job's template, is for."""
    template = job["spec"].get("template", {}).get("metadata", {})
    digest = (template.get("annotations") or {}).get(names.ANNOTATION_RUN_DIGEST)
    return None if digest is None else str(digest)


def is_version_unusable(failure: LastFailure | None) -> bool:
    """Tell whether the last run failed because the version's files cannot be used."""
    return failure is not None and failure.exit_code == ExitCode.ARTIFACT_INVALID
