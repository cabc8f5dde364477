"""Preflight against a real test exchange: keys good, wrong, placeholder, too mighty."""

from base64 import b64encode
from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.credentials import Credentials, load_credentials
from bot_runtime.exchange.retries import PREFLIGHT
from bot_runtime.process.errors import ConfigurationError, CredentialsError
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.preflight import preflight
from tests.exchanges import API_KEY, API_SECRET, MINUTE_MS, WITHDRAWER_KEY, Exchange
from tests.unit.bot_runtime.markets import bot_spec, training_configuration

PEM = f"-----BEGIN PRIVATE KEY-----\n{'k9Zq' * 16}\n-----END PRIVATE KEY-----\n"


def run(exchange: Exchange, **changes: object) -> tuple[str, list[str]]:
    """Return what preflight has logged, and its warnings."""
    stream = StringIO()
    reporter = Reporter("Preflight", stream=stream)
    try:
        preflight(training_configuration(bot_spec(exchange.url, **changes)), reporter)
    finally:
        assert API_KEY not in stream.getvalue()
        assert API_SECRET not in stream.getvalue()
    return stream.getvalue(), reporter.warnings


@pytest.fixture
def mounted(key_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOTCRIPTO_CREDENTIALS", str(key_directory))
    return key_directory


def test_without_a_key_markets_alone_are_checked(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTCRIPTO_CREDENTIALS", raising=False)
    told, warnings = run(exchange)
    assert "no key mounted" in told
    assert warnings == []


def test_good_key_is_accepted(exchange: Exchange, mounted: Path) -> None:
    told, warnings = run(exchange)
    assert "key accepted" in told
    assert warnings == []


def test_key_that_may_withdraw_is_warned_of(exchange: Exchange, mounted: Path) -> None:
    (mounted / "apiKey").write_text(WITHDRAWER_KEY, encoding="utf-8")
    _, warnings = run(exchange)
    assert "may withdraw" in warnings[0]


@pytest.mark.parametrize("name", ["apiKey", "apiSecret"])
def test_wrong_key_is_rejected_and_not_shown(exchange: Exchange, mounted: Path, name: str) -> None:
    wrong = "Wr0ngKeyThatNobodyKnows0000000001"
    (mounted / name).write_text(wrong, encoding="utf-8")
    with pytest.raises(CredentialsError, match="refuses the key") as caught:
        run(exchange)
    assert caught.value.exit_code == ExitCode.CREDENTIALS_REJECTED
    assert wrong not in str(caught.value)
    assert API_KEY not in str(caught.value)


def test_signed_request_works_with_a_clock_that_is_off(exchange: Exchange, mounted: Path) -> None:
    exchange.order(clock_skew_ms=30 * MINUTE_MS)
    told, warnings = run(exchange)
    assert "key accepted" in told
    assert warnings[0].startswith("FeedSkew")


def test_market_that_the_exchange_has_not_is_named(exchange: Exchange) -> None:
    with pytest.raises(ConfigurationError, match="NO/SUCH"):
        run(exchange, symbols=["NO/SUCH"])


def test_timeframe_that_the_exchange_has_not_is_named() -> None:
    spec = bot_spec("http://127.0.0.1:9", timeframe="3m", exchange={"id": "kraken"})
    with pytest.raises(ConfigurationError, match="timeframe: found 3m; kraken has 1m"):
        preflight(training_configuration(spec), Reporter("Preflight", stream=StringIO()))


@pytest.mark.parametrize("value", ["", "replace-me", "changeme", "<api key>", "  \n"])
@pytest.mark.parametrize("name", ["apiKey", "apiSecret"])
def test_placeholder_is_refused_by_the_files_name(
    key_directory: Path, name: str, value: str
) -> None:
    (key_directory / name).write_text(value, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"credentials: {name}: a placeholder"):
        load_credentials(key_directory)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="apiKey and apiSecret: missing"):
        load_credentials(tmp_path)


def test_file_that_is_no_text_is_named(key_directory: Path) -> None:
    (key_directory / "apiKey").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="apiKey: cannot be read as text"):
        load_credentials(key_directory)


def test_file_that_cannot_be_read_is_named(key_directory: Path) -> None:
    (key_directory / "apiKey").unlink()
    (key_directory / "apiKey").mkdir()
    with pytest.raises(ConfigurationError, match="apiKey: cannot be read as text; mount a file"):
        load_credentials(key_directory)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("apiKey", f"\ufeff{API_KEY}", "begins with a byte order mark; save it as UTF-8 without"),
        ("apiSecret", PEM.replace("\n", "\\n"), "an escaped private key; put a line break"),
        ("apiKey", f"{API_KEY[:9]}\n{API_KEY[9:]}", "a line break inside; put it on one line"),
        ("apiSecret", b64encode(API_SECRET.encode()).decode(), "encoded in base64 once too often"),
        ("apiKey", PEM, "a private key; exchange the values of apiKey and apiSecret"),
    ],
)
def test_malformed_key_is_told_by_name_and_cause_before_anything_is_asked(
    exchange: Exchange, mounted: Path, name: str, value: str, told: str
) -> None:
    (mounted / name).write_text(value, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"^credentials: {name}: {told}") as caught:
        run(exchange)
    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert value[-16:] not in str(caught.value)


def test_private_key_that_no_library_can_read_is_the_keys_fault(
    exchange: Exchange, mounted: Path
) -> None:
    (mounted / "apiSecret").write_text(PEM, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no request can be signed with this key") as told:
        run(exchange)
    assert told.value.__suppress_context__


def test_refused_key_may_be_swapped(exchange: Exchange, mounted: Path) -> None:
    (mounted / "apiKey").write_text(API_SECRET, encoding="utf-8")
    (mounted / "apiSecret").write_text(API_KEY, encoding="utf-8")
    with pytest.raises(CredentialsError, match="whether apiKey and apiSecret are swapped"):
        run(exchange)


@pytest.mark.parametrize(
    ("exchange_id", "told"),
    [("okx", "passphrase: missing; a key of okx has one"), ("woofipro", "takes a key by its")],
)
def test_key_that_lacks_a_part_of_its_exchanges_is_told_without_asking(
    exchange_id: str, told: str
) -> None:
    spec = training_configuration(bot_spec("http://127.0.0.1:9")).exchange
    credentials = Credentials(API_KEY, API_SECRET)
    client = ExchangeClient(
        spec.model_copy(update={"id": exchange_id}), "1m", PREFLIGHT, print, credentials
    )
    with pytest.raises(ConfigurationError, match=f"^credentials: .*{told}"):
        client.account()


def test_credentials_show_nothing_of_themselves(key_directory: Path) -> None:
    shown = repr(load_credentials(key_directory))
    assert API_KEY not in shown
    assert API_SECRET not in shown
    assert shown == repr(Credentials("another", "value"))


def test_line_end_of_a_file_is_no_part_of_the_key(key_directory: Path) -> None:
    (key_directory / "apiKey").write_text(f"{API_KEY}\n", encoding="utf-8")
    assert load_credentials(key_directory).api_key == API_KEY


def test_named_directory_that_is_not_there_is_told(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOTCRIPTO_CREDENTIALS", str(tmp_path / "no"))
    with pytest.raises(ConfigurationError, match="is not a directory"):
        run(exchange)
