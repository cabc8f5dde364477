"""Where the journal lies that a question is asked of: in a store on this machine, or a server."""

from dataclasses import dataclass
from pathlib import Path

from bot_runtime.journal.database import Database
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.local.named_store import named_store
from bot_runtime.process.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class JournalAsked:
    """What the command line says of a journal."""

    store: Path | None = None
    """Of --store."""
    url_file: Path | None = None
    """Of --postgres-url-file: the server that has the journal in place of the store."""
    bot: str | None = None
    """Of --bot: whose journal of that server."""


def journal_of(asked: JournalAsked) -> Database:
    """Return the journal in the server that is named, else in the store.

    Raises ConfigurationError where none is named, or one in part; StoreUnavailableError where the
    url cannot be used.
    """
    if asked.url_file is not None:
        return _in_postgres(asked.url_file, asked.bot)
    if asked.bot is not None:
        raise ConfigurationError(
            "--bot: a store has one bot; leave it out, or name a server by --postgres-url-file"
        )
    return SqliteFile(named_store(asked.store).journal)


def _in_postgres(url_file: Path, bot: str | None) -> Database:
    from bot_runtime.journal.postgres_schema import PostgresSchema  # a file needs no psycopg
    from bot_runtime.journal.postgres_url import load_url

    if not url_file.is_file():
        raise ConfigurationError(
            f"--postgres-url-file: {url_file} is not there; name a file with the url"
        )
    namespace, slash, name = (bot or "").partition("/")
    if not (namespace and slash and name):
        raise ConfigurationError(
            f"--bot: found {bot or 'nothing'}; name the bot of the journal as NAMESPACE/NAME"
        )
    return PostgresSchema(load_url(url_file), namespace, name)
