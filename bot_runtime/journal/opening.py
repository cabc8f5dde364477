"""A journal is opened: held, brought up to date, and known to be the bot's own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, insert, inspect, text

from bot_runtime.journal.database import Database, Held
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.run_entries import Owner
from bot_runtime.journal.tables import SCHEMA, journal
from bot_runtime.journal.writing import Journal
from bot_runtime.process.errors import ConfigurationError, StoreUnavailableError


@contextmanager
def open_journal(database: Database, owner: Owner, now_ms: int) -> Iterator[Journal]:
    """Give a bot's journal to write to; it is begun where there is none, and migrated where older.

    Raises BusyError where another run has it, StoreUnavailableError where the database cannot be
    used, ConfigurationError where the journal is another bot's or of a newer schema.
    """
    with database.hold() as held:
        _bring_up_to_date(held, database, owner, now_ms)
        opened = Journal(held)
        _check_owner(opened.identity.owner, owner, database)
        yield opened


@contextmanager
def read_journal(database: Database) -> Iterator[Reader]:
    """Give a journal to read as it stands now, while a run may go on writing to it.

    Raises ConfigurationError where there is none or where its schema is another one,
    StoreUnavailableError where the database does not give it.
    """
    with database.read() as connection:
        schema = _schema(connection, database)
        if schema != SCHEMA:
            raise ConfigurationError(
                f"{database.shown}: has the schema {schema or 'of no journal'}, and {SCHEMA} is "
                "read; let the bot run once with this release, which migrates it"
            )
        yield Reader(connection)


def _bring_up_to_date(held: Held, database: Database, owner: Owner, now_ms: int) -> None:
    """Migrate a journal of an older schema, after a copy; begin one where there is none."""
    connection = held.connection
    found = _schema(connection, database)
    if found == SCHEMA:
        return
    from bot_runtime.journal.migrating import migrate  # alembic is seldom needed

    if found is not None:
        held.keep_copy(found)
    with connection.begin():
        migrate(connection)
        if found is None:
            own = owner._asdict() | {"journal_id": uuid.uuid4().hex, "created_ms": now_ms}
            connection.execute(insert(journal).values(one=1, **own))


def _schema(connection: Connection, database: Database) -> str | None:
    """Return the schema that a journal has; None where there is nothing.

    Raises ConfigurationError where it is newer than this release, StoreUnavailableError where
    something else is there.
    """
    there = inspect(connection).get_table_names()
    found = None
    if there and "alembic_version" not in there:
        raise StoreUnavailableError(
            f"{database.shown}: is no journal: it has the tables {', '.join(there[:3])}; "
            f"{database.begin_anew}"
        )
    if there:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    connection.rollback()
    if found is not None and found > SCHEMA:
        raise ConfigurationError(
            f"{database.shown}: has the schema {found}, and this image knows {SCHEMA}; run the "
            f"image that wrote it or a newer one, or restore {database.older}"
        )
    return found


def _check_owner(found: Owner, owner: Owner, database: Database) -> None:
    if (found.namespace, found.bot) != (owner.namespace, owner.bot):
        raise ConfigurationError(
            f"{database.shown}: is the journal of the bot {found.namespace}/{found.bot}; give "
            f"{owner.namespace}/{owner.bot} {database.own_place}, or {database.begin_anew}"
        )
    for field, was, now in zip(Owner._fields, found, owner, strict=True):
        if was != now:
            raise ConfigurationError(
                f"{database.shown}: was begun with {field} {was}, and the bot has {now}; set it "
                f"back, or {database.begin_anew}"
            )
