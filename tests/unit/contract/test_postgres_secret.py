"""A url of PostgreSQL is judged before anything connects; libpq is the judge of the judge."""

import base64

import pytest
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bot_runtime.contract.names import journal_schema
from bot_runtime.contract.postgres_secret import POSTGRES_SECRET
from bot_runtime.contract.secrets import Fault, describe_faults

REAL = (
    "postgresql://bots:k9Zq1@db.example.com:5432/journals",
    "postgres://bots:k9Zq1@db.example.com/journals",
    "postgresql://bots@db/journals",
    "postgresql://bots:p%40ss%2Fw%3Ard%25@db:6432/journals?sslmode=verify-full",
    "postgresql://bots:a:b@db/journals",
    "postgresql://bots:k9Zq1@[2001:db8::7]:5432/journals",
    "postgresql://bots:k9Zq1@one:5432,two:5433/journals?target_session_attrs=read-write",
    "postgresql://bots:k9Zq1@/journals?host=/var/run/postgresql",
    "postgresql://db/journals?user=bots%40tenant&password=k9Zq1",
    "postgresql://db/journals?user=bots@tenant&password=k9Zq1",
    "postgresql://db?user=bots&dbname=journals",
    "postgresql://postgres:example@localhost:5432/postgres",
    "postgresql://bots:k9Zq1@db/journals?sslmode=verify-full&sslrootcert=/etc/botcripto-ca/ca.crt",
)
WRONG = (
    ("", Fault.PLACEHOLDER),
    ("changeme", Fault.PLACEHOLDER),
    ("<postgresql://user:password@host:5432/database>", Fault.PLACEHOLDER),
    ("postgresql://bots:${PASSWORD}@db:5432/journals", Fault.PLACEHOLDER),
    ("postgresql://bots:<password>@db:5432/journals", Fault.PLACEHOLDER),
    ("postgresql://{{user}}:k9@{{host}}/journals", Fault.PLACEHOLDER),
    ('"postgresql://bots:k9Zq1@db/journals"', Fault.QUOTED),
    (base64.b64encode(REAL[0].encode()).decode(), Fault.ENCODED),
    ("postgresql://bots:k9Zq1@db\n/journals", Fault.LINE_BREAK),
    ("\ufeffpostgresql://bots:k9Zq1@db/journals", Fault.BYTE_ORDER_MARK),
    ("mysql://bots:k9Zq1@db/journals", Fault.OTHER_URL),
    ("postgresql+psycopg://bots:k9Zq1@db/journals", Fault.OTHER_URL),
    ("host=db user=bots password=k9Zq1 dbname=journals", Fault.OTHER_URL),
    ("db.example.com", Fault.OTHER_URL),
    ("postgresql://bots:k9 Zq1@db/journals", Fault.UNENCODED),
    ("postgresql://bots:k9@Zq1@db/journals", Fault.UNENCODED),
    ("postgresql://bots:k9/Zq1@db/journals", Fault.UNENCODED),
    ("postgresql://bots:k9?Zq1@db/journals", Fault.UNENCODED),
    ("postgresql://bots:100%@db/journals", Fault.UNENCODED),
    ("postgresql://bots:k9%00@db/journals", Fault.UNENCODED),
    ("postgresql://bots:k9Zq\u00e9@db/journals", Fault.UNENCODED),
    ("postgresql://bots:k9Zq1@/journals", Fault.INCOMPLETE_URL),
    ("postgresql://bots:k9Zq1@db", Fault.INCOMPLETE_URL),
    ("postgresql://bots:k9Zq1@db/", Fault.INCOMPLETE_URL),
    ("postgresql://:k9Zq1@db/journals", Fault.INCOMPLETE_URL),
    ("postgresql://db/journals", Fault.INCOMPLETE_URL),
    ("postgresql://bots:k9Zq1@db:port/journals", Fault.WRONG_PORT),
    ("postgresql://bots:k9Zq1@db:0/journals", Fault.WRONG_PORT),
    ("postgresql://bots:k9Zq1@db:70000/journals", Fault.WRONG_PORT),
    ("postgresql://bots:k9Zq1@2001:db8::7/journals", Fault.WRONG_PORT),
)  # fmt: skip


@pytest.mark.parametrize("url", REAL)
def test_what_libpq_takes_is_never_refused(url: str) -> None:
    for written in (url, f"  {url}\n"):
        assert POSTGRES_SECRET.find_faults({"url": written.encode()}) == {}
    assert conninfo_to_dict(url)["user"] in {"bots", "postgres", "bots@tenant"}


@pytest.mark.parametrize(("url", "fault"), WRONG)
def test_what_is_wrong_is_told_without_the_value(url: str, fault: Fault) -> None:
    faults = POSTGRES_SECRET.find_faults({"url": url.encode()})
    assert faults == {"url": fault}
    told = describe_faults(faults)
    assert not any(part in told for part in ("k9", "Zq1", "bots", "journals"))


def test_a_password_that_would_be_taken_for_a_host_or_port_is_seen() -> None:
    """As libpq reads them, it would name a part of the password in its error."""
    read = conninfo_to_dict("postgresql://bots:k9@Zq1@db/journals")
    assert read["host"] == "Zq1@db"
    with pytest.raises(ProgrammingError):
        conninfo_to_dict("postgresql://bots:100%@db/journals")


def test_bytes_that_are_no_text_and_no_key_at_all() -> None:
    assert POSTGRES_SECRET.find_faults({"url": b"\xff\xfe"}) == {"url": Fault.UNREADABLE}
    assert POSTGRES_SECRET.find_faults({"uri": b"x"}) == {"url": Fault.MISSING}


def test_the_command_takes_the_url_from_the_environment() -> None:
    assert POSTGRES_SECRET.create_command("bots", "journal") == (
        "kubectl create secret generic journal --namespace bots "
        '--type=botcripto.io/postgres --from-literal=url="$POSTGRES_URL"'
    )


def test_each_bot_has_a_schema_of_its_own() -> None:
    longest = ("n" * 63, "b" * 40)
    names = [
        journal_schema(*bot)
        for bot in (("a-b", "c"), ("a", "b-c"), ("pg", "x"), longest, ("n" * 63, "b" * 39))
    ]
    assert names[:3] == ["bot_a-b_c", "bot_a_b-c", "bot_pg_x"]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for name in names)
