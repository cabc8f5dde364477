"""What a step tells: JSON log lines while it works, and one termination message at its end.

Whatever leaves through here is scrubbed of secrets (`contract.scrub`).
"""

import json
import os
import resource
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bot_runtime.contract.failures import MESSAGE_MAX
from bot_runtime.contract.names import ENV_TERMINATION, TERMINATION_PATH
from bot_runtime.contract.progress import EVENT as PROGRESS
from bot_runtime.contract.progress import NOTE, seconds_left
from bot_runtime.contract.results import (
    WARNING_MAX,
    WARNINGS_MAX,
    StepError,
    StepResult,
    to_message,
)
from bot_runtime.contract.scrub import scrub, scrub_fields
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.process.errors import OutputUnavailableError, find_lack_of_room
from bot_runtime.process.errors import StepError as Failure
from bot_runtime.process.output import write_out


@dataclass(slots=True)
class Reporter:
    """Log lines of one step, on standard output."""

    step: StepOrRun
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    secrets: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def log(self, event: str, **fields: Any) -> None:
        """Write one JSON line: time, step, event and fields; raises OutputUnavailableError."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"ts": now, "step": self.step, "event": event, **fields}
        text = json.dumps(scrub_fields(line, self.secrets), ensure_ascii=False)
        write_out(self.stream, text + "\n")

    def progress(self, fraction: float, message: str, **fields: Any) -> None:
        """Tell how much of the step is done, from 0 to 1, and what it is doing.

        `eta_seconds` is the step's pace so far unless the caller knows better.
        """
        share = min(max(fraction, 0.0), 1.0)
        left = seconds_left(time.monotonic() - self.started, share)
        told = {"eta_seconds": left, **fields}
        known = {name: value for name, value in told.items() if value is not None}
        self.log(PROGRESS, fraction=round(share, 4), message=message, **known)

    def note(self, message: str) -> None:
        """Log what was found or taken for granted; on a laptop it is shown below the step."""
        self.log(NOTE, message=message)

    def warn(self, message: str) -> None:
        """Log a warning that also stands in the result (the first four, 200 characters each)."""
        clean = scrub(message, self.secrets)
        self.log("warning", message=clean)
        if clean not in self.warnings:
            self.warnings.append(clean)

    def result(self, **parts: Any) -> StepResult:
        """Return the step's result with its duration, peak memory and warnings."""
        return StepResult(
            step=self.step,
            duration_seconds=round(time.monotonic() - self.started, 3),
            peak_memory_bytes=peak_memory_bytes(),
            warnings=tuple(text[:WARNING_MAX] for text in self.warnings[:WARNINGS_MAX]),
            **parts,
        )

    def error_of(self, failure: BaseException) -> StepError:
        """Return an exception as the result's error: scrubbed, at most 1,000 characters."""
        failure = find_lack_of_room(failure) or failure
        code = failure.exit_code if isinstance(failure, Failure) else Failure.exit_code
        text = (
            str(failure) if isinstance(failure, Failure) else f"{type(failure).__name__}: {failure}"
        )
        return StepError(exit_code=code, message=scrub(text, self.secrets)[:MESSAGE_MAX])


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process (ru_maxrss, kibibytes on Linux)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def termination_path() -> Path | None:
    """Return the file of the termination message, or None where there is none to write."""
    configured = os.environ.get(ENV_TERMINATION)
    if configured:
        return Path(configured)
    default = Path(TERMINATION_PATH)
    return default if default.is_file() and os.access(default, os.W_OK) else None


def write_termination(result: StepResult, path: Path | None) -> None:
    """Write the result as termination message; a container's file is written in place.

    Raises OutputUnavailableError.
    """
    if path is None:
        return
    try:
        path.write_text(to_message(result), encoding="utf-8")
    except OSError as e:
        raise OutputUnavailableError(f"termination message: cannot be written: {e.strerror}") from e
