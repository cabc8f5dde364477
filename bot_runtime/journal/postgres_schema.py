"""A journal in a schema of PostgreSQL, with an advisory lock in place of a file's.

The lock is of the connection that writes: whoever has lost the one cannot commit by the other.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from bot_runtime.contract.names import journal_schema
from bot_runtime.journal.postgres_connection import make_engine
from bot_runtime.journal.postgres_url import PostgresUrl
from bot_runtime.process.errors import BusyError, ConfigurationError, StoreUnavailableError


@dataclass(frozen=True, slots=True)
class PostgresSchema:
    """The schema of a bot's own in a database that many bots may share."""

    url: PostgresUrl
    namespace: str
    bot: str

    own_place = "a database of its own"
    older = "the database from a backup"

    @property
    def name(self) -> str:
        """Return the schema's name."""
        return journal_schema(self.namespace, self.bot)

    @property
    def shown(self) -> str:
        """Return it as messages name it."""
        return f"journal {self.name} in PostgreSQL"

    @property
    def begin_anew(self) -> str:
        """Return what to do to begin a new journal in its place."""
        return "rename that schema (ALTER SCHEMA) to begin a new journal"

    @contextmanager
    def hold(self) -> Iterator["HeldSchema"]:
        """Hold the lock and give the schema to write to; raises BusyError."""
        with self._connected() as connection, _locked(connection, self):
            if not inspect(connection).has_schema(self.name):
                connection.execute(CreateSchema(self.name))
                connection.commit()
            connection.rollback()
            yield HeldSchema(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give the schema to read; raises ConfigurationError where there is none."""
        with self._connected() as connection:
            if not inspect(connection).has_schema(self.name):
                raise ConfigurationError(
                    f"{self.shown}: is not there; name the bot and the database of one that has "
                    "traded"
                )
            connection.rollback()
            yield connection.execution_options(postgresql_readonly=True)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with make_engine(self.url, self.name, self.shown).connect() as connection:
                yield connection
        except StoreUnavailableError as e:
            raise e from None  # what the driver says may name parts of the url


@dataclass(frozen=True, slots=True)
class HeldSchema:
    """A schema that this process alone writes to."""

    connection: Connection

    room_is_short = False
    """Nobody but the server knows how much room it has."""

    def begin_writing(self) -> None:
        """Say nothing: the server keeps what is committed."""

    def keep_copy(self, schema: str) -> None:
        """Keep nothing: a migration is one transaction, and backups are the server's."""


@contextmanager
def _locked(connection: Connection, database: PostgresSchema) -> Iterator[None]:
    """Hold the lock of a schema, which ends with the connection, however that ends."""
    digest = hashlib.sha256(f"botcripto {database.name}".encode()).digest()
    key = int.from_bytes(digest[:8], signed=True)
    if not connection.scalar(select(func.pg_try_advisory_lock(key))):
        raise BusyError(
            f"{database.shown}: another run of the bot is writing its journal; nothing was done, "
            "and the next run goes on"
        )
    connection.rollback()  # what is read from now on is not older than the lock
    try:
        yield
    finally:
        # A server that is gone has let go of it.
        with suppress(StoreUnavailableError, SQLAlchemyError):
            connection.rollback()
            connection.scalar(select(func.pg_advisory_unlock(key)))
