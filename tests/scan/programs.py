"""The two scanners, installed once per version into the cache folder.

kube-score is built from a Go module that pins it; checkov has a virtual environment of its own from
a lock with hashes: its hundred requirements must not decide ours.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.cluster.binaries import Report, find_go, release
from tests.cluster.errors import ClusterError
from tools.environment import cache_folder

SOURCE = Path(__file__).parent
GO_MODULE = SOURCE / "kube-score"
CHECKOV_LOCK = SOURCE / "checkov.txt"
_SECONDS = 900


def kube_score(report: Report) -> Path:
    """Return kube-score; ClusterError where it cannot be built."""
    folder = _folder("kube-score", GO_MODULE / "go.mod", GO_MODULE / "go.sum")
    return _ensure(folder / "kube-score", lambda: _build_kube_score(folder, report))


def checkov(report: Report) -> Path:
    """Return checkov; ClusterError where it cannot be installed."""
    folder = _folder("checkov", CHECKOV_LOCK)
    return _ensure(folder / "ready", lambda: _install_checkov(folder, report)).parent / (
        "venv/bin/checkov"
    )


def _folder(name: str, *decides: Path) -> Path:
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in decides)).hexdigest()[:12]
    return cache_folder() / f"{name}-{digest}"


def _ensure(whole: Path, make: Callable[[], None]) -> Path:
    """Make what is there only when it is whole, once at a time."""
    whole.parent.mkdir(parents=True, exist_ok=True)
    with (whole.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            make()
    return whole


def _build_kube_score(folder: Path, report: Report) -> None:
    report("building kube-score (once per version, a few minutes)")
    go = find_go(release().go_version, report)
    partial = folder / ".kube-score"
    package = "github.com/zegl/kube-score/cmd/kube-score"
    argv = [str(go), "build", "-trimpath", "-ldflags=-s -w", "-o", str(partial), package]
    _run(argv, cwd=GO_MODULE, env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"})
    partial.rename(folder / "kube-score")


def _install_checkov(folder: Path, report: Report) -> None:
    report("installing checkov into an environment of its own (once per version, 300 MB)")
    venv = folder / "venv"
    _run([sys.executable, "-m", "venv", "--clear", str(venv)])
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
    _run([*pip, "-r", str(CHECKOV_LOCK)])
    (folder / "ready").touch()


def _run(argv: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        raise ClusterError(f"`{' '.join(argv[:6])} …` failed:\n{done.stderr[-2000:]}")
