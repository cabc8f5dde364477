"""The runtime's command: load configuration, build, run, report.

Every step ends with a termination message and an exit code (contract/exitcodes.py); all of them run
on a laptop with the same configuration file as in a pod.

    python -m bot_runtime fetch | train --objective Trend | evaluate | infer | preflight
    python -m bot_runtime run mybot.yaml
"""

import argparse
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot_runtime.config import configuration_path, load_configuration
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import AT_ONCE, COMMANDS, TRAINING_STEPS, StepOrRun
from bot_runtime.git import git_commit
from bot_runtime.reporting import Reporter, termination_path, write_termination
from bot_runtime.store import Store, save_json
from bot_runtime.threads import limit_threads

_HELP = {
    "preflight": "check the exchange, the symbols and the key",
    "fetch": "fetch the training's candles into the store",
    "train": "train, export and publish one objective",
    "evaluate": "assemble the version and judge it",
    "infer": "decide on the newest closed candles",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    limit_threads()  # nothing above imports numpy; what the steps import reads it once
    with _ending_when_told():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    parsed = _parser().parse_args(arguments)
    if parsed.command == "run":
        from bot_runtime.local import LocalRun, run

        return run(LocalRun(parsed.file, parsed.store, parsed.endpoint, parsed.credentials))
    return run_step(parsed.step, Store.from_environment(), at_once=parsed.at_once)


@contextmanager
def _ending_when_told() -> Iterator[None]:
    """End with exit code 143 on SIGTERM, from wherever the step is.

    Left alone, a container's first process ignores it, and lightning ends a fit with exit code 0.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_step(step: StepOrRun, store: Store, *, at_once: bool = False) -> int:
    """Run one step on the mounted configuration, report its result and return its exit code."""
    reporter = Reporter(step)
    result = reporter.result()
    try:
        configuration = load_configuration(configuration_path())
        result = _execute(step, configuration, store, reporter, at_once=at_once)
        if configuration.training is not None and step in TRAINING_STEPS:
            save_json(store.result(configuration.training.name, step), _as_json(result))
    except Exception as e:  # noqa: BLE001 - the one place that catches broadly: it reports and ends
        error = reporter.error_of(e)
        if error.exit_code == ExitCode.CRASH:
            reporter.log("crash", traceback=traceback.format_exc())
        result = reporter.result(git_commit=git_commit(), error=error)
    return _report(reporter, result)


def _execute(
    step: StepOrRun,
    configuration: RunConfiguration,
    store: Store,
    reporter: Reporter,
    *,
    at_once: bool,
) -> StepResult:
    """Run the step; each is imported only where it runs, so that none pays for another."""
    reporter.log("started", owner=configuration.owner, run_digest=configuration.digest)
    parts: dict[str, Any] = {}
    if step == "Preflight":
        from bot_runtime.preflight import preflight

        preflight(configuration, reporter)
    elif step == "Data":
        from bot_runtime.adoption import find_adoptable
        from bot_runtime.fetch import fetch

        parts["evaluation"] = find_adoptable(configuration, store, reporter)
        if parts["evaluation"] is None:
            parts["data"] = fetch(configuration, store, reporter)
    elif step == "Evaluation":
        from bot_runtime.evaluate import evaluate

        parts["evaluation"] = evaluate(configuration, store, reporter)
        parts["model_version"] = parts["evaluation"].version
    elif step == "Inference":
        from bot_runtime.infer import Patience, infer

        patience = Patience(jitter_seconds=0.0) if at_once else Patience()
        signals = infer(configuration, store, reporter, patience)
        parts["signals"] = tuple(signal.shortened() for signal in signals)
        parts["model_version"] = signals[0].version.model_version
    else:
        from bot_runtime.train import train

        parts["objective"] = train(configuration, step, store, reporter)
    return reporter.result(run_digest=configuration.digest, git_commit=git_commit(), **parts)


def _report(reporter: Reporter, result: StepResult) -> int:
    """Write the termination message and the last log line; return the exit code."""
    code = result.error.exit_code if result.error else ExitCode.OK
    reporter.log("finished", exit_code=int(code), **_as_json(result))
    try:
        write_termination(result, termination_path())
    except OSError as e:
        reporter.log("termination message not written", error=e.strerror)
    return int(code)


def _as_json(result: StepResult) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bot-runtime", description="Run one step of a bot.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for word, text in _HELP.items():
        _add_options(commands.add_parser(word, help=text), word)
    run = commands.add_parser("run", help="take a TradingBot's YAML through all steps, here")
    run.add_argument("file", type=Path, help="YAML of one TradingBot")
    run.add_argument("--store", type=Path, help="directory of data and models")
    run.add_argument("--endpoint", help="address of a server that speaks the exchange's API")
    run.add_argument("--credentials", type=Path, help="directory with files apiKey and apiSecret")
    return parser


def _add_options(parser: argparse.ArgumentParser, word: str) -> None:
    """Add the options of the command `word`; what it parses has `step` and `at_once`."""
    steps = [step for step, command in COMMANDS.items() if command[0] == word]
    parser.set_defaults(step=steps[0], at_once=False)
    if len(steps) > 1:
        parser.add_argument(COMMANDS[steps[0]][1], dest="step", required=True, choices=steps)
    if "Inference" in steps:
        text = "ask the exchange at once"
        parser.add_argument(AT_ONCE, dest="at_once", action="store_true", help=text)


if __name__ == "__main__":
    sys.exit(main())
