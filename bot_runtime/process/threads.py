"""Threads follow the CPU quota of the container, not the cores of the node.

Two threads on a contended core were measured several times slower than one. `limit_threads` has to
run before numpy, torch or onnxruntime are imported: they read the environment once.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """Where the kernel tells of quotas.

    Attributes:
        root: where the hierarchies are mounted; in a container, usually its own group.
        membership: which group the process is in, a line for each hierarchy.
    """

    root: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")

    def quota(self) -> float | None:
        """Return the CPUs that the process may use, the least of its groups; None: unlimited."""
        quotas = [_quota_v2(group) or _quota_v1(group) for group in self._groups()]
        return min((quota for quota in quotas if quota is not None), default=None)

    def _groups(self) -> Iterator[Path]:
        """Give the folders of the process's groups, up to the root of each hierarchy.

        A path that is not below the mount is one of the host: there the mount is the own group.
        """
        mounts = {"": self.root, "cpu": self.root / "cpu"}
        yield from mounts.values()
        for line in _text(self.membership).splitlines():
            _, controllers, path = line.split(":", 2)
            mount = mounts.get("cpu" if "cpu" in controllers.split(",") else controllers)
            if mount is None:
                continue
            group = mount / path.lstrip("/")
            yield from (folder for folder in (group, *group.parents) if mount in folder.parents)


def cpu_count(groups: ControlGroups | None = None) -> int:
    """Return how many threads may compute at once: the quota rounded up, at most the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    available = cores or 1
    quota = (groups or ControlGroups()).quota()
    if quota is None:
        return available
    return max(1, min(available, -int(-quota // 1)))


def limit_threads() -> None:
    """Set the thread counts of the numeric libraries that the user has not set."""
    count = str(cpu_count())
    for variable in _VARIABLES:
        os.environ.setdefault(variable, count)


def _quota_v2(group: Path) -> float | None:
    """Read `cpu.max`: `<quota|max> <period>` in microseconds."""
    words = _text(group / "cpu.max").split()
    if len(words) != 2 or not words[0].isdigit():
        return None
    return int(words[0]) / int(words[1])


def _quota_v1(group: Path) -> float | None:
    """Read `cpu.cfs_quota_us` (-1: none) over `cpu.cfs_period_us`."""
    quota = _text(group / "cpu.cfs_quota_us").strip()
    period = _text(group / "cpu.cfs_period_us").strip()
    if not quota.isdigit() or not period:
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
