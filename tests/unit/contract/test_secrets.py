import base64
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.secrets import create_secret_command, is_placeholder

PLACEHOLDERS = (
    "", " ", "\n", "replace-me", "REPLACE_ME", "replace me", "replaceme", "changeme", "CHANGE_ME",
    "change-it", "changeit", "<...>", "<api key>", "<your secret>", "your-api-key", "YOUR_API_KEY",
    "yourApiKey", "YourApiSecretHere", "your_api_key_here", "insert your key here", "xxxx",
    "XXXXXXXX", "xxxx-xxxx", "x" * 64, "TODO", "todo: put the real key", "tbd", "FIXME", "none",
    "null", "nil", "n/a", "dummy", "placeholder", "example", "example-key", "api-key", "apiKey",
    "secret", "password", "...", "***", "????", "----", "0000", "${API_KEY}", "$API_KEY",
    "$(cat key)", "{{ api_key }}", "%API_KEY%", '"replace-me"', "'changeme'", "[your key]",
    "enter-your-binance-api-secret",
)  # fmt: skip

REAL = (
    "k9Zq1",
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    "put/Zm9vYmFy+c2VjcmV0==",
    "replace9f8e7d6c5b4a",
    "change-9f8e7d6c",
    "xxk1vQ",
    "your1abc",
    "todoist-8f3a",
    "a" * 64,
    "0f" * 32,
    "key_live_51H8",
    "5f4dcc3b-5aa7-65d6-1d83-27deb882cf99",
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIH\n-----END EC PRIVATE KEY-----",
    '{"id": "k", "secret": "9f8e"}',
    "correct horse battery staple",
    "demo-key",
    "test",
)


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_told(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", REAL)
def test_a_real_value_is_never_refused(value: str) -> None:
    assert not is_placeholder(value)


@given(st.binary(min_size=16, max_size=96).map(lambda key: base64.urlsafe_b64encode(key).decode()))
def test_random_keys_are_real(value: str) -> None:
    few_distinct = len(set(value)) < 6  # a run of one filler character is no key
    assert few_distinct or not is_placeholder(value)


@given(st.text(max_size=300))
def test_any_text_can_be_judged(value: str) -> None:
    assert is_placeholder(value) == is_placeholder(f" {value}\n")


def test_the_command_creates_the_secret_that_the_bot_waits_for() -> None:
    command = create_secret_command("trading", "exchange-keys")
    assert command == (
        "kubectl create secret generic exchange-keys --namespace trading "
        '--type=botcripto.io/exchange --from-literal=apiKey="$API_KEY" '
        '--from-literal=apiSecret="$API_SECRET"'
    )
    assert shlex.split(command)[-2:] == [
        "--from-literal=apiKey=$API_KEY",
        "--from-literal=apiSecret=$API_SECRET",
    ]
