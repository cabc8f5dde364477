"""Processes in pods, made to hang, to go on again, and to end."""

import contextlib
import os
import signal
from pathlib import Path

from tests.eventually import eventually

START_SECONDS = 60


def hang(uid: str, program: str) -> list[int]:
    """Stop the processes of a program in a pod as soon as there are any; return their numbers.

    `program` is a part of their command line, words apart by spaces.
    """
    found = wait_for(uid, program)
    _signal(found, signal.SIGSTOP)
    return found


def wait_for(uid: str, program: str) -> list[int]:
    """Wait until a program runs in a pod; return the numbers of its processes."""
    return eventually(lambda: _find(uid, program), timeout=START_SECONDS, every=0.05)


def resume(processes: list[int]) -> None:
    """Let processes go on that hang; those that are gone are passed over."""
    _signal(processes, signal.SIGCONT)


def kill(uid: str, program: str) -> None:
    """End the processes of a program in a pod at once, as a node does that is out of memory."""
    _signal(_find(uid, program), signal.SIGKILL)


def _find(uid: str, program: str) -> list[int]:
    """Return the numbers that this machine gives a program's processes in a pod."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and uid in _text(entry / "cgroup")
        if program in _text(entry / "cmdline").replace("\0", " ")
    ]


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
