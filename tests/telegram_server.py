"""A server on loopback that speaks as much of Telegram's Bot API as a bot uses, with its faults.

Answers are as https://core.telegram.org/bots/api#making-requests and the public server give them.
"""

import contextlib
import json
import re
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

TOKEN = "7000000001:AAF-k9Zq1_s8Xw2PvLw8sR4tYb6NcD3eHjM"
CHAT = "-1001234567890"
LONGEST = 4096
_PATH = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>\w+)")

Fault = Literal[
    "wait", "unauthorized", "forbidden", "chat", "error", "silent", "trickle", "cut", "portal",
    "redirect", "headers", "after",
]  # fmt: skip
"""What becomes of a request.

wait: 429 with retry_after. unauthorized, forbidden, chat: 401, 403, 400. error: 500. silent: no
answer. trickle: a byte now and then. cut: the connection ends before anything is done. after: it
ends when the message has arrived. portal: a page for people. redirect: 302. headers: broken ones.
"""


_REFUSALS: dict[Fault, tuple[int, str]] = {
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden: bot was blocked by the user"),
    "chat": (400, f"Bad Request: chat {CHAT} of {TOKEN} not found"),
    "error": (500, "Internal Server Error"),
}


@dataclass
class TelegramServer:
    """What it has been asked, and what it is to do next."""

    url: str = ""
    messages: list[str] = field(default_factory=list)
    """Texts that have arrived in the chat."""
    asked: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    """Of the next requests, one each; all others are answered."""
    always: Fault | None = None
    """Of all that `faults` has nothing for."""
    retry_after: int = 1
    closing: threading.Event = field(default_factory=threading.Event)

    def mount(self, folder: Path, **values: str) -> Path:
        """Write the secret's files, and return their folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for key, value in {"token": TOKEN, "chatId": CHAT, "apiUrl": self.url, **values}.items():
            (folder / key).write_text(value)
        return folder


@contextlib.contextmanager
def telegram_server(tls: ssl.SSLContext | None = None) -> Iterator[TelegramServer]:
    """Run a server as long as the block lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    telegram = server.telegram
    scheme = "http" if tls is None else "https"
    telegram.url = f"{scheme}://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield telegram
    finally:
        telegram.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.telegram = TelegramServer()


class _Handler(BaseHTTPRequestHandler):
    @property
    def telegram(self) -> TelegramServer:
        assert isinstance(self.server, _Server)
        return self.server.telegram

    def do_POST(self) -> None:
        server = self.telegram
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked += 1
        fault = server.faults.popleft() if server.faults else server.always
        if fault is None or fault == "after":
            status, answer = self._take(content)
            if fault == "after":
                self._cut()
            else:
                self._answer(status, answer)
            return
        with contextlib.suppress(OSError):
            self._fail(fault)

    def _take(self, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Judge a request as the public server does, and let the message arrive."""
        found = _PATH.fullmatch(self.path)
        if found is None or found["method"] != "sendMessage":
            return _refusal(404, "Not Found")
        if found["token"] != TOKEN:
            return _refusal(401, "Unauthorized")
        if str(content.get("chat_id")) != CHAT:
            return _refusal(400, "Bad Request: chat not found")
        text = content.get("text")
        if not isinstance(text, str) or not text.strip():
            return _refusal(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST:
            return _refusal(400, "Bad Request: message is too long")
        self.telegram.messages.append(text)
        return 200, {"ok": True, "result": {"message_id": len(self.telegram.messages)}}

    def _fail(self, fault: Fault) -> None:
        seconds = self.telegram.retry_after
        if fault == "wait":
            status, answer = _refusal(429, f"Too Many Requests: retry after {seconds}")
            self._answer(status, {**answer, "parameters": {"retry_after": seconds}})
        elif fault in _REFUSALS:
            self._answer(*_refusal(*_REFUSALS[fault]))
        elif fault == "silent":
            self.telegram.closing.wait()
        elif fault == "cut":
            self._cut()
        elif fault == "trickle":
            self._trickle()
        elif fault == "portal":
            self._raw(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html> log in!")
        elif fault == "redirect":
            self._raw(
                f"HTTP/1.1 302 Found\r\nLocation: {self.telegram.url}{self.path}\r\n"
                "Content-Length: 0\r\n\r\n".encode()
            )
        else:
            self._raw(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\nno header at all\r\n\r\n{}")

    def _trickle(self) -> None:
        self._raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.telegram.closing.wait(0.2):
            self._raw(b" ")

    def _cut(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def _raw(self, data: bytes) -> None:
        self.close_connection = True
        self.wfile.write(data)
        self.wfile.flush()

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _refusal(code: int, description: str) -> tuple[int, dict[str, Any]]:
    return code, {"ok": False, "error_code": code, "description": description}
