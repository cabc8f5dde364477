"""A CPU quota of the kernel's own, as a container has it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 100_000


class NoQuotaError(Exception):
    """This machine or user cannot make a control group."""


@contextmanager
def cpu_quota(cpus: float) -> Iterator[Path]:
    """Give a control group whose processes have so many CPUs together.

    Raises NoQuotaError where the kernel or the user's rights do not allow it.
    """
    version_2 = (ROOT / "cgroup.controllers").exists()
    group = (ROOT if version_2 else ROOT / "cpu") / f"botcripto-quota-{os.getpid()}"
    quota = int(cpus * PERIOD_MICROSECONDS)
    try:
        group.mkdir()
        if version_2:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
    except OSError as e:
        raise NoQuotaError(f"{group}: {e.strerror}") from e
    try:
        yield group
    finally:
        group.rmdir()


def within(group: Path, command: Sequence[str]) -> list[str]:
    """Return the command as one that enters the group first."""
    enter = (
        "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); "
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    return [sys.executable, "-c", enter, str(group / "cgroup.procs"), *command]
