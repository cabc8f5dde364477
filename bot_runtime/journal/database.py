"""Where a journal lies: what a file of SQLite and a schema of PostgreSQL have in common."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Held(Protocol):
    """A journal that this process alone writes to, until it lets go of it."""

    @property
    def connection(self) -> Connection:
        """Return what it is written by."""
        ...

    @property
    def room_is_short(self) -> bool:
        """Tell whether there is too little room to begin something new."""
        ...

    def begin_writing(self) -> None:
        """Say that from now on something is committed."""
        ...

    def keep_copy(self, schema: str) -> None:
        """Keep what a migration is about to change, where nobody else does."""
        ...


class Database(Protocol):
    """A place for one journal. Each of its methods raises StoreUnavailableError."""

    @property
    def shown(self) -> str:
        """Return it as messages name it."""
        ...

    @property
    def begin_anew(self) -> str:
        """Return what to do to begin a new journal in its place."""
        ...

    @property
    def own_place(self) -> str:
        """Return what to give to a bot that finds the journal of another one."""
        ...

    @property
    def older(self) -> str:
        """Return where there is what a newer schema was made of."""
        ...

    def hold(self) -> AbstractContextManager[Held]:
        """Hold it, to write to it; it is made where it is missing.

        Raises BusyError where another process has it.
        """
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Give a connection to read it by.

        Raises ConfigurationError where there is none.
        """
        ...
