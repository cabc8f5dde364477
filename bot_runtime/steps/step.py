"""One step: run it on the mounted configuration, keep and report what came of it.

Each function of the table imports its step only when it runs, so that none pays for another: an
inference imports nothing that trains.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.contract.steps import TRAINING_STEPS, StepOrRun
from bot_runtime.process.config import configuration_path, inference_of, load_configuration
from bot_runtime.process.errors import OutputUnavailableError
from bot_runtime.process.git import git_commit
from bot_runtime.process.reporting import Reporter, termination_path, write_termination
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store

Parts = dict[str, Any]
"""Fields of a StepResult that a step fills."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a step works with."""

    configuration: RunConfiguration
    store: Store
    reporter: Reporter
    at_once: bool
    """Whether the exchange is asked without a delay."""


def run_step(step: StepOrRun, store: Store, *, at_once: bool = False) -> int:
    """Run one step on the mounted configuration, report its result and return its exit code."""
    reporter = Reporter(step)
    result = reporter.result()
    try:
        configuration = load_configuration(configuration_path())
        result = _execute(step, Work(configuration, store, reporter, at_once))
        if configuration.training is not None and step in TRAINING_STEPS:
            save_json(store.result(configuration.training.name, step), _as_json(result))
    except Exception as e:  # noqa: BLE001 - the one place that catches broadly: it reports and ends
        error = reporter.error_of(e)
        if error.exit_code == ExitCode.CRASH:
            reporter.log("crash", traceback=traceback.format_exc())
        result = reporter.result(git_commit=git_commit(), error=error)
    return _report(reporter, result)


def _execute(step: StepOrRun, work: Work) -> StepResult:
    digest = work.configuration.digest
    work.reporter.log("started", owner=work.configuration.owner, run_digest=digest)
    parts = STEPS[step](work)
    return work.reporter.result(run_digest=digest, git_commit=git_commit(), **parts)


def _preflight(work: Work) -> Parts:
    from bot_runtime.steps.preflight import preflight

    preflight(work.configuration, work.reporter)
    return {}


def _fetch(work: Work) -> Parts:
    """Fetch the candles, unless the store has a version that may be taken instead."""
    from bot_runtime.steps.fetch import fetch
    from bot_runtime.store.adoption import find_adoptable

    adopted = find_adoptable(work.configuration, work.store, work.reporter)
    if adopted is not None:
        return {"evaluation": adopted}
    return {"data": fetch(work.configuration, work.store, work.reporter)}


def _train(objective: Objective, work: Work) -> Parts:
    from bot_runtime.steps.train import train

    return {"objective": train(work.configuration, objective, work.store, work.reporter)}


def _evaluate(work: Work) -> Parts:
    from bot_runtime.steps.evaluate import evaluate

    evaluation = evaluate(work.configuration, work.store, work.reporter)
    return {"evaluation": evaluation, "model_version": evaluation.version}


def _infer(work: Work) -> Parts:
    from bot_runtime.exchange.retries import Patience
    from bot_runtime.steps.infer import infer

    patience = Patience(jitter_seconds=0.0) if work.at_once else Patience()
    found = infer(work.configuration, work.store, work.reporter, patience)
    return {
        "signals": tuple(signal.shortened() for signal in found.signals),
        "live_skill": found.skill,
        "model_version": found.signals[0].version.model_version,
    }


def _trade(work: Work) -> Parts:
    from bot_runtime.steps.trade import trade

    result = trade(work.configuration, work.store, work.reporter)
    return {"trade": result, "model_version": inference_of(work.configuration).model_version}


STEPS: dict[StepOrRun, Callable[[Work], Parts]] = {
    "Preflight": _preflight,
    "Data": _fetch,
    **{objective: partial(_train, objective) for objective in OBJECTIVES},
    "Evaluation": _evaluate,
    "Inference": _infer,
    "Trade": _trade,
}


def _report(reporter: Reporter, result: StepResult) -> int:
    """Write the termination message and the last log line; return the exit code.

    A step whose result cannot be told has failed, whatever it did.
    """
    try:
        write_termination(result, termination_path())
    except OutputUnavailableError as e:
        result = result.model_copy(update={"error": result.error or reporter.error_of(e)})
    code = result.error.exit_code if result.error else ExitCode.OK
    reporter.log("finished", exit_code=int(code), **_as_json(result))
    return int(code)


def _as_json(result: StepResult) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
