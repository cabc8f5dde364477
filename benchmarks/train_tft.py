"""`train-tft`: our fit of a Temporal Fusion Transformer against pytorch-forecasting's own recipe.

Same network, rows, batch, optimiser steps, one thread; each side in a process of its own, in turn.
Speeds are samples per CPU second, which other work on the machine changes least. Then our fit under
a CPU quota of 1, with the threads that the product takes and with others: a quota is a share of CPU
time, so what counts is again what a CPU second brings.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from benchmarks.learning_rows import BARS, FEATURES, learning_rows
from tests.quota import NoQuotaError, cpu_quota, within

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Side:
    """What a process printed."""

    samples_per_second: float
    samples_per_cpu_second: float
    peak_mib: float
    threads: int


def measure() -> list[Figure]:
    """Return the ratios of speed and memory, and how good the threads are under a quota."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npz"
        source, rows = learning_rows()
        rows.save(file)
        print(f"{BARS} bars of {source}, {FEATURES} features")
        own, plain = [], []
        for _ in range(ROUNDS):
            own.append(_run("own", file, threads=1))
            plain.append(_run("plain", file, threads=1))
            _print("own", own[-1])
            _print("plain", plain[-1])
        return [
            Figure(
                "own samples/s over the plain recipe's", _speed(own) / _speed(plain), 1.25, True
            ),
            Figure("own memory above imports over plain's", _mib(own) / _mib(plain), 0.5, False),
            *_under_quota(file),
        ]


def _under_quota(file: Path) -> list[Figure]:
    """Return the speed with the product's threads as a share of the best, CPU quota 1."""
    counts = range(1, len(os.sched_getaffinity(0)) + 1)
    found: dict[int, list[float]] = {threads: [] for threads in counts}
    try:
        with cpu_quota(1.0) as group:
            taken = _run("own", file, 0, group).threads
            for threads in [*counts] * ROUNDS:
                found[threads].append(_run("own", file, threads, group).samples_per_cpu_second)
    except NoQuotaError as e:
        print(f"under a quota: not measured: {e}")
        return []
    speed = {threads: median(speeds) for threads, speeds in found.items()}
    for threads in counts:
        print(f"quota 1, {threads} threads: {speed[threads]:.0f} samples per CPU second")
    share = speed[taken] / max(speed.values())
    return [Figure(f"quota 1: speed with {taken} thread over the best", share, 1.0, at_least=True)]


def _run(side: str, file: Path, threads: int, group: Path | None = None) -> Side:
    command = [sys.executable, "-m", "benchmarks.tft_side", side, str(file), str(threads)]
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        within(group, command) if group else command,
        env=environment | {"OMP_NUM_THREADS": str(threads)} if threads else environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{side}: exit {done.returncode}\n{done.stderr}")
    return Side(**json.loads(done.stdout.splitlines()[-1]))


def _print(name: str, side: Side) -> None:
    speed, cpu_speed = side.samples_per_second, side.samples_per_cpu_second
    speeds = f"{speed:6.0f} samples/s, {cpu_speed:6.0f} by CPU time"
    print(f"{name:<6} {speeds}, {side.peak_mib:6.0f} MiB", flush=True)


def _speed(sides: list[Side]) -> float:
    return median(side.samples_per_cpu_second for side in sides)


def _mib(sides: list[Side]) -> float:
    return median(side.peak_mib for side in sides)
