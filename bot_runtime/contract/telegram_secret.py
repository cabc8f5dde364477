"""The secret of a Telegram bot: its type, its keys, and what can be told to be no token or chat."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from bot_runtime.contract.secrets import (
    Fault,
    SecretKind,
    find_fault_of_line,
    is_placeholder,
    read_text,
)

TOKEN: Final = "token"  # noqa: S105 - the name of a key, not its value
CHAT_ID: Final = "chatId"
API_URL: Final = "apiUrl"
DEFAULT_API_URL: Final = "https://api.telegram.org"

_TOKEN: Final = re.compile(r"[0-9]{6,12}:[A-Za-z0-9_-]{30,64}")  # contract/scrub.py hides all these
_CHAT: Final = re.compile(r"-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")
_OF_THE_CLUSTER: Final = (".svc", ".svc.cluster.local")


def _find_fault(key: str, value: bytes) -> Fault | None:
    text = read_text(value)
    if isinstance(text, Fault):
        return text
    if is_placeholder(text) and not _CHAT.fullmatch(text):  # @channel may be called @example
        return Fault.PLACEHOLDER
    return find_fault_of_line(text) or _FIND[key](text)


def _find_fault_of_token(text: str) -> Fault | None:
    return None if _TOKEN.fullmatch(text) else Fault.OTHER_TOKEN


def _find_fault_of_chat(text: str) -> Fault | None:
    return None if _CHAT.fullmatch(text) else Fault.OTHER_CHAT


def _find_fault_of_url(text: str) -> Fault | None:
    if not _URL.fullmatch(text):
        return Fault.OTHER_API_URL
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Fault.OTHER_API_URL
    if not host:
        return Fault.OTHER_API_URL
    return None if parts.scheme == "https" or _is_near(host) else Fault.UNENCRYPTED


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine, or one of the cluster: by its name, or its address."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_OF_THE_CLUSTER)


_FIND: Final[Mapping[str, Callable[[str], Fault | None]]] = {
    TOKEN: _find_fault_of_token,
    CHAT_ID: _find_fault_of_chat,
    API_URL: _find_fault_of_url,
}

TELEGRAM_SECRET: Final = SecretKind(
    type="botcripto.io/telegram",
    field="notifications.secret",
    required={TOKEN: "TELEGRAM_TOKEN", CHAT_ID: "TELEGRAM_CHAT_ID"},
    optional=(API_URL,),
    find_fault=_find_fault,
)
