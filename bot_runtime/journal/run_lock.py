"""One run at a time: a lock beside the journal, which ends with the process, however it ends.

While a run writes, the file also says so: a run that was killed is known by it. What such a run had
committed may lie in SQLite's write-ahead file alone, which must not be missing then.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from bot_runtime.journal.sqlite_failures import shown, touching
from bot_runtime.process.errors import BusyError

_WRITING: Final = b"a run writes\n"


class RunLock:
    """A lock that this process holds."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file

    @property
    def was_killed(self) -> bool:
        """Tell whether whoever held the lock before was killed while it wrote."""
        with touching(self._path):
            self._file.seek(0)
            return bool(self._file.read(1))

    def begin_writing(self) -> None:
        """Say that from now on what is committed may lie in the write-ahead file alone."""
        with touching(self._path):
            self._file.seek(0)
            self._file.write(_WRITING)
            self._file.flush()

    def end_writing(self) -> None:
        """Say that nothing is written any more."""
        with touching(self._path):
            self._file.truncate(0)


@contextmanager
def hold(path: Path) -> Iterator[RunLock]:
    """Hold a lock file; its folder is made where it is missing.

    Raises BusyError where another process has it, StoreUnavailableError where the volume does not
    take it.
    """
    with touching(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        file = path.open("r+b")
    with file:
        with touching(path):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise BusyError(
                    f"{shown(path)}: another run of the bot is writing its journal; nothing was "
                    "done, and the next run goes on"
                ) from e
        yield RunLock(path, file)
