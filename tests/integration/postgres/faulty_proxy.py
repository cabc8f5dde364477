"""A proxy before a PostgreSQL that cuts a connection right before or right after a commit.

It reads the client's half of the protocol, so the connection must not be encrypted
(sslmode=disable): https://www.postgresql.org/docs/current/protocol-message-formats.html.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

When = Literal["before", "after"]
_COMMIT = b"COMMIT\0"


@dataclass
class FaultyProxy:
    """Passes all on, until the commit that it was told of."""

    listener: socket.socket
    target: int
    """The server's port on loopback."""
    commits: int = 0
    """How many the clients have asked for."""
    _cut: tuple[int, When] | None = None
    _answer_is_lost: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def cut(self, commit: int, when: When) -> None:
        """Cut the connection at a commit, counted from now on; 1 is the next one.

        `before`: the server never gets it. `after`: it has done it, and the client does not know.
        """
        self.commits, self._cut = 0, (commit, when)

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for pump in (self._upwards, self._downwards):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with _closing_both(client, server):
            size = _read(client, 4)  # the first message has no type
            server.sendall(size + _read(client, struct.unpack("!i", size)[0] - 4))
            while True:
                head = _read(client, 5)
                body = _read(client, struct.unpack("!i", head[1:])[0] - 4)
                if head[:1] == b"Q" and body == _COMMIT:
                    self.commits += 1
                    if self._cut == (self.commits, "before"):
                        return
                    if self._cut == (self.commits, "after"):
                        self._answer_is_lost.set()
                server.sendall(head + body)

    def _downwards(self, client: socket.socket, server: socket.socket) -> None:
        with _closing_both(client, server):
            while data := server.recv(65_536):
                if self._answer_is_lost.is_set():
                    self._answer_is_lost.clear()
                    return
                client.sendall(data)


@contextlib.contextmanager
def faulty_proxy(target: int) -> Iterator[FaultyProxy]:
    """Run a proxy as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = FaultyProxy(listener, target)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@contextlib.contextmanager
def _closing_both(*ends: socket.socket) -> Iterator[None]:
    try:
        with contextlib.suppress(OSError, EOFError):
            yield
    finally:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _read(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = end.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
