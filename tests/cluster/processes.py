"""Starts, finds and kills the cluster's processes.

A process is known by a mark in its environment, `BOTCRIPTO_CLUSTER=<cluster id>/<component>`, which
it and what it starts carry until they end. No file names a process, so none can name a stranger
that was given the number of a dead one; a process is killed through a descriptor taken before its
mark was read.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError

MARK = "BOTCRIPTO_CLUSTER"
ESSENTIAL_ENVIRONMENT = ("HOME", "PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")
KILL_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.02

_started: list[subprocess.Popen[bytes]] = []
"""Programs outlive what started them; one that is forgotten while it runs is warned about."""


def start(mark: str, argv: Sequence[str], log: Path) -> int:
    """Start a program that outlives this one, marked as `<cluster id>/<component>`.

    Returns its process number.
    """
    environment = {k: os.environ[k] for k in ESSENTIAL_ENVIRONMENT if k in os.environ}
    environment[MARK] = mark
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    _started.append(process)
    return process.pid


def _marks() -> Iterator[tuple[int, str]]:
    """Yield the number and the mark of every marked process that is alive."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (mark := _mark(int(entry.name))):
            yield int(entry.name), mark


def _mark(pid: int) -> str | None:
    """Return the mark of a process; None without one, and for a dead process not yet reaped."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    for item in environment.split(b"\0"):
        if item.startswith(MARK.encode() + b"="):
            return item.partition(b"=")[2].decode(errors="replace")
    return None


def find(identity: str) -> dict[str, int]:
    """Return component → process number of a cluster's running components.

    A component's process runs the program of the same name; what it started carries the mark too.
    """
    found: dict[str, int] = {}
    for pid, mark in _marks():
        owner, _, component = mark.partition("/")
        if owner == identity and _program(pid) == component:
            found[component] = pid
    return found


def _program(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        return None


def is_alive(identity: str) -> bool:
    """Say whether any process of the cluster is alive."""
    return any(mark.split("/")[0] == identity for _, mark in _marks())


def kill(identity: str, component: str | None = None) -> None:
    """Kill every process of a cluster, or of one component, and wait until none is left.

    Raises:
        ClusterError: some would not die.
    """
    deadline = time.monotonic() + KILL_SECONDS
    while True:
        left = [
            pid
            for pid, mark in _marks()
            if mark.split("/")[0] == identity and component in {None, mark.partition("/")[2]}
        ]
        if not left:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"processes that do not die when killed: {left}")
        with contextlib.ExitStack() as stack:
            killed = [d for pid in left if (d := _kill_if_marked(pid, identity, stack)) is not None]
            _wait_for_ends(killed, deadline)
        _reap()
        if len(killed) < len(left):
            time.sleep(LOOK_AGAIN_SECONDS)


def kill_program(identity: str, component: str) -> None:
    """Kill a component's own process and wait for its end; what it started lives on."""
    with contextlib.ExitStack() as stack:
        pid = find(identity).get(component)
        descriptor = None if pid is None else _kill_if_marked(pid, identity, stack)
        if descriptor is not None:
            _wait_for_ends([descriptor], time.monotonic() + KILL_SECONDS)
        _reap()


def _kill_if_marked(pid: int, identity: str, stack: contextlib.ExitStack) -> int | None:
    """Kill a process that still carries the mark, and never another with the same number.

    Returns its descriptor, which `stack` closes; None where it was not killed: it is gone, or it is
    becoming another program just now and shows no environment meanwhile.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    stack.callback(os.close, descriptor)
    if (_mark(pid) or "").split("/")[0] != identity:
        return None
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    return descriptor


def _wait_for_ends(descriptors: list[int], deadline: float) -> None:
    """Wait until processes have ended; the node's first one ends after all others inside."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    waiting = set(descriptors)
    while waiting and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            poll.unregister(descriptor)
            waiting.discard(descriptor)


def _reap() -> None:
    """Take the exit statuses of those that this process itself started and that have ended."""
    _started[:] = [process for process in _started if process.poll() is None]


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 60) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        ClusterError: it failed, took too long or is not installed; with what it printed as error.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise ClusterError(f"command not found: {argv[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"`{' '.join(argv)}` took more than {timeout:g} s") from error
    if done.returncode != 0:
        detail = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise ClusterError(f"`{' '.join(argv)}` ended with {done.returncode}: {detail}")
    return done.stdout


def which(command: str) -> str | None:
    """Find a command on PATH or where administrators' commands are on Debian."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(command, path=path)
