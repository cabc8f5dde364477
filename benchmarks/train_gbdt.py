"""`train-gbdt`: our trees against random forests on the same rows, and what training takes."""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Run, median_mib, median_seconds, run_process
from benchmarks.learning_rows import BARS, FEATURES, learning_rows
from bot_runtime.process.threads import cpu_count

ROUNDS = 3
LARGEST_MIB = 400
LARGEST_TFT_MIB = 2048


def measure() -> list[Figure]:
    """Return the speed-up over the forests, and the memory of the trees and of the TFT."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npz"
        source, rows = learning_rows()
        rows.save(file)
        print(f"{BARS} bars of {source}, {FEATURES} features")
        own, forests = [], []
        for _ in range(ROUNDS):
            own.append(_run("own", file))
            forests.append(_run("forests", file))
        tft = _run("tft", file)
    for name, runs in (("own", own), ("forests", forests), ("tft", [tft])):
        print(f"{name:<8} {median_seconds(runs):6.2f} s {median_mib(runs):6.0f} MiB")
    ratio = median(f.seconds / o.seconds for f, o in zip(forests, own, strict=True))
    return [
        Figure("forests' time over ours", ratio, 3, at_least=True),
        Figure("memory of the trees, MiB", median_mib(own), LARGEST_MIB, at_least=False),
        Figure("memory of the TFT, MiB", tft.peak_mib, LARGEST_TFT_MIB, at_least=False),
    ]


def _run(side: str, file: Path) -> Run:
    command = [sys.executable, "-m", "benchmarks.gbdt_side", side, str(file)]
    return run_process(command, os.environ | {"OMP_NUM_THREADS": str(cpu_count())})
