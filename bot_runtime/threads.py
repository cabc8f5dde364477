"""Threads follow the CPU quota of the container, not the cores of the node.

Two threads on a contended core were measured several times slower than one. `limit_threads` has to
run before numpy, torch or onnxruntime are imported: they read the environment once.
"""

import os
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def cpu_count(cgroup: Path = CGROUP_ROOT) -> int:
    """Return how many threads may compute at once: the quota rounded up, at most the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    available = cores or 1
    quota = _quota_v2(cgroup) or _quota_v1(cgroup)
    if quota is None:
        return available
    return max(1, min(available, -int(-quota // 1)))


def limit_threads() -> None:
    """Set the thread counts of the numeric libraries that the user has not set."""
    count = str(cpu_count())
    for variable in _VARIABLES:
        os.environ.setdefault(variable, count)


def _quota_v2(cgroup: Path) -> float | None:
    """Read `cpu.max`: `<quota|max> <period>` in microseconds."""
    words = _words(cgroup / "cpu.max")
    if len(words) != 2 or not words[0].isdigit():
        return None
    return int(words[0]) / int(words[1])


def _quota_v1(cgroup: Path) -> float | None:
    """Read `cpu.cfs_quota_us` (-1: none) over `cpu.cfs_period_us`."""
    quota = _words(cgroup / "cpu" / "cpu.cfs_quota_us")
    period = _words(cgroup / "cpu" / "cpu.cfs_period_us")
    if not quota or not period or not quota[0].isdigit():
        return None
    return int(quota[0]) / int(period[0])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
