"""The secret with the url of a PostgreSQL: its type, its key, and what can be told to be no url.

A url is judged by the rules of PostgreSQL's own client, libpq: what it would take for another host
than was meant, it would name in an error.
"""

import re
from typing import Final
from urllib.parse import unquote

from bot_runtime.contract.secrets import (
    Fault,
    SecretKind,
    find_fault_of_line,
    is_placeholder,
    is_wrapped,
    read_text,
)

URL: Final = "url"

_SCHEME: Final = re.compile("postgres(?:ql)?://")
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>.*))?")
_BAD_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})|%00")
_PORT_MAX: Final = 65_535


def _find_fault(key: str, value: bytes) -> Fault | None:  # noqa: ARG001 - there is one key
    text = read_text(value)
    if isinstance(text, Fault):
        return text
    if is_placeholder(text):
        return Fault.PLACEHOLDER
    fault = find_fault_of_line(text)
    if fault is not None:
        return fault
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Fault.OTHER_URL
    if not (text.isascii() and text.isprintable()) or " " in text or _BAD_ESCAPE.search(text):
        return Fault.UNENCODED
    return _find_fault_of_parts(text[scheme.end() :])


def _find_fault_of_parts(rest: str) -> Fault | None:
    """Judge what stands behind the scheme, `user:password@host:port/database?option=value`."""
    whole, _, query = rest.partition("?")
    authority, _, path = whole.partition("/")
    login, at, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    options = dict(option.partition("=")[::2] for option in query.split("&"))
    user, database = user or options.get("user", ""), path or options.get("dbname", "")
    if "@" in login + path or (not at and "@" in query and not user):
        return Fault.UNENCODED
    host = hosts or options.get("host", "")
    if any(is_wrapped(unquote(part)) for part in (user, password, host, database)):
        return Fault.PLACEHOLDER
    if not (user and host and database):
        return Fault.INCOMPLETE_URL
    found = [_HOST.fullmatch(part) for part in hosts.split(",")]
    return None if all(part and _is_port(part["port"]) for part in found) else Fault.WRONG_PORT


def _is_port(text: str | None) -> bool:
    if not text:
        return True
    return text.isdecimal() and 0 < int(text[:6]) <= _PORT_MAX


POSTGRES_SECRET: Final = SecretKind(
    type="botcripto.io/postgres",
    field="journal.postgresSecret",
    required={URL: "POSTGRES_URL"},
    find_fault=_find_fault,
)
