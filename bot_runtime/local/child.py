"""One step as a child process: as in a pod, with pipes for the files that a pod has mounted.

So its configuration and its result need no room on a disk that may be full.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bot_runtime.contract.names import ENV_CONFIG, ENV_TERMINATION
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import AT_ONCE, COMMANDS, StepOrRun
from bot_runtime.store.files import writing


@dataclass(frozen=True, slots=True)
class Child:
    """A step that is to run.

    Attributes:
        log: the file that every line of its output goes to.
        tell: what is told every such line too.
    """

    step: StepOrRun
    configuration: RunConfiguration
    environment: Mapping[str, str]
    log: Path
    tell: Callable[[str], None]

    def run(self) -> tuple[int, StepResult | None]:
        """Run it to its end; return its exit code, and its result where it has left one.

        Raises StoreUnavailableError where the log cannot be written. The process is ended then,
        as by Ctrl-C.
        """
        message, into = os.pipe()
        with open(message, "rb") as left:  # noqa: PTH123 - a descriptor, not a path
            try:
                code = self._run(into)
            finally:
                os.close(into)
            return code, _result(left.read())

    def _run(self, message: int) -> int:
        with writing(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            log = self.log.open("wb", buffering=0)
        with log, self._start(message) as process:
            assert process.stdin is not None, "asked for by stdin=PIPE"
            assert process.stdout is not None, "asked for by stdout=PIPE"
            try:
                with suppress(BrokenPipeError), process.stdin as config:
                    config.write(json.dumps(self.configuration.to_json()).encode())
                for line in process.stdout:
                    with writing(self.log):
                        log.write(line)
                    self.tell(line.decode(errors="replace"))
            except BaseException:  # Ctrl-C, SIGTERM as SystemExit, a full disk
                process.terminate()
                raise
        return process.returncode

    def _start(self, message: int) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parents[2])
        path = self.environment.get("PYTHONPATH")
        environment = {
            **self.environment,
            "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root,
            ENV_CONFIG: "/dev/stdin",
            ENV_TERMINATION: f"/dev/fd/{message}",
        }
        options = (AT_ONCE,) if self.step == "Inference" else ()
        return subprocess.Popen(
            [sys.executable, "-m", "bot_runtime", *COMMANDS[self.step], *options],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(message,),
        )


def _result(message: bytes) -> StepResult | None:
    try:
        return StepResult.model_validate_json(message)
    except ValidationError:
        return None
