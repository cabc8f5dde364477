"""A file of SQLite: how it is opened, so that what is committed stays committed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from bot_runtime.journal.database_refusals import tell_refusals
from bot_runtime.journal.sqlite_failures import find_refusal, shown, touching
from bot_runtime.process.errors import StoreUnavailableError

BUSY_SECONDS: Final = 5.0
"""How long another program's transaction is waited for."""
_PRAGMAS: Final = ("foreign_keys = ON", "synchronous = FULL")


def write_ahead_file(path: Path) -> Path:
    """Return the file that has what was committed and is not in the journal's own file yet."""
    return path.with_name(f"{path.name}-wal")


@contextmanager
def connected(path: Path, *, read_only: bool = False) -> Iterator[Connection]:
    """Give a connection to a file; it is made where it is missing, unless it is only read.

    Transactions begin where SQLAlchemy begins them: Python's own module would leave changes of the
    schema out of them. Raises StoreUnavailableError where the volume refuses.
    """
    with _engine(path, read_only=read_only).connect() as connection:
        yield connection


def copy_to(connection: Connection, path: Path, copy: Path) -> None:
    """Write a copy of a journal, whole or not at all; an older copy is replaced."""
    unfinished = copy.with_name(f".{copy.name}")
    with touching(path):
        unfinished.unlink(missing_ok=True)
        try:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("VACUUM INTO ?", (str(unfinished),))
            unfinished.replace(copy)
        finally:
            unfinished.unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _engine(path: Path, *, read_only: bool) -> Engine:
    """Return the engine of a file, which remembers its statements and keeps no connection."""
    engine = create_engine(
        "sqlite://", creator=lambda: _opened(path, read_only=read_only), poolclass=NullPool
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    tell_refusals(engine, partial(find_refusal, path=path))
    return engine


def _opened(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if read_only and not writable and not write_ahead_file(path).exists():
        mode += "&immutable=1"  # else a reader, too, would make the file of shared memory
    with touching(path):
        file = f"file:{quote(str(path.resolve()))}?mode={mode}"
        connection = sqlite3.connect(file, BUSY_SECONDS, isolation_level=None, uri=True)
        try:
            if not read_only:
                _write_ahead(connection, path)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
    return connection


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreUnavailableError(
            f"{shown(path)}: the volume cannot lock and share memory as SQLite needs it; use one "
            "of a local disk, or ReadWriteOnce"
        )
