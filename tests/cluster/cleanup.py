"""Removes every trace of a cluster, whatever state it is in."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.cluster import cgroups, network, node, processes
from tests.cluster.claims import Claims
from tests.cluster.errors import ClusterError
from tests.cluster.layout import Layout

Step = Callable[[], None]


def remove(layout: Layout) -> None:
    """Kill the cluster's processes and remove what they made on this machine.

    Raises:
        ClusterError: something resists, and the message says what; all else is removed.
    """
    _take(
        *_off(layout),
        lambda: Claims.of_user().restore_sysctls(layout.identity),
        lambda: Claims.of_user().release(layout.identity),
        lambda: _remove_folder(layout.state),
    )


def stop(layout: Layout) -> None:
    """Kill the cluster's processes and remove what they made outside its folder.

    Raises:
        ClusterError: something resists, and the message says what; all else is removed.
    """
    _take(*_off(layout))


def _off(layout: Layout) -> list[Step]:
    steps: list[Step] = [lambda: processes.kill(layout.identity)]
    if os.geteuid() == 0:
        steps += [
            lambda: cgroups.remove(layout.cgroup),
            lambda: network.remove(layout),
            node.remove_fixed_folders,
        ]
    return steps


def _take(*steps: Step) -> None:
    failures: list[str] = []
    for step in steps:
        try:
            step()
        except (ClusterError, OSError) as error:
            failures.append(str(error))
    if failures:
        raise ClusterError("the cluster is not removed completely: " + "; ".join(failures))


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    for parent in (folder.parent, folder.parent.parent):
        with contextlib.suppress(OSError):  # other clusters, or the cache, live there too
            parent.rmdir()
