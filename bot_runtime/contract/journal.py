"""Where the journal of a bot that trades lies."""

from typing import Literal

from pydantic import Field

from bot_runtime.contract.base import Model, ObjectName

Database = Literal["SQLite", "PostgreSQL"]


class JournalRun(Model):
    """Where a run finds its journal; the address of a server is a secret that is mounted."""

    database: Database = "SQLite"


class JournalSpec(Model):
    """Where the journal lies."""

    postgres_secret: ObjectName | None = Field(
        default=None,
        description=(
            "Name of a Secret of type botcripto.io/postgres with the key url: the PostgreSQL that "
            "has the journal, in a schema of the bot's own. Unset: a file on the bot's volume."
        ),
    )

    @property
    def run(self) -> JournalRun:
        """Return what the run configuration has of it."""
        return JournalRun(database="SQLite" if self.postgres_secret is None else "PostgreSQL")
