"""What a PostgreSQL refuses, in words, with the way on.

Of a statement the server's own code decides, also of the one that sets a new connection up. Of a
connection that was refused the client has no code, and what it says names user, host and database:
it is looked at, and never shown.
"""

from typing import Final

import psycopg

from bot_runtime.process.errors import StoreUnavailableError

_LOST: Final = (
    "{}: the connection was lost ({}); whether the last commit was kept, the next run sees, which "
    "goes on from there. Look at the server where it stays away"
)
_CORRUPT: Final = "{}: is corrupt ({}); restore the database from a backup"
_BUSY: Final = "{}: another program holds what a run needs ({}); end that program"
_NO_ROOM: Final = "{}: cannot be written: the server has no room ({}); make room on its disk"
_MESSAGES: Final = {
    "25006": (
        "{}: cannot be written: it is read-only ({}); name the primary in the url, or let the role "
        "write"
    ),
    "25P03": _LOST,
    "25P04": _LOST,
    "40001": _BUSY,
    "40P01": _BUSY,
    "42501": (
        "{}: the role may not do that ({}); give it the schema of that name (GRANT ALL ON SCHEMA, "
        "and its tables), or CREATE on the database"
    ),
    "53100": _NO_ROOM,
    "53200": "{}: the server is out of memory ({}); give it more",
    "53300": "{}: the server has no connection left ({}); let it take more",
    "55P03": _BUSY,
    "57014": (
        "{}: the server has ended a statement ({}); let the role's statement_timeout be longer"
    ),
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
}
"""By the code of a failure (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
_CLASSES: Final = {
    "08": _LOST,
    "53": "{}: the server lacks what it needs ({}); look at its log",
    "57": _LOST,
    "58": "{}: the server's disk does not take or give it ({}); look at its log",
    "XX": "{}: the server has failed ({}); look at its log",
}
"""By the first two characters of a code."""
_BAD_OPTION: Final = "the url has an option with a value that is none; mend it"
_REFUSED: Final = (
    ("password authentication failed", "the server refuses the user or the password; mend the url"),
    ("no password supplied", "the server asks for a password; put one into the url"),
    ("authentication failed", "the server refuses the user; mend the url"),
    ("no pg_hba.conf entry", "the server has no rule that lets this user in from here; add one"),
    (
        "root certificate file",
        "sslmode asks for a certificate that is not there; name a ConfigMap with it in "
        "pod.caConfigMap, or a file in sslrootcert",
    ),
    (
        "certificate",
        "the server's certificate is not of an authority that is trusted, or of another host; name "
        "the authority in pod.caConfigMap, and the host as it is certified",
    ),
    ("does not support SSL", "the server does not speak TLS; let it, or set another sslmode"),
    ("sslmode", "the url's sslmode is none; write verify-full"),
    ("invalid integer value", _BAD_OPTION),
    ("invalid port number", _BAD_OPTION),
    (" value: ", _BAD_OPTION),
    ("bad value for", _BAD_OPTION),
    ("could not match", _BAD_OPTION),
    (
        'parameter "idle_session_timeout"',
        "the server is older than PostgreSQL 14; take a newer one",
    ),
    ("configuration parameter", _BAD_OPTION),
    ("invalid value for parameter", _BAD_OPTION),
    ("permission denied for database", "the role may not connect to the database; let it"),
    ('FATAL:  role "', "the server does not let this user log in; mend the url, or the role"),
    ("does not exist", "the server has no such database; create it, or mend the url"),
    ("session is read-only", "no server that can be written answers; name the primary in the url"),
    ("too many", "the server has no connection left; let it take more"),
    ("remaining connection slots", "the server has no connection left; let it take more"),
    ("resolve host", "DNS does not know the host; mend the url"),
    ("Connection refused", "nothing listens there; start the server, or mend the url"),
    ("timeout", "nothing answers there; start the server, or let the network pass"),
    ("is starting up", "the server is starting; wait"),
    ("is shutting down", "the server is shutting down; start it again"),
    ("recovery mode", "the server is recovering; wait"),
)
"""What is looked for in what the client says, and what is told then."""
_ANY: Final = "the server cannot be reached; look at it and at the network between"


def find_refusal(failure: BaseException | None, shown: str) -> StoreUnavailableError | None:
    """Return what a server has refused, in words; None where it is a bug."""
    if isinstance(failure, StoreUnavailableError):  # that there is no other connection
        return failure
    if not isinstance(failure, psycopg.Error):
        return None
    code = failure.sqlstate
    if code is None:
        return lost_connection(shown) if isinstance(failure, psycopg.OperationalError) else None
    text = _MESSAGES.get(code) or _CLASSES.get(code[:2])
    return None if text is None else StoreUnavailableError(text.format(shown, code))


def lost_connection(shown: str) -> StoreUnavailableError:
    """Return that a connection has ended without an answer."""
    return StoreUnavailableError(_LOST.format(shown, "no answer"))


def refused_connection(failure: psycopg.Error, shown: str) -> StoreUnavailableError:
    """Return why there is no connection, in words of our own."""
    known = None if failure.sqlstate is None else find_refusal(failure, shown)
    if known is not None:
        return known
    said = str(failure)
    told = next((told for mark, told in _REFUSED if mark in said), _ANY)
    return StoreUnavailableError(f"{shown}: {told}")
