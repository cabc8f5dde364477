"""A connection to PostgreSQL: how it is opened, so that what is committed stays committed."""

from typing import Any, Final

import psycopg
from sqlalchemy import Engine, NullPool, create_engine

from bot_runtime.journal.database_refusals import tell_refusals
from bot_runtime.journal.postgres_failures import (
    find_refusal,
    lost_connection,
    refused_connection,
)
from bot_runtime.journal.postgres_url import PostgresUrl

_DEFAULTS: Final = {
    "application_name": "botcripto",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""What a url may say otherwise: a server that is gone is given up within half a minute."""
_SESSION: Final = {
    "lock_timeout": "5s",
    # A run that was cut off holds its lock until the server gives up its connection.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "idle_session_timeout": "10min",
    "idle_in_transaction_session_timeout": "10min",
}
_SET: Final = """
    SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS given(name, value)
    UNION ALL
    SELECT set_config(name, 'on', false) FROM pg_settings
    WHERE name = 'synchronous_commit' AND setting = 'off'
"""
"""A role's own setting may leave what is committed in memory alone."""


def make_engine(url: PostgresUrl, schema: str, shown: str) -> Engine:
    """Return what connects to a schema, once.

    A connection that is lost is not replaced: the one after it would not have the lock. A
    transaction sees one moment. StoreUnavailableError is raised where the server refuses.
    """
    made: list[psycopg.Connection[Any]] = []

    def connect() -> psycopg.Connection[Any]:
        if made:
            raise lost_connection(shown)
        try:
            made.append(_connected(url, schema))
        except psycopg.Error as e:
            raise refused_connection(e, shown) from None  # what it says names parts of the url
        return made[0]

    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        use_native_hstore=False,  # else each connection asks for it
    )
    tell_refusals(engine, lambda failure: find_refusal(failure, shown))
    return engine


def _connected(url: PostgresUrl, schema: str) -> psycopg.Connection[Any]:
    chosen: dict[str, Any] = _DEFAULTS | url.options
    if "," in str(chosen.get("host", "")):
        chosen.setdefault("target_session_attrs", "read-write")  # the primary of several servers
    # Statements are not prepared: a pooler between may give the next one to another server process.
    connection = psycopg.connect(**chosen, autocommit=True, prepare_threshold=None)
    try:
        settings = {"search_path": f'"{schema}"', **_SESSION}
        connection.execute(_SET, (list(settings), list(settings.values())))
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection
