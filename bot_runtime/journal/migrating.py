"""From an older schema, or none, to the newest: alembic's migrations in one transaction.

A process that is killed meanwhile leaves the schema as it was, and the next one migrates again.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from bot_runtime.journal.append_only import append_only
from bot_runtime.journal.named_views import name_all

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Run the migrations that a journal lacks, in the transaction that is under way."""
    command.upgrade(settings(connection), "head")
    append_only(connection)
    name_all(connection)


def settings(connection: Connection) -> Config:
    """Return what alembic's commands take."""
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    found.attributes["connection"] = connection
    return found
