"""Whatever a server of the Bot API answers, it costs a run seconds at most, and tells no secret."""

import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_runtime.contract.names import ENV_TRUST
from bot_runtime.notices.messages import Message
from bot_runtime.notices.sending import send
from bot_runtime.notices.telegram import Answer, Telegram, load_telegram
from bot_runtime.process.errors import ConfigurationError
from tests.cluster.certificates import Authority
from tests.telegram_server import CHAT, TOKEN, Fault, TelegramServer, telegram_server

HIDDEN = (TOKEN, TOKEN.partition(":")[2], CHAT)
LATER: list[tuple[Fault, str]] = [
    ("error", "cannot answer now (500)"),
    ("cut", "cannot be reached (ConnectionError)"),
    ("headers", "cannot answer now (500)"),
]
REFUSED: list[tuple[Fault, str]] = [
    ("unauthorized", "refuses the token (401); put the token that BotFather gives into the secret"),
    ("forbidden", "may not write to the chat (403); unblock the bot, or take it into the chat and"),
    ("chat", "refuses the message (400); write to the bot once, or take it into the group, and"),
    ("portal", "answered as no Bot API does (200); look at apiUrl"),
    ("redirect", "answered as no Bot API does (302); look at apiUrl"),
]


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with telegram_server() as running:
        yield running


@pytest.fixture
def telegram(server: TelegramServer, tmp_path: Path) -> Telegram:
    return load_telegram(server.mount(tmp_path / "secret"))


def sent(telegram: Telegram, *texts: str, seconds: float = 3.0) -> list[Answer]:
    messages = [Message(text, (text,)) for text in texts]
    return [answer for _, answer in send(telegram, messages, seconds)]


def test_messages_arrive_in_their_order(server: TelegramServer, telegram: Telegram) -> None:
    assert sent(telegram, "bought <b> & _sold_", "x" * 4096) == [Answer(True)] * 2
    assert server.messages == ["bought <b> & _sold_", "x" * 4096]


@pytest.mark.parametrize(("fault", "why"), LATER)
def test_what_passes_is_left_to_the_next_run(
    server: TelegramServer, telegram: Telegram, fault: Fault, why: str
) -> None:
    server.faults.append(fault)
    (answer,) = sent(telegram, "one", "two")
    assert (answer.is_sent, answer.is_refused, answer.why) == (False, False, why)
    assert server.asked == 1
    assert server.messages == []


@pytest.mark.parametrize(("fault", "why"), REFUSED)
def test_what_somebody_has_to_mend_is_told_with_the_remedy(
    server: TelegramServer, telegram: Telegram, fault: Fault, why: str
) -> None:
    server.always = fault
    (answer,) = sent(telegram, "one", "two")
    assert (answer.is_sent, answer.is_refused) == (False, True)
    assert answer.why.startswith(why)
    assert server.asked == 1, "nothing is followed, and nothing asked again"
    assert len(f"no messages: Telegram {answer.why}") <= 200
    assert not [part for part in HIDDEN if part in answer.why]


def test_the_server_judges_token_chat_and_path(server: TelegramServer, tmp_path: Path) -> None:
    for values, code in (
        ({"token": TOKEN[:-1] + "x"}, "401"),
        ({"chatId": "42"}, "400"),
        ({"apiUrl": f"{server.url}/elsewhere"}, "404"),
    ):
        telegram = load_telegram(server.mount(tmp_path / code, **values))
        (answer,) = sent(telegram, "one")
        assert f"({code})" in answer.why


def test_a_wait_that_fits_is_waited_for(server: TelegramServer, telegram: Telegram) -> None:
    server.faults.append("wait")
    began = time.monotonic()
    assert sent(telegram, "one", "two") == [Answer(True)] * 2
    assert time.monotonic() - began >= 1
    assert server.asked == 3


def test_a_wait_that_does_not_fit_is_left_to_the_next_run(
    server: TelegramServer, telegram: Telegram
) -> None:
    server.retry_after = 35
    server.faults.append("wait")
    began = time.monotonic()
    (answer,) = sent(telegram, "one", "two")
    assert time.monotonic() - began < 1
    assert (answer.is_sent, answer.is_refused) == (False, False)
    assert server.asked == 1


@pytest.mark.parametrize("fault", ["silent", "trickle"])
def test_no_server_takes_longer_than_it_is_given(
    server: TelegramServer, telegram: Telegram, fault: Fault
) -> None:
    server.always = fault
    began = time.monotonic()
    (answer,) = sent(telegram, "one", "two", seconds=0.6)
    assert 0.5 < time.monotonic() - began < 1.2
    assert (answer.is_sent, answer.is_refused) == (False, False)


def test_a_name_that_dns_does_not_answer_takes_no_longer_either(
    telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(2))
    began = time.monotonic()
    (answer,) = sent(telegram, "one", seconds=0.4)
    assert time.monotonic() - began < 1
    assert answer.why == "gave no answer within 0.4 s"


def test_nothing_listens_there(tmp_path: Path, server: TelegramServer) -> None:
    telegram = load_telegram(server.mount(tmp_path, apiUrl="http://127.0.0.1:1"))
    (answer,) = sent(telegram, "one")
    assert answer.why == "cannot be reached (ConnectionError)"


def test_no_library_tells_the_address(
    server: TelegramServer,
    telegram: Telegram,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger("urllib3").setLevel(logging.NOTSET)
    faults: tuple[Fault, ...] = ("headers", "cut", "redirect", "portal", "error", "after")
    with caplog.at_level(logging.DEBUG):
        for fault in faults:
            server.faults.append(fault)
            sent(telegram, "one")
    said = caplog.text + "".join(capfd.readouterr()) + repr(telegram)
    assert not [part for part in HIDDEN if part in said]


def test_a_certificate_is_proved_as_the_exchanges_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Authority(tmp_path).issue_server("telegram", ["localhost"], ["127.0.0.1"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "telegram.crt", tmp_path / "telegram.key")
    with telegram_server(tls) as server:
        telegram = load_telegram(server.mount(tmp_path / "secret"))
        (answer,) = sent(telegram, "one")
        assert answer.why == "cannot be reached (SSLError)"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.crt"))
        assert not sent(telegram, "one")[0].is_sent, "of a shell's own"
        monkeypatch.setenv(ENV_TRUST, "1")
        assert sent(telegram, "one") == [Answer(True)]
        assert server.messages == ["one"]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("token", "<token>", "Telegram: token: a placeholder; put the real value into the secret"),
        ("chatId", "steady", "Telegram: chatId: no chat of Telegram; write its number"),
        ("apiUrl", "http://api.telegram.org", "Telegram: apiUrl: an address without encryption"),
        ("token", None, "Telegram: token: missing"),
    ],
)
def test_a_mounted_secret_is_judged_once_more(
    server: TelegramServer, tmp_path: Path, key: str, value: str | None, told: str
) -> None:
    server.mount(tmp_path)
    if value is None:
        (tmp_path / key).unlink()
    else:
        (tmp_path / key).write_text(value)
    with pytest.raises(ConfigurationError, match=f"^{told}"):
        load_telegram(tmp_path)
