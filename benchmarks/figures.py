"""Figures of a benchmark and how they are held against their limits."""

import json
import subprocess
import sys
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


_WATCH = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[1:])
seconds = time.perf_counter() - started
print(json.dumps([code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def run_process(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a command to its end and measure it; raises RuntimeError with its output on failure.

    It is started by a small process of its own: the kernel begins a new program's peak memory with
    that of the process that it was started by.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _WATCH, *command],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    output, _, measured = done.stdout.rstrip().rpartition("\n")
    code, seconds, peak_kib = json.loads(measured)
    if code != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {code}\n{output}")
    return Run(seconds, peak_kib / 1024)


def median_seconds(runs: Sequence[Run]) -> float:
    """Return the median wall time."""
    return median(run.seconds for run in runs)


def median_mib(runs: Sequence[Run]) -> float:
    """Return the median peak memory."""
    return median(run.peak_mib for run in runs)
