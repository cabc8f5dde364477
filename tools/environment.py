"""The project's virtual environment: one per lock and interpreter, outside the work tree.

    python3 tools/environment.py setup   # build it unless it is complete
    python3 tools/environment.py path    # print its interpreter, without touching anything
    python3 tools/environment.py prune   # remove environments that nobody used for a while

The first two take the name of a lock: `dev` has everything and is the default, `train-trees` has
what runs a bot on a laptop without torch.

It lies at ${XDG_CACHE_HOME:-~/.cache}/botcripto/venv-<hash>, where the hash covers the lock and
the interpreter: two checkouts with one lock share it, a changed lock gets its own. It is built in
place, since console scripts hold absolute paths, under a file lock; a stamp written last says that
it is complete, and an environment without a stamp is built anew.

Only the standard library is imported: this runs before anything is installed.
"""

from __future__ import annotations  # so that an old interpreter gets as far as being told so

import argparse
import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MINIMUM_PYTHON = (3, 11)
UNUSED_DAYS = 14
LOCKS = {
    name: Path(__file__).resolve().parent.parent / "requirements" / f"{name}.txt"
    for name in ("dev", "train-trees")
}
LOCK_FILE = LOCKS["dev"]
STAMP = ".complete"


def cache_folder() -> Path:
    """Return the folder of everything heavy that can be made again."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says that a relative value is to be ignored.
    root = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return root / "botcripto"


def environment_folder(lock: Path = LOCK_FILE) -> Path:
    """Return where the environment of this lock and this interpreter lies."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    # Comments say where a package comes from; a new one is no reason to install everything again.
    pinned = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    digest = hashlib.sha256(pinned.encode())
    digest.update(f"{sys.version}|{sys.base_prefix}|{platform.machine()}".encode())
    return cache_folder() / f"venv-{digest.hexdigest()[:16]}"


def interpreter(folder: Path) -> Path:
    """Return the interpreter of the environment in `folder`."""
    return folder / "bin" / "python"


def missing_prerequisite() -> str | None:
    """Say what this interpreter lacks to build an environment, and how to get it."""
    found = platform.python_version()
    if sys.version_info < MINIMUM_PYTHON:
        return (
            f"python3 is {found}, 3.11 or later is needed: install python3.11 and python3.11-venv "
            "with apt-get, or name another interpreter: make PYTHON=python3.12"
        )
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        return (
            f"python3 {found} cannot make virtual environments: "
            "apt-get install python3-venv (or make PYTHON=<another interpreter>)"
        )
    return None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`; the kernel lets go of it when this process dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another process builds {folder}", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run_pip(arguments: list[str], log: Path) -> None:
    """Run pip with its output in `log`, one line on the terminal for every 20 packages.

    Raises CalledProcessError, after showing the log's end.
    """
    packages = 0
    with (
        log.open("a", encoding="utf-8") as written,
        subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip,
    ):
        for line in pip.stdout or ():
            written.write(line)
            packages += line.startswith("Collecting ")
            if line.startswith("Collecting ") and packages % 20 == 0:
                print(
                    f"setup: {packages} packages, {line.partition(' (from')[0].strip()}", flush=True
                )
    if packages and not pip.returncode:
        print(f"setup: {packages} packages installed", flush=True)
    if pip.returncode:
        print("".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-15:]))
        raise subprocess.CalledProcessError(pip.returncode, arguments)


def pip_options(lock: Path) -> list[str]:
    """Return how pip installs a lock.

    The lock is complete, so pip has nothing to resolve: --no-deps saves a minute, and `pip check`
    proves afterwards that nothing was missing. Wheels only: no compiler is needed.
    """
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    if lock.name == LOCK_FILE.name:
        return options
    # A module is compiled when it is first imported: less to wait for and to keep. Where tests
    # run it must be done before, since a warning of the compiler would fail the test.
    return [*options, "--no-compile"]


def install(folder: Path, lock: Path) -> None:
    """Build the environment from scratch; raises CalledProcessError when pip fails."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(interpreter(folder)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    log = folder / "pip.log"
    run_pip([*pip, "install", *pip_options(lock), "-r", str(lock)], log)
    run_pip([*pip, "check"], log)


def setup(lock: Path = LOCK_FILE) -> int:
    """Build the environment unless it is complete; return the exit code."""
    problem = missing_prerequisite()
    if problem is not None:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    folder = environment_folder(lock)
    stamp = folder / STAMP
    with locked(folder):
        if not stamp.exists():
            started = time.monotonic()
            print(f"setup: installing {lock.name} into {folder}", flush=True)
            try:
                install(folder, lock)
            except subprocess.CalledProcessError as e:
                print(f"setup: `{' '.join(e.cmd)}` exited with {e.returncode}", file=sys.stderr)
                return 1
            print(f"setup: done in {time.monotonic() - started:.0f} s", flush=True)
        stamp.touch()  # its time is when the environment was last used; see prune()
    return 0


def prune() -> int:
    """Remove environments of other locks that were not used for `UNUSED_DAYS`."""
    oldest = time.time() - UNUSED_DAYS * 86_400
    current = [environment_folder(lock) for lock in LOCKS.values()]
    for stamp in cache_folder().glob(f"venv-*/{STAMP}"):
        folder = stamp.parent
        with locked(folder):
            if stamp.stat().st_mtime < oldest and folder not in current:
                print(f"removing {folder}")
                shutil.rmtree(folder)
    return 0


def main() -> int:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description="The project's virtual environment.")
    parser.add_argument("command", choices=("setup", "path", "prune"))
    parser.add_argument("lock", nargs="?", choices=tuple(LOCKS), default="dev")
    arguments = parser.parse_args()
    lock = LOCKS[arguments.lock]
    if arguments.command == "path":
        print(interpreter(environment_folder(lock)))
        return 0
    return setup(lock) if arguments.command == "setup" else prune()


if __name__ == "__main__":
    sys.exit(main())
