"""Steps on this machine, each as a child process with a log in the store."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.names import ENV_CREDENTIALS, ENV_STORE
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.local.child import Child
from bot_runtime.process.errors import BusyError
from bot_runtime.store.layout import Store

Told = Callable[[str], None]
"""What is told every line of a step's output."""


class StepFailedError(Exception):
    """A child process ended with an exit code other than 0.

    Attributes:
        why: its own words, or how it ended where it has left none.
        log: the file with all that it said.
    """

    def __init__(self, exit_code: int, why: str, log: Path) -> None:
        super().__init__(f"exit code {exit_code}: {why}")
        self.exit_code, self.log = exit_code, log


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Runs steps of one bot; `credentials` is the folder of its key, where there is one."""

    store: Store
    credentials: Path | None

    def run(
        self,
        step: StepOrRun,
        configuration: RunConfiguration,
        tell: Told = lambda _: None,
        variables: Mapping[str, str] | None = None,
    ) -> StepResult:
        """Run a step to its end and return its result; `variables` are added to its environment.

        Raises StepFailedError, BusyError where another run of the bot is under way,
        StoreUnavailableError where its log cannot be written.
        """
        log = self.store.root / "logs" / f"{step}.log"
        environment = {**self._environment(step), **(variables or {})}
        code, result = Child(step, configuration, environment, log, tell).run()
        error = result.error if result else None
        if code == ExitCode.OK and error is not None:
            raise BusyError(error.message)
        if code != ExitCode.OK or result is None:
            why = error.message if error else _end_of(code)
            raise StepFailedError(_exit_code(code), why, log)
        return result

    def _environment(self, step: StepOrRun) -> dict[str, str]:
        """Return a child's environment; only preflight sees where the key is."""
        environment = {k: v for k, v in os.environ.items() if k != ENV_CREDENTIALS}
        environment[ENV_STORE] = str(self.store.root)
        if step == "Preflight":
            credentials = self.credentials or os.environ.get(ENV_CREDENTIALS)
            if credentials:
                environment[ENV_CREDENTIALS] = str(Path(credentials).resolve())
        return environment


def _exit_code(code: int) -> int:
    """Return what a child ended with as a shell tells it; a result that is missing is a crash."""
    return 128 - code if code < 0 else code or int(ExitCode.CRASH)


def _end_of(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}; see the log"
    return "no result; see the log"
