"""The control group under which the node's pods run, in hierarchies of version 1 or 2."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.errors import ClusterError

ROOT = Path("/sys/fs/cgroup")
# What kubelet and the runtime need to find.
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "pids")
CONTROLLERS_V2 = ("cpu", "cpuset", "memory", "pids")
REMOVAL_SECONDS = 10.0


def is_version_2() -> bool:
    """Say whether this machine has the one hierarchy of version 2."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """Return the roots of all hierarchies, each once."""
    if is_version_2():
        return [ROOT]
    found: dict[tuple[int, int], Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, tail = line.partition(" - ")
        if tail.split()[0] in {"cgroup", "cgroup2"}:
            path = Path(fields.split()[4])
            status = path.stat()
            found.setdefault((status.st_dev, status.st_ino), path)
    return list(found.values())


def missing_controllers() -> list[str]:
    """Return the controllers that kubelet needs and this machine does not offer."""
    if is_version_2():
        offered = set((ROOT / "cgroup.controllers").read_text().split())
        return [name for name in CONTROLLERS_V2 if name not in offered]
    return [name for name in CONTROLLERS if not (ROOT / name).is_dir()]


def create(name: str) -> None:
    """Make a group of this name in every hierarchy, ready to have children.

    Raises:
        ClusterError: the kernel refuses.
    """
    for root in hierarchies():
        group = root / name
        try:
            group.mkdir(exist_ok=True)
            if is_version_2():
                _delegate(root)
                _delegate(group)
            elif (group / "cpuset.cpus").exists():
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (group / file).write_text((root / file).read_text())
        except OSError as error:
            raise ClusterError(f"cannot make the control group {group}: {error}") from error


def _delegate(group: Path) -> None:
    enabled = (group / "cgroup.subtree_control").read_text().split()
    for name in CONTROLLERS_V2:
        if name not in enabled:
            (group / "cgroup.subtree_control").write_text(f"+{name}")


def remove(name: str) -> None:
    """Remove the groups of this name and all below, which must hold no process any more.

    Raises:
        ClusterError: one is still in use.
    """
    deadline = time.monotonic() + REMOVAL_SECONDS
    while left := [group for root in hierarchies() for group in _tree(root / name)]:
        for group in left:
            with contextlib.suppress(OSError):  # a killed process leaves it a moment later
                group.rmdir()
        if time.monotonic() > deadline:
            raise ClusterError(f"control groups that cannot be removed: {left}")
        time.sleep(0.02)


def _tree(group: Path) -> Iterator[Path]:
    """Yield all groups below and the group itself, children first."""
    if group.is_dir():
        for child in group.iterdir():
            if child.is_dir() and not child.is_symlink():
                yield from _tree(child)
        yield group
