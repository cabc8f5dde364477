"""The secret of a Telegram bot is judged before anything is sent, and never shown."""

import base64

import pytest

from bot_runtime.contract.scrub import SCRUBBED, scrub
from bot_runtime.contract.secrets import Fault, describe_faults
from bot_runtime.contract.telegram_secret import TELEGRAM_SECRET

REAL = "7000000001:AAF-k9Zq1_s8Xw2PvLw8sR4tYb6NcD3eHjM"
CHAT = "-1001234567890"

TOKENS = (REAL, "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11", f"  {REAL}\n")
CHATS = ("42", CHAT, "-4012345678", "@steady_trades", "@example", f" {CHAT} ")
URLS = (
    "https://api.telegram.org",
    "https://bots.example.com:8443/telegram/",
    "http://127.0.0.1:8081",
    "http://localhost:8081",
    "http://[::1]:8081",
    "http://10.96.7.7",
    "http://telegram:8081",
    "http://telegram.bots.svc:8081",
    "http://telegram.bots.svc.cluster.local",
)
WRONG = (
    ("token", "", Fault.PLACEHOLDER),
    ("token", "<token>", Fault.PLACEHOLDER),
    ("token", "${TELEGRAM_TOKEN}", Fault.PLACEHOLDER),
    ("token", "your-token-here", Fault.PLACEHOLDER),
    ("token", f'"{REAL}"', Fault.QUOTED),
    ("token", base64.b64encode(REAL.encode()).decode(), Fault.ENCODED),
    ("token", REAL.replace("-", "\n"), Fault.LINE_BREAK),
    ("token", f"\ufeff{REAL}", Fault.BYTE_ORDER_MARK),
    ("token", CHAT, Fault.OTHER_TOKEN),
    ("token", f"bot{REAL}", Fault.OTHER_TOKEN),
    ("token", f"https://api.telegram.org/bot{REAL}/getMe", Fault.OTHER_TOKEN),
    ("token", REAL[:20], Fault.OTHER_TOKEN),
    ("token", f"{REAL}\u200b", Fault.OTHER_TOKEN),
    ("chatId", "", Fault.PLACEHOLDER),
    ("chatId", "0", Fault.PLACEHOLDER),
    ("chatId", "{{chat}}", Fault.PLACEHOLDER),
    ("chatId", f"'{CHAT}'", Fault.QUOTED),
    ("chatId", REAL, Fault.OTHER_CHAT),
    ("chatId", "steady_trades", Fault.OTHER_CHAT),
    ("chatId", "https://t.me/steady_trades", Fault.OTHER_CHAT),
    ("chatId", "1.5e9", Fault.OTHER_CHAT),
    ("chatId", "\u22121001234567890", Fault.OTHER_CHAT),
    ("apiUrl", "api.telegram.org", Fault.OTHER_API_URL),
    ("apiUrl", "ftp://api.telegram.org", Fault.OTHER_API_URL),
    ("apiUrl", "https://user:k9Zq1@bots.example.com", Fault.OTHER_API_URL),
    ("apiUrl", "https://bots.example.com?k9Zq1", Fault.OTHER_API_URL),
    ("apiUrl", "https://bots.example.com:99999", Fault.OTHER_API_URL),
    ("apiUrl", "https://[bots]", Fault.OTHER_API_URL),
    ("apiUrl", "https://:443", Fault.OTHER_API_URL),
    ("apiUrl", "http://api.telegram.org", Fault.UNENCRYPTED),
    ("apiUrl", "http://8.8.8.8:8081", Fault.UNENCRYPTED),
)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("chat", CHATS)
def test_what_telegram_gives_is_never_refused(token: str, chat: str) -> None:
    values = {"token": token.encode(), "chatId": chat.encode()}
    assert TELEGRAM_SECRET.find_faults(values) == {}


@pytest.mark.parametrize("url", URLS)
def test_a_server_of_ones_own_is_taken(url: str) -> None:
    values = {"token": REAL.encode(), "chatId": CHAT.encode(), "apiUrl": url.encode()}
    assert TELEGRAM_SECRET.find_faults(values) == {}


@pytest.mark.parametrize(("key", "value", "fault"), WRONG)
def test_what_is_wrong_is_told_without_the_value(key: str, value: str, fault: Fault) -> None:
    values = {"token": REAL.encode(), "chatId": CHAT.encode(), key: value.encode()}
    faults = TELEGRAM_SECRET.find_faults(values)
    assert faults == {key: fault}
    told = describe_faults(faults)
    assert not any(part in told for part in ("k9Zq1", "s8Xw2", "1001234", "steady", "example"))
    assert scrub(told) == told, "our own words reach the reader"


def test_what_is_missing_is_named() -> None:
    assert TELEGRAM_SECRET.find_faults({}) == {"token": Fault.MISSING, "chatId": Fault.MISSING}
    assert TELEGRAM_SECRET.find_faults({"token": b"\xff", "chatId": b"42"}) == {
        "token": Fault.UNREADABLE
    }


def test_the_command_takes_the_values_from_the_environment_and_is_told_whole() -> None:
    command = TELEGRAM_SECRET.create_command("bots", "telegram")
    assert command == (
        "kubectl create secret generic telegram --namespace bots --type=botcripto.io/telegram "
        '--from-literal=token="$TELEGRAM_TOKEN" --from-literal=chatId="$TELEGRAM_CHAT_ID"'
    )
    assert scrub(command) == command


@pytest.mark.parametrize("token", TOKENS)
def test_every_token_that_is_taken_is_hidden_by_its_shape(token: str) -> None:
    text = f"POST https://api.telegram.org/bot{token.strip()}/sendMessage failed"
    assert scrub(text) == f"POST https://api.telegram.org/bot{SCRUBBED}/sendMessage failed"
