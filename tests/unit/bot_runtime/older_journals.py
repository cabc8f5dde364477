"""Journals of the schema before the newest."""

from typing import Final

from alembic import command
from sqlalchemy import insert

from bot_runtime.journal import migrating
from bot_runtime.journal.database import Database
from bot_runtime.journal.tables import journal
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER

OLDER: Final = "0001"


def make_older(database: Database) -> None:
    """Make a journal of the schema before the newest, named `older`."""
    with database.hold() as held, held.connection.begin():
        command.upgrade(migrating.settings(held.connection), OLDER)
        own = OWNER._asdict() | {"journal_id": "older", "created_ms": BEGIN_MS}
        held.connection.execute(insert(journal).values(one=1, **own))
