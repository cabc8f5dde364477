"""Inference runs: what the Jobs of a bot's CronJob and their pods have said of decisions.

A decision is the work of one container. Whether another one of its pod goes on, ends well or fails,
and with it pod and Job, says nothing of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot_operator.api.resources import Manifest, name_of, uid_of
from bot_operator.signs.pod_failures import Scene
from bot_operator.signs.pod_waits import Trouble, find_trouble, waits_for_pods
from bot_operator.signs.termination_messages import Unreadable
from bot_operator.tradingbot.observe import Run
from bot_operator.tradingbot.run_endings import Ending, created_at, digest_of_run, endings_of
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import LastFailure
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import ShortSignal
from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.contract.status import LastRun, RunOutcome, TradingBotStatus
from bot_runtime.contract.steps import StepOrRun

STEP: StepOrRun = "Inference"


@dataclass(frozen=True, slots=True)
class RunsVerdict:
    """What the newest inference runs say."""

    signals: tuple[StatusSignal, ...] = ()
    live_skill: LiveSkill | None = None
    """Of the newest run that told it."""
    failure: LastFailure | None = None
    """The failure of the newest run that has ended; None where it succeeded."""
    trouble: Trouble | None = None
    waits: bool = False
    """Whether a run has no pod that runs: what keeps it may change without an event."""
    last: LastRun | None = None
    """The newest run whose outcome is decided; None where none is there to be read."""
    unseen: int = 0
    """Runs that have ended since the one on record and whose outcome nobody has seen."""


def read_runs(
    runs: Iterable[Run], configuration: RunConfiguration, before: TradingBotStatus, now: datetime
) -> RunsVerdict:
    """Judge the runs of this configuration; those of earlier ones no longer matter."""
    digest = configuration.digest
    ours = [run for run in runs if digest_of_run(run.job) == digest]
    troubles = (find_trouble(Scene(STEP, r.job), r.pods, r.obstacles, now) for r in ours)
    trouble = next((t for t in troubles if t is not None), None)
    waits = any(waits_for_pods(run.job, run.pods) for run in ours)
    ended = sorted(
        (e for run in ours for e in endings_of(run, before.last_run, STEP)), key=lambda e: e.at
    )
    if not ended:
        standing = _standing(before, configuration)
        return RunsVerdict(failure=standing, trouble=trouble, waits=waits)
    signals: tuple[StatusSignal, ...] = ()
    live_skill: LiveSkill | None = None
    failure: LastFailure | None = None
    for ending in ended:
        found = _read_ending(ending, configuration, before.last_failure)
        failure = found if isinstance(found, LastFailure) else None
        if not isinstance(found, LastFailure):
            signals = _signals_of(found, ending)
            live_skill = found.live_skill or live_skill  # a full message leaves it out
    return RunsVerdict(
        signals,
        live_skill,
        failure,
        trouble,
        waits=waits,
        last=_last_run(ended[-1], configuration, failure),
        unseen=sum(ending.is_unseen for ending in ended),
    )


def _read_ending(
    ending: Ending, configuration: RunConfiguration, known: LastFailure | None
) -> StepResult | LastFailure:
    result = ending.read(configuration.digest, known)
    if isinstance(result, LastFailure):
        return result
    found = _mismatch(result, configuration)
    return result if found is None else ending.refuse(found)


def _signals_of(result: StepResult, ending: Ending) -> tuple[StatusSignal, ...]:
    assert ending.pod is not None
    return tuple(_to_status(result, signal, ending.pod) for signal in result.signals)


def _mismatch(result: StepResult, configuration: RunConfiguration) -> Unreadable | None:
    """Tell why a run may not speak for this configuration."""
    assert configuration.inference is not None
    version = configuration.inference.model_version
    if result.model_version != version:
        return Unreadable(f"speaks for version {result.model_version}, not for {version}")
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
    ending: Ending, configuration: RunConfiguration, failure: LastFailure | None
) -> LastRun:
    outcome: RunOutcome = "Signal" if failure is None else "Failed"
    if ending.is_unseen:
        outcome = "Unseen"
    return LastRun(
        job=name_of(ending.job),
        time=created_at(ending.job),
        outcome=outcome,
        run_digest=configuration.digest,
    )


def is_version_unusable(failure: LastFailure | None) -> bool:
    """Tell whether the last run failed because the version's files cannot be used."""
    return failure is not None and failure.exit_code == ExitCode.ARTIFACT_INVALID
