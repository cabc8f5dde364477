"""Installs missing Debian packages so that no service is started and none is left enabled."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.cluster import node, processes
from tests.cluster.binaries import Report
from tests.cluster.errors import ClusterError
from tests.cluster.requirements import COMMANDS, IMAGE_COMMANDS, NETWORK_PLUGINS_PACKAGE

POLICY = Path("/usr/sbin/policy-rc.d")
# 101: "action forbidden by policy"
FORBID = "#!/bin/sh\nexit 101\n"
SYSTEMD = Path("/etc/systemd/system")
INSTALL_SECONDS = 900


def missing(*, images: bool) -> list[str]:
    """Return the Debian packages that a node, or a node and its images, still needs."""
    commands = {**COMMANDS, **IMAGE_COMMANDS} if images else COMMANDS
    absent = {package for command, package in commands.items() if processes.which(command) is None}
    if node.cni_folder() is None:
        absent.add(NETWORK_PLUGINS_PACKAGE)
    if processes.which("etcd") is None:
        absent.add("etcd-server")  # otherwise it is built, which takes longer
    return sorted(absent)


def can_install() -> bool:
    """Say whether this is root on a machine with apt-get."""
    return os.geteuid() == 0 and processes.which("apt-get") is not None


def ensure(report: Report) -> None:
    """Install what a node and its images still need, where that can be done here.

    Raises:
        ClusterError: apt-get failed.
    """
    if can_install() and (absent := missing(images=True)):
        install(absent, report)


def install(packages: list[str], report: Report) -> None:
    """Install packages; services that they bring are neither started nor left enabled.

    Raises:
        ClusterError: apt-get failed.
    """
    report(f"installing Debian packages: {' '.join(packages)}")
    before = set(_enabled())
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    apt = [*environment, "apt-get", "--quiet", "--yes", "--no-remove"]
    with _no_services():
        processes.run([*apt, "update"], timeout=INSTALL_SECONDS)
        argv = [*apt, "install", "--no-install-recommends", *packages]
        processes.run(argv, timeout=INSTALL_SECONDS)
    disable(set(_enabled()) - before)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Forbid packages to start services, and put back what was there before."""
    before = POLICY.read_bytes() if POLICY.exists() else None
    mode = POLICY.stat().st_mode if before is not None else 0o755
    POLICY.write_text(FORBID)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            POLICY.unlink()
        else:
            POLICY.write_bytes(before)
            POLICY.chmod(mode)


def _enabled() -> Iterator[str]:
    """Yield the services that start with the machine, by systemd or by the older scripts."""
    for link in SYSTEMD.glob("*.wants/*.service"):
        yield link.name.removesuffix(".service")
    for link in Path("/etc").glob("rc[2-5].d/S*"):
        yield link.name[3:]


def disable(services: Iterable[str]) -> None:
    """Keep services from starting with the machine.

    A later upgrade of their packages respects it: Debian enables a service once.

    Raises:
        ClusterError: one stays enabled.
    """
    for service in sorted(set(services)):
        for argv in (
            ["systemctl", "disable", f"{service}.service"],
            ["update-rc.d", service, "disable"],
        ):
            if processes.which(argv[0]):
                with contextlib.suppress(ClusterError):  # it is of the other kind
                    processes.run(argv)
        for link in SYSTEMD.glob(f"*.wants/{service}.service"):
            link.unlink()  # where systemd itself is not installed
    left = set(services) & set(_enabled())
    if left:
        raise ClusterError(f"services that stay enabled: {', '.join(sorted(left))}")
