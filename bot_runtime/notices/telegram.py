"""One message to one chat, by Telegram's Bot API: https://core.telegram.org/bots/api#sendmessage.

The token is a part of the address. So nothing that a library says of a request is passed on: what
went wrong is told in our own words.
"""

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from bot_runtime.contract.names import ENV_TRUST
from bot_runtime.contract.telegram_secret import (
    API_URL,
    CHAT_ID,
    DEFAULT_API_URL,
    TELEGRAM_SECRET,
    TOKEN,
)
from bot_runtime.process.secret_files import load_secret

_ANSWER_MAX: Final = 65_536
_SHORTEST_HIDDEN: Final = 6
"""Characters of a chat's id that is hidden wherever it stands: a shorter one is any number."""
_REMEDIES: Final = {
    400: "write to the bot once, or take it into the group, and look at chatId",
    401: "put the token that BotFather gives into the secret",
    403: "unblock the bot, or take it into the chat and let it write there",
    404: "put the token that BotFather gives into the secret, and look at apiUrl",
}
_WORDS: Final = {
    400: "refuses the message",
    401: "refuses the token",
    403: "may not write to the chat",
    404: "knows no such bot",
}
_OK, _TOO_MANY, _SERVER = 200, 429, 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a message.

    Attributes:
        is_sent: whether Telegram has taken it.
        why: why not, in words without a secret.
        is_refused: whether somebody has to change something before it is taken.
        wait_seconds: how long Telegram asks to wait; None where it does not.
    """

    is_sent: bool
    why: str = ""
    is_refused: bool = False
    wait_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Telegram:
    """A bot of Telegram and the chat that it writes to; its representation shows nothing of it."""

    token: str = field(repr=False)
    chat_id: str = field(repr=False)
    api_url: str = field(repr=False, default=DEFAULT_API_URL)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must not be shown."""
        return tuple(s for s in (self.token, self.chat_id) if len(s) >= _SHORTEST_HIDDEN)

    def post(self, text: str, seconds: float) -> Answer:
        """Send a message and return what came of it; whatever goes wrong is an answer too.

        `seconds` bound a connection and each silence, not the whole.
        """
        # It logs addresses, and prints them where nobody has set up a log.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)
        address = f"{self.api_url.rstrip('/')}/bot{self.token}/sendMessage"
        content = {"chat_id": self.chat_id, "text": text}
        try:
            with requests.Session() as session:
                session.trust_env = ENV_TRUST in os.environ  # as for the exchange
                answer = session.post(
                    address, json=content, timeout=seconds, allow_redirects=False, stream=True
                )
                return _read(answer.status_code, answer.raw.read(_ANSWER_MAX, decode_content=True))
        except Exception as e:  # noqa: BLE001 - whatever it is, its text may have the address
            return Answer(False, f"cannot be reached ({type(e).__name__})")


def load_telegram(folder: Path) -> Telegram:
    """Return the bot and the chat in a folder; raises ConfigurationError that names the files."""
    values = load_secret(folder, TELEGRAM_SECRET, "Telegram")
    return Telegram(values[TOKEN], values[CHAT_ID], values.get(API_URL, DEFAULT_API_URL))


def _read(status: int, body: bytes) -> Answer:
    found = _parse(body)
    if status == _OK and found.get("ok") is True:
        return Answer(True)
    if status == _TOO_MANY:
        parameters = found.get("parameters")
        asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
        wait = float(asked) if isinstance(asked, int | float) and asked >= 0 else float("inf")
        return Answer(False, "asks to wait (429)", wait_seconds=max(1.0, wait))
    if status >= _SERVER:
        return Answer(False, f"cannot answer now ({status})")
    if status in _WORDS:
        return Answer(False, f"{_WORDS[status]} ({status}); {_REMEDIES[status]}", is_refused=True)
    return Answer(False, f"answered as no Bot API does ({status}); look at apiUrl", is_refused=True)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
