"""A journal is opened: locked, brought up to date, and known to be the bot's own."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, text

from bot_runtime.journal.reading import Reader
from bot_runtime.journal.run_entries import Owner
from bot_runtime.journal.run_lock import RunLock, hold
from bot_runtime.journal.sql_failures import shown, touching
from bot_runtime.journal.sqlite_file import connected, copy_to, write_ahead_file
from bot_runtime.journal.tables import SCHEMA, journal
from bot_runtime.journal.writing import Journal
from bot_runtime.process.errors import ConfigurationError, StoreUnavailableError


@contextmanager
def open_journal(path: Path, owner: Owner, now_ms: int) -> Iterator[Journal]:
    """Give a bot's journal to write to; it is begun where there is none, and migrated where older.

    Raises BusyError where another run has it, StoreUnavailableError where the volume or the file
    cannot be used, ConfigurationError where it is another bot's or of a newer schema.
    """
    with hold(path.with_suffix(".lock")) as lock:
        _check_files(path, lock)
        with connected(path) as connection:
            _bring_up_to_date(connection, path, owner, now_ms)
            opened = Journal(connection, path, lock)
            _check_owner(opened.identity.owner, owner, path)
            try:
                yield opened
            finally:
                lock.end_writing()


@contextmanager
def read_journal(path: Path) -> Iterator[Reader]:
    """Give a journal to read as it stands now, while a run may go on writing to it.

    Raises ConfigurationError where there is none or where its schema is another one,
    StoreUnavailableError where the volume does not give it.
    """
    with touching(path):
        is_there = path.is_file()
    if not is_there:
        raise ConfigurationError(
            f"{path}: is not there; name the store of a bot that has traded (--store)"
        )
    with connected(path, read_only=True) as connection:
        schema = _schema(connection, path)
        if schema != SCHEMA:
            raise ConfigurationError(
                f"{shown(path)}: has the schema {schema or 'of no journal'}, and {SCHEMA} is read; "
                "let the bot run once with this release, which migrates it"
            )
        yield Reader(connection)


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


def _bring_up_to_date(connection: Connection, path: Path, owner: Owner, now_ms: int) -> None:
    """Migrate a journal of an older schema, after a copy; begin one where there is none."""
    found = _schema(connection, path)
    if found == SCHEMA:
        return
    from bot_runtime.journal.migrating import migrate  # alembic is seldom needed

    if found is not None:
        copy_to(connection, path, path.with_name(f"{path.stem}-of-schema-{found}{path.suffix}"))
    with connection.begin():
        migrate(connection)
        if found is None:
            own = owner._asdict() | {"journal_id": uuid.uuid4().hex, "created_ms": now_ms}
            connection.execute(insert(journal).values(one=1, **own))


def _schema(connection: Connection, path: Path) -> str | None:
    """Return the schema that a file has; None where it is empty.

    Raises ConfigurationError where it is newer than this release, StoreUnavailableError where the
    file holds something else.
    """
    there = inspect(connection).get_table_names()
    found = None
    if there and "alembic_version" not in there:
        raise StoreUnavailableError(
            f"{shown(path)}: is no journal: it has the tables {', '.join(there[:3])}; move it away"
        )
    if there:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    connection.rollback()
    if found is not None and found > SCHEMA:
        raise ConfigurationError(
            f"{shown(path)}: has the schema {found}, and this image knows {SCHEMA}; run the image "
            "that wrote it or a newer one, or restore the copy from before its migration"
        )
    return found


def _check_owner(found: Owner, owner: Owner, path: Path) -> None:
    if (found.namespace, found.bot) != (owner.namespace, owner.bot):
        raise ConfigurationError(
            f"{shown(path)}: is the journal of the bot {found.namespace}/{found.bot}; give "
            f"{owner.namespace}/{owner.bot} a volume of its own, or move the folder away to begin "
            "a new journal"
        )
    for field, was, now in zip(Owner._fields, found, owner, strict=True):
        if was != now:
            raise ConfigurationError(
                f"{shown(path)}: was begun with {field} {was}, and the bot has {now}; set it back, "
                "or move the folder away to begin a new journal"
            )
