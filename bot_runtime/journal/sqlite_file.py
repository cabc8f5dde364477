"""A journal in a file of SQLite, with a lock beside it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from bot_runtime.journal.run_lock import RunLock, hold
from bot_runtime.journal.sqlite_connection import connected, copy_to, write_ahead_file
from bot_runtime.journal.sqlite_failures import shown, touching
from bot_runtime.process.errors import ConfigurationError, StoreUnavailableError

LEAST_ROOM: Final = 16 * 2**20
"""Bytes below which nothing is to be bought: what is open needs room until it is closed."""


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file, whose folder is the journal's own."""

    path: Path

    begin_anew = "move the folder away to begin a new journal"
    own_place = "a volume of its own"
    older = "the copy from before its migration"

    @property
    def shown(self) -> str:
        """Return it as messages name it."""
        return shown(self.path)

    @contextmanager
    def hold(self) -> Iterator["HeldFile"]:
        """Hold the lock and give the file to write to."""
        with hold(self.path.with_suffix(".lock")) as lock:
            _check_files(self.path, lock)
            with connected(self.path) as connection:
                try:
                    yield HeldFile(self.path, connection, lock)
                finally:
                    lock.end_writing()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give the file to read."""
        with touching(self.path):
            is_there = self.path.is_file()
        if not is_there:
            raise ConfigurationError(
                f"{self.path}: is not there; name the store of a bot that has traded (--store)"
            )
        with connected(self.path, read_only=True) as connection:
            yield connection


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that this process alone writes to."""

    path: Path
    connection: Connection
    lock: RunLock

    @property
    def room_is_short(self) -> bool:
        """Tell whether the volume has too little room to begin something new."""
        with touching(self.path):
            return shutil.disk_usage(self.path.parent).free < LEAST_ROOM

    def begin_writing(self) -> None:
        """Say that from now on what is committed may lie in the write-ahead file alone."""
        self.lock.begin_writing()

    def keep_copy(self, schema: str) -> None:
        """Write a copy beside the file."""
        copy = self.path.with_name(f"{self.path.stem}-of-schema-{schema}{self.path.suffix}")
        copy_to(self.connection, self.path, copy)


def _check_files(path: Path, lock: RunLock) -> None:
    """Refuse files that cannot be written, or one of which was taken away after a run was killed.

    SQLite would open a read-only file all the same, and leave files beside it that stay read-only.
    """
    ahead = write_ahead_file(path)
    with touching(path):
        there = {file: file.exists() for file in (path, ahead)}
        is_begun = there[path] and path.stat().st_size > 0
        read_only = [file for file in there if there[file] and not os.access(file, os.W_OK)]
    if read_only:
        raise StoreUnavailableError(
            f"{shown(read_only[0])}: cannot be written: it is read-only; make it writable"
        )
    if there[ahead] and not is_begun:
        raise StoreUnavailableError(
            f"{shown(path)}: is missing beside its {ahead.name}; restore both from a backup, or "
            "move the folder away to begin a new journal"
        )
    if lock.was_killed and not there[ahead]:
        raise StoreUnavailableError(
            f"{shown(ahead)}: is missing, and the last run was killed: what it had committed may "
            f"be lost; restore both files from a backup, or remove {path.stem}.lock to go on with "
            "what is left"
        )
