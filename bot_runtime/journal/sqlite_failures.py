"""What SQLite or a volume refuses, in words, with the way on.

SQLite's own codes decide, never the text of a message.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot_runtime.process.errors import StoreUnavailableError

_PRIMARY: Final = 0xFF
"""The part of a code of SQLite that says what kind of failure it is."""
_CORRUPT: Final = (
    "{}: is corrupt ({}); restore the folder from a backup, or move it away to begin a new journal"
)
_MESSAGES: Final = {
    sqlite3.SQLITE_FULL: "{}: cannot be written: the volume is full ({}); make room on it",
    sqlite3.SQLITE_READONLY: "{}: cannot be written: it is read-only ({}); make it writable",
    sqlite3.SQLITE_PERM: "{}: cannot be opened: no permission ({}); give it to the pod's user",
    sqlite3.SQLITE_CANTOPEN: "{}: cannot be opened ({}); mount the volume, and make it writable",
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
    sqlite3.SQLITE_BUSY: "{}: another program writes to it ({}); end that program",
    sqlite3.SQLITE_LOCKED: "{}: another program writes to it ({}); end that program",
}
_OTHER: Final = "{}: the volume does not take or give it ({}); look at the node's disk"
_BUGS: Final = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE})
"""Failures of our own statements, which no change of the volume would mend."""


def shown(path: Path) -> str:
    """Return a file as messages name it."""
    return f"{path.parent.name}/{path.name}"


def find_refusal(failure: BaseException | None, path: Path) -> StoreUnavailableError | None:
    """Return what SQLite has refused, in words; None where it is a bug."""
    code = getattr(failure, "sqlite_errorcode", None)
    if code is None or code & _PRIMARY in _BUGS:
        return None
    text = _MESSAGES.get(code & _PRIMARY, _OTHER)
    return StoreUnavailableError(text.format(shown(path), getattr(failure, "sqlite_errorname", "")))


@contextmanager
def touching(path: Path) -> Iterator[None]:
    """Raise StoreUnavailableError where the volume refuses a file of the journal in the block."""
    try:
        yield
    except OSError as e:
        why = os.strerror(e.errno) if e.errno else str(e)
        raise StoreUnavailableError(
            f"{shown(path)}: cannot be written: {why}; make room on the volume, or make it writable"
        ) from e
    except sqlite3.Error as e:
        refusal = find_refusal(e, path)
        if refusal is None:
            raise
        raise refusal from e
