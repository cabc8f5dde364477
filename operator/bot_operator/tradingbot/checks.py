"""Checks on a bot: its schedule, and what its inference runs have said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from bot_operator.diagnosis import (
    Trouble,
    Unreadable,
    diagnose_job,
    diagnose_pod,
    find_trouble,
    finished_at,
    read_result,
    termination_of,
)
from bot_operator.resources import Manifest, is_true, name_of, to_time, uid_of
from bot_operator.tradingbot.observe import Run
from bot_runtime.contract import names
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import FailureClass, LastFailure
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import FEED_REASONS, ShortSignal, StatusSignal

STEP = "Inference"
_UTC_NAMES = frozenset({"UTC", "Etc/UTC"})
_FIRINGS_LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule that fires, in its time zone."""

    schedule: str
    zone: tzinfo

    def firing(self, after: datetime, count: int) -> datetime:
        """Return the `count`-th firing after a moment."""
        return next(islice(CronSim(self.schedule, after.astimezone(self.zone)), count - 1, None))

    def least_period(self, now: datetime) -> float:
        """Return the least number of seconds between two of the next firings."""
        coming = CronSim(self.schedule, now.astimezone(self.zone))
        firings = list(islice(coming, _FIRINGS_LOOKED_AT))
        return min((b - a).total_seconds() for a, b in pairwise(firings))


@dataclass(frozen=True, slots=True)
class RunsVerdict:
    """What the newest inference runs say."""

    signals: tuple[StatusSignal, ...] = ()
    failure: LastFailure | None = None
    """The newest finished run's failure; None where it succeeded."""
    trouble: Trouble | None = None
    finished: bool = False
    """Whether any run of this configuration is known to have ended."""


def check_schedule(schedule: str, time_zone: str, now: datetime) -> Timetable | str:
    """Return the timetable, or what is wrong with it."""
    try:
        zone = UTC if time_zone in _UTC_NAMES else ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        if available_timezones():
            return f"spec.inference.timeZone: {time_zone} is not known; write one as Europe/Madrid"
        zone = UTC  # no time zone database here: the API server has one and judges the name
    timetable = Timetable(schedule, zone)
    try:
        timetable.least_period(now)
    except (CronSimError, StopIteration, ValueError):
        return f"spec.inference.schedule: {schedule} never fires; write one that does: */5 * * * *"
    return timetable


def read_runs(runs: Iterable[Run], configuration: RunConfiguration, now: datetime) -> RunsVerdict:
    """Judge the runs of this configuration; those of earlier ones no longer matter."""
    ours = [run for run in runs if _run_digest(run) == configuration.digest]
    pods = [pod for run in ours for pod in run.pods]
    ended = sorted((e for run in ours for e in _endings(run)), key=lambda e: e.at)
    trouble = find_trouble(pods, now)
    if not ended:
        return RunsVerdict(trouble=trouble)
    signals: tuple[StatusSignal, ...] = ()
    failure: LastFailure | None = None
    for ending in ended:
        found = _read_ending(ending, configuration, to_time(now))
        failure = found if isinstance(found, LastFailure) else None
        signals = signals if isinstance(found, LastFailure) else found
    return RunsVerdict(signals, failure, trouble, finished=True)


def is_feed_trouble(signal: StatusSignal) -> bool:
    """Tell whether a decision was taken for the feed's sake."""
    return signal.reason.partition(" ")[0].rstrip(":,;") in FEED_REASONS


def is_version_unusable(failure: LastFailure | None) -> bool:
    """Tell whether the last run failed because the version's files cannot be used."""
    return failure is not None and failure.exit_code == ExitCode.ARTIFACT_INVALID


def merge_signals(
    known: Iterable[StatusSignal], found: Iterable[StatusSignal], symbols: Iterable[str]
) -> tuple[StatusSignal, ...]:
    """Return the newest signal of every symbol, in the order of `symbols`."""
    newest: dict[str, StatusSignal] = {}
    for signal in (*known, *found):
        before = newest.get(signal.symbol)
        if before is None or signal.ts >= before.ts:
            newest[signal.symbol] = signal
    return tuple(newest[s] for s in symbols if s in newest)


def is_fresh_until(timetable: Timetable, at: datetime, deadline_seconds: int) -> datetime:
    """Return until when a signal of `at` counts as fresh: two firings and one run later."""
    run_seconds = min(float(deadline_seconds), timetable.least_period(at))
    return timetable.firing(at, 2) + timedelta(seconds=run_seconds)


@dataclass(frozen=True, slots=True)
class _Ending:
    """The end of one pod of a run, or of a run that has no pod left."""

    at: str
    job: Manifest
    pod: Manifest | None


def _endings(run: Run) -> list[_Ending]:
    ended = [
        _Ending(finished_at(pod), run.job, pod)
        for pod in run.pods
        if pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    ]
    if not ended and is_true(run.job, "Failed"):
        # A Job past its deadline takes its pod away.
        failure = diagnose_job(STEP, run.job, (), "")
        return [_Ending(failure.time, run.job, None)]
    return ended


def _read_ending(
    ending: _Ending, configuration: RunConfiguration, now: str
) -> tuple[StatusSignal, ...] | LastFailure:
    pod = ending.pod
    if pod is None:
        return diagnose_job(STEP, ending.job, (), now)
    at = ending.at or now
    ended = termination_of(pod)
    if pod["status"]["phase"] == "Failed" or ended is None or ended.get("exitCode") != 0:
        return diagnose_pod(STEP, ending.job, pod, at)
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
        message=f"the run {found.found}"[:1000],
        time=at,
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
    return StatusSignal.model_validate(
        {
            **signal.model_dump(),
            "model_version": result.model_version,
            "git_commit": result.git_commit,
            "run_digest": result.run_digest,
            "producedBy": uid_of(pod),
        }
    )


def _run_digest(run: Run) -> str | None:
    template = run.job["spec"].get("template", {}).get("metadata", {})
    digest = (template.get("annotations") or {}).get(names.ANNOTATION_RUN_DIGEST)
    return None if digest is None else str(digest)
