import base64
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.secrets import Fault, describe_faults, is_placeholder

find_faults = EXCHANGE_SECRET.find_faults

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
    command = EXCHANGE_SECRET.create_command("trading", "exchange-keys")
    assert command == (
        "kubectl create secret generic exchange-keys --namespace trading "
        '--type=botcripto.io/exchange --from-literal=apiKey="$API_KEY" '
        '--from-literal=apiSecret="$API_SECRET"'
    )
    assert shlex.split(command)[-2:] == [
        "--from-literal=apiKey=$API_KEY",
        "--from-literal=apiSecret=$API_SECRET",
    ]


KEY, SECRET = REAL[1:3]
BASE64 = base64.b64encode(bytes(range(150, 214))).decode()
CLOUD_KEY = "organizations/3b910e93-5aa7-65d6/apiKeys/5f4dcc3b-1d83-27de"
EC_KEY = (
    f"-----BEGIN EC PRIVATE KEY-----\n{BASE64[:64]}\n{BASE64[64:]}\n-----END EC PRIVATE KEY-----\n"
)
PUBLIC_KEY = EC_KEY.replace("EC PRIVATE", "PUBLIC")
BOM = "\ufeff"


def encoded(text: str) -> str:
    """Return what `base64` prints: lines of 76 characters."""
    return base64.encodebytes(text.encode()).decode()


# What exchanges give: binance, kraken, coinbase (both kinds), okx, kucoin, bybit, bitfinex,
# poloniex, woo, backpack, binance with a key pair; and what files add at their end.
SOUND: tuple[tuple[str, str, str], ...] = (
    (KEY, SECRET, ""),
    ("ksIPuuJpCEoK6hM1x4WmNQ1wT2uSLkLhqEMbeDBTc0RrpbWFbVHjpG6s", BASE64, ""),
    (CLOUD_KEY, EC_KEY, ""),
    (CLOUD_KEY, EC_KEY.replace("\n", "\r\n"), ""),
    ("5f4dcc3b-5aa7-65d6-1d83-27deb882cf99", BASE64, ""),
    ("5f4dcc3b-5aa7-65d6-1d83-27deb882cf99", "0F4A" * 8, "Pa ss:\\n\u2026'w\"rd'"),
    ("5f4dcc3b5aa765d61d8327de", "5f4dcc3b-5aa7-65d6-1d83-27deb882cf99", "<>&%$"),
    ("aB3dE6gH9jK2mN5pQ8", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6", ""),
    ("aB3-dE6_gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6jK9mN", "9f8e" * 11, ""),
    ("ABCD2345-EFGH6789-JKLM2345-NPQR6789", "0f" * 64, ""),
    ("AbmyVJGUpN064ks5ELjLfA==", "QHKRXHPAW1MC9YGZMAT8YDJG2HPR", ""),
    (base64.b64encode(bytes(range(130, 162))).decode(), BASE64[:43] + "=", ""),
    (KEY, EC_KEY.replace("EC PRIVATE", "PRIVATE"), ""),
    (KEY, f"-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n{EC_KEY}", ""),
    (f"{KEY}\n", f"  {SECRET}\r\n", "word\n"),
    ("demo-key", "correct horse battery staple", ""),
)

IN_EITHER = (
    (f"{BOM}{KEY}", Fault.BYTE_ORDER_MARK),
    (f"{BOM}replace-me", Fault.BYTE_ORDER_MARK),
    (f'"{KEY}"', Fault.QUOTED),
    (f"'{KEY}'\n", Fault.QUOTED),
    (f"{KEY[:30]}\n{KEY[30:]}", Fault.LINE_BREAK),
    (f"{BASE64[:76]}\r\n{BASE64[76:]}", Fault.LINE_BREAK),
    (f"{KEY}\\n", Fault.LINE_BREAK),
    (f"{KEY}\u200b", Fault.FOREIGN_CHARACTER),
    (f"{KEY[:9]}\u2026{KEY[60:]}", Fault.FOREIGN_CHARACTER),
    (f"{KEY}{BOM}", Fault.FOREIGN_CHARACTER),
    ("\0".join(KEY), Fault.FOREIGN_CHARACTER),
    (encoded(KEY), Fault.ENCODED),
    (encoded(f"{KEY}\n"), Fault.ENCODED),
    (encoded(BASE64), Fault.ENCODED),
    (encoded(EC_KEY), Fault.ENCODED),
    (encoded("5f4dcc3b-5aa7-65d6-1d83-27deb882cf99"), Fault.ENCODED),
    (PUBLIC_KEY, Fault.PUBLIC_KEY),
    ("replace-me", Fault.PLACEHOLDER),
)  # fmt: skip
IN_SECRET = (
    (EC_KEY.replace("\n", "\\n"), Fault.ESCAPED),
    (EC_KEY.replace("\n", "\\r\\n"), Fault.ESCAPED),
    (f'"{EC_KEY}"'.replace("\n", "\\n"), Fault.ESCAPED),
    (f'{{"name": "{CLOUD_KEY}", "privateKey": "{EC_KEY}"}}'.replace("\n", "\\n"), Fault.ESCAPED),
    (EC_KEY.replace("\n", ""), Fault.WITHOUT_LINE_BREAKS),
    (EC_KEY.replace("\n", " "), Fault.WITHOUT_LINE_BREAKS),
    (EC_KEY[:-9], Fault.NOT_WHOLE),
    (f"secret: {EC_KEY}", Fault.NOT_WHOLE),
    (CLOUD_KEY, Fault.BELONGS_IN_KEY),
)
IN_KEY = ((EC_KEY, Fault.BELONGS_IN_SECRET), (IN_SECRET[0][0], Fault.BELONGS_IN_SECRET))
FAULTS = (
    *(("apiKey", *found) for found in (*IN_EITHER, *IN_KEY)),
    *(("apiSecret", *found) for found in (*IN_EITHER, *IN_SECRET)),
    ("passphrase", f"{BOM}word", Fault.BYTE_ORDER_MARK),
    ("passphrase", "two\nlines", Fault.LINE_BREAK),
)


@pytest.mark.parametrize(("key", "secret", "passphrase"), SOUND)
def test_what_an_exchange_gives_is_never_refused(key: str, secret: str, passphrase: str) -> None:
    values = {"apiKey": key, "apiSecret": secret, "passphrase": passphrase}
    assert find_faults({name: value.encode() for name, value in values.items()}) == {}


@given(st.binary(min_size=16, max_size=96), st.sampled_from(["b64", "b32", "b16", "urlsafe_b64"]))
def test_random_bytes_are_a_key_however_they_are_written(key: bytes, alphabet: str) -> None:
    written: bytes = getattr(base64, f"{alphabet}encode")(key)
    read_as_text = key.isascii() or len(set(written)) < 6
    values = {"apiKey": written, "apiSecret": written}
    assert read_as_text or find_faults(values) == {}


@pytest.mark.parametrize(("name", "value", "fault"), FAULTS)
def test_what_is_certainly_no_key_is_told_by_name_and_cause_without_a_part_of_it(
    name: str, value: str, fault: Fault
) -> None:
    values = {"apiKey": KEY.encode(), "apiSecret": SECRET.encode(), name: value.encode()}
    found = find_faults(values)
    assert found == {name: fault}
    told = describe_faults(found)
    assert told == f"{name}: {fault.words}; {fault.remedy}"
    assert not any(value[at : at + 8] in told for at in range(len(value) - 8))


def test_what_is_no_text_at_all_and_what_is_not_there_is_told() -> None:
    values = {"apiKey": "k".encode("utf-16")}
    assert find_faults(values) == {
        "apiSecret": Fault.MISSING,
        "apiKey": Fault.UNREADABLE,
    }


def test_a_remedy_for_several_values_is_told_once() -> None:
    swapped = find_faults({"apiKey": EC_KEY.encode(), "apiSecret": CLOUD_KEY.encode()})
    assert describe_faults(swapped) == (
        "apiKey: a private key; apiSecret: the name of a key; "
        "exchange the values of apiKey and apiSecret"
    )
    alike = describe_faults(dict.fromkeys(("apiKey", "apiSecret"), Fault.QUOTED))
    assert alike == "apiKey and apiSecret: in quotation marks; put it without them"


@given(st.binary(max_size=300))
def test_any_bytes_can_be_judged(value: bytes) -> None:
    find_faults({"apiKey": value, "apiSecret": value, "passphrase": value})
