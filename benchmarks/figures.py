"""Figures of a benchmark and how they are held against their limits."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured ratio and the limit that the project promises."""

    name: str
    value: float
    limit: float
    at_least: bool

    @property
    def holds(self) -> bool:
        """Tell whether the promise is kept."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        """Return the figure's line."""
        sign = ">=" if self.at_least else "<="
        verdict = "holds" if self.holds else "falls short"
        return f"{self.name:<44} {self.value:8.2f}  {sign} {self.limit:<6g} {verdict}"


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall seconds and peak memory in MiB."""

    seconds: float
    peak_mib: float


def run_process(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a command to its end and measure it; raises RuntimeError with its output on failure."""
    started_at = time.perf_counter()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started_at
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}\n{output.decode()}")
    return Run(seconds, usage.ru_maxrss / 1024)


def median_seconds(runs: Sequence[Run]) -> float:
    """Return the median wall time."""
    return median(run.seconds for run in runs)


def median_mib(runs: Sequence[Run]) -> float:
    """Return the median peak memory."""
    return median(run.peak_mib for run in runs)
