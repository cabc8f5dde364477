"""Unit tests need nothing but Python: connections that leave this machine are refused."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

LOOPBACK = ("127.", "::1", "localhost")
_guarded = False


def _refuse_network(event: str, args: tuple[Any, ...]) -> None:
    if not _guarded or event not in ("socket.connect", "socket.getaddrinfo"):
        return
    address = args[1] if event == "socket.connect" else args[0]
    host = address[0] if isinstance(address, tuple) else address
    # A path or None is a local socket; anything else must be loopback.
    if event == "socket.connect" and not isinstance(address, tuple):
        return
    if host and not str(host).startswith(LOOPBACK):
        message = f"a unit test asked for the network: {host}"
        raise RuntimeError(message)


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Guard one test; the hook itself stays, since audit hooks cannot be removed."""
    global _guarded  # noqa: PLW0603 - an audit hook can be told only through module state
    _guarded = True
    yield
    _guarded = False
