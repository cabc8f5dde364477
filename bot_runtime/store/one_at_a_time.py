"""A folder that one process at a time may use; the lock ends with the process, however it ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from bot_runtime.process.errors import StepError
from bot_runtime.store.files import writing


@contextlib.contextmanager
def one_at_a_time(folder: Path, taken: StepError) -> Iterator[None]:
    """Keep others of the same kind out of a folder; it is made where it is missing.

    Raises `taken` where one is in it, StoreUnavailableError where the volume takes nothing.
    """
    path = folder / ".lock"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    with file:
        with writing(path):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise taken from e
        yield
