"""What a PostgreSQL has said is told in words of our own: by its code, else by what is found."""

import psycopg
import pytest
from psycopg import errors

from bot_runtime.journal.postgres_failures import find_refusal, refused_connection


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("25P04", "the connection was lost (25P04)"),  # transaction_timeout ends it, as 25P03 does
        ("55P03", "another program holds what a run needs (55P03)"),
        ("57014", "the server has ended a statement (57014); let the role's statement_timeout be"),
    ],
)
def test_a_statement_is_judged_by_its_code(code: str, told: str) -> None:
    refusal = find_refusal(errors.lookup(code)("host 10.0.0.8"), "journal j")
    assert str(refusal).startswith(f"journal j: {told}")
    assert "10.0.0.8" not in str(refusal)


def test_what_is_no_refusal_is_a_bug() -> None:
    assert find_refusal(errors.UndefinedColumn("x"), "journal j") is None
    assert find_refusal(KeyError("x"), "journal j") is None


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        # A new connection is set up by a statement, whose failure has a code.
        (
            errors.QueryCanceled("canceling statement due to statement timeout"),
            "the server has ended a statement (57014)",
        ),
        (
            errors.UndefinedObject('unrecognized configuration parameter "idle_session_timeout"'),
            "the server is older than PostgreSQL 14; take a newer one",
        ),
        (
            psycopg.OperationalError('FATAL:  role "bots" does not exist'),
            "the server does not let this user log in; mend the url, or the role",
        ),
        (
            psycopg.OperationalError('FATAL:  role "bots" is not permitted to log in'),
            "the server does not let this user log in; mend the url, or the role",
        ),
        (
            psycopg.OperationalError('FATAL:  database "journals" does not exist'),
            "the server has no such database",
        ),
        (
            psycopg.ProgrammingError("bad value for connect_timeout: 'abc'"),
            "the url has an option with a value that is none; mend it",
        ),
        (
            psycopg.OperationalError('invalid port number: "abc"'),
            "the url has an option with a value that is none; mend it",
        ),
        (
            psycopg.OperationalError('FATAL:  unrecognized configuration parameter "bogus"'),
            "the url has an option with a value that is none; mend it",
        ),
        (
            psycopg.OperationalError('invalid sslmode value: "bogus"'),
            "the url's sslmode is none; write verify-full",
        ),
        (psycopg.OperationalError("connection timeout expired"), "nothing answers there"),
    ],
)
def test_a_connection_that_is_refused_is_told(failure: psycopg.Error, told: str) -> None:
    assert str(refused_connection(failure, "journal j")).startswith(f"journal j: {told}")
