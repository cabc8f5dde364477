"""Scrubbing: of a secret nothing stays in any text, of what a person needs everything stays."""

import ast
import base64
import json
import random
import string
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract import secrets
from bot_runtime.contract.exchange_secret import API_KEY, API_SECRET, EXCHANGE_SECRET
from bot_runtime.contract.scrub import SCRUBBED, scrub, scrub_fields
from bot_runtime.exchange.credentials import load_credentials
from bot_runtime.process.errors import ConfigurationError
from tests.conftest import TESTS

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
KEY_OF_32 = "Zk3Pq8Rw1Tn6Yv0Bd5Gh2Js9Lm4Xc7Fa"
HEX_SECRET = "5f3a" * 16
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIH\n-----END PRIVATE KEY-----"
TELEGRAM = "123456789:AAHdqTcvCH1vGWJx-SeofSAs0K5PALDsaw_"
ROOT = TESTS.parent


@pytest.mark.parametrize(
    "text",
    [
        f"refused {KEY}",
        f"GET /api/v3/account?timestamp=1&signature={HEX_SECRET}",
        f"X-MBX-APIKEY: {KEY}",
        f"{{'apiKey': '{KEY}', 'secret': '{HEX_SECRET}'}}",
        f"api_secret={HEX_SECRET}",
        f"password: {HEX_SECRET}",
        f"Authorization: Bearer {HEX_SECRET}",
        PEM,
        PEM[:60],
    ],
)
def test_what_looks_like_a_key_is_hidden(text: str) -> None:
    clean = scrub(text)
    assert SCRUBBED in clean
    for secret in (KEY, HEX_SECRET, "MC4CAQAwBQYDK2VwBCIEIH"):
        assert secret not in clean


@pytest.mark.parametrize(
    "text",
    [
        "apiKey=Zq1k9PPvLw8s failed",
        'password: "Zq1k9PPvLw8s"',
        "signature=Zq1k9PPvLw8s&x=1",
        "header Zq1k9PPvLw8sZq1k9PPvLw8sZq1k9PPvLw8sZq1k9PPvLw8s",
    ],
)
def test_key_like_strings_are_scrubbed(text: str) -> None:
    assert "Zq1k9PPvLw8s" not in scrub(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        # What the operator let through while it had a scrubber of its own.
        ("Authorization: Bearer hunter2hunter2", "Authorization: ~"),
        (f"cannot load {PEM}", "cannot load ~"),
        (f"refused {KEY_OF_32}", "refused ~"),
        # What the runtime let through.
        (f"https://api.telegram.org/bot{TELEGRAM}/getMe", "https://api.telegram.org/bot~/getMe"),
        # What both did.
        ("redis://:hunter2@cache:6379/0", "redis://~@cache:6379/0"),
        ("postgres://bot:p@ss/w?r#d@db:5432/x: no", "postgres://~@db:5432/x: no"),
        (r'{"at": "http:\/\/bot:hunter2@h\/"}', r'{"at": "http:\/\/~@h\/"}'),
        ("?to=amqp%3A%2F%2Fu%3Ahunter2%40mq%2Fv", "?to=amqp%3A%2F%2F~%40mq%2Fv"),
    ],
)
def test_what_one_of_two_scrubbers_let_through_is_hidden(text: str, clean: str) -> None:
    assert scrub(text) == clean.replace("~", SCRUBBED)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password=hunter2", "password=~"),
        ("password = correcthorse", "password = ~"),
        ("password: correcthorse; next", "password: ~ next"),
        ("password == hunter2", "password == ~"),
        ("secret: password: hunter2", "secret: ~"),
        ("token: Bearer hunter2 x", "token: ~ x"),
        ("BINANCE_API_SECRET=hunter2 x", "BINANCE_API_SECRET=~ x"),
        ("clientSecret1: hunter2", "clientSecret1: ~"),
        ("password=ab,cd'ef&ghijklm x", "password=~ x"),
        ("?apiKey=a&signature=0f&x=1&listenKey=b", "?apiKey=~&signature=~&x=1&listenKey=~"),
        ("/x?key=hunter2&pass=a&code=b", "/x?key=~&pass=~&code=~"),
        (
            "?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=0f&y",
            "?X-Amz-Credential=~&X-Amz-Signature=~",
        ),
        ("AKIAIOSFODNN7EXAMPLE, x", "~, x"),
        ("access_token%3Dhunter2", "access_token%3D~"),
        ('{"name":"DB_PASSWORD","value":"hunter2"}', '{"name":"DB_PASSWORD","value":"~"}'),
        ("Reporter(secrets=('hun)ter2', 'b'), x=1)", "Reporter(secrets=~, x=1)"),
        ('"tokens": ["hunter2", "b"], "x": 1', '"tokens": ~, "x": 1'),
        ('"password": "a\\"bc\\\\", "x": 1', '"password": "~", "x": 1'),
        ("b'token': b'hunter2', 1", "b'token': b'~', 1"),
        ("{'Authorization': 'Token hunter2', 'x': 1}", "{'Authorization': '~', 'x': 1}"),
        ("Authorization: Basic aHVudGVyMg==\r\nAccept: x", "Authorization: ~\r\nAccept: x"),
        (
            "[('Authorization', 'Bearer a'), ('OK-ACCESS-KEY', 'b'), ('x', 'y')]",
            "[('Authorization', '~'), ('OK-ACCESS-KEY', '~'), ('x', 'y')]",
        ),
        ("map[Authorization:[Bearer hunter2] X:[1]]", "map[Authorization:~ X:[1]]"),
        (
            'Authorization: Digest username="u", realm="r", response="0f3a9c1d", then',
            "Authorization: ~, then",
        ),
        ("Set-Cookie: a=b; id=hunter2; Path=/\nx", "Set-Cookie: ~\nx"),
        ("got Bearer hunter2hunter2 and Basic aHVudGVyMg==", "got Bearer ~ and Basic ~"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_x expired", "~ expired"),
        ("key q83vASNFZ4mrze8BI0VniQ== refused", "key ~ refused"),
        (f"\\n{KEY}\\n", "\\n~\\n"),
        ('"-----BEGIN EC PRIVATE KEY-----\\nMHcC", "x": 1', '"~", "x": 1'),
        ("Mlk4\nabcd==\n-----END EC PRIVATE KEY-----", "Mlk4\n~\n-----END EC PRIVATE KEY-----"),
    ],
)
def test_of_each_way_to_write_a_secret_the_rest_stays(text: str, clean: str) -> None:
    assert scrub(text) == clean.replace("~", SCRUBBED)


@pytest.mark.parametrize(
    "text",
    [
        "version btc-paper-aeee1038-1f2e3d4c",
        "sha256 29ccda46e37e269e8410b58d26d23de7117a05daced0cd9a1b229fa7dc63d3cc",
        "commit 5a0d8c7b9d66b378d48ed37311c6f8d4ab0a696a+dirty",
        "BTC/USDT: 60 closed candles of 1m, 840 are needed",
        "TemporalFusionTransformer",
        "signature refused, put a valid key into the secret",
        "bot_runtime/models/temporal_fusion_transformer.py",
        f"sha256 {'0123456789abcdef' * 4} differs",
        "objectives/Trend/candidates/GradientBoosting/ensemble-0",
        "/var/lib/botcripto/btc-paper/versions/btc-paper-1a2b3c4d-0f3a9c1d/Trend/model.onnx",
        "GET /sapi/v1/account/apiRestrictions",
        "Pod/btc-paper-1a2b3c4d-trend-x7k2q of uid 3f0c7a52-8e53-4c2e-9d3a-0b1f5f6c7d8e",
        "order x-botcripto-0f3a9c1d2e4b5a6978c0 of 28457193",
        'secrets "keys" is forbidden; secret "keys" not found',
        "references non-existent secret key: apiSecret",
        'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}',
        "binance {\"code\":-1102,\"msg\":\"Mandatory parameter 'signature' was not sent.\"}",
        "https://registry.example:5000/v2/team/runtime@sha256:" + "0f" * 32,
        "mail ops@example.com about http://h:8080/x?to=a@b.example",
        "automountServiceAccountToken: false, 'token': None",
        '"credentialsSecret": "keys", imagePullSecrets: [registry]',
        "spec.journal.postgresSecret: found 'Journal'; write a-z",
        "Bearer authentication and Basic Authentication are off",
        "took 5 tokens; password:",
    ],
)  # fmt: skip
def test_what_a_person_needs_is_kept(text: str) -> None:
    assert scrub(text) == text


def test_our_words_for_a_value_stay_and_any_other_is_hidden() -> None:
    for words in secrets.PROSE:
        for text in (
            f"credentials: apiKey and apiSecret: {words}; put the real value into the secret",
            f"passphrase: {words}",
            json.dumps({"message": f"passphrase: {words}", "x": [f"(apiKey: {words})"]}),
        ):
            assert scrub(text) == text
        for text in (f"apiKey={words}", f'"apiKey": "{words}"', f"apiKey: {words}Zq1"):
            assert SCRUBBED in scrub(text)
    assert scrub("password: missing horse") == "password: [hidden] horse"


def test_what_is_said_of_credentials_stays(tmp_path: Path) -> None:
    def refusal() -> str:
        with pytest.raises(ConfigurationError) as caught:
            load_credentials(tmp_path)
        return str(caught.value)

    said = [refusal()]
    (tmp_path / API_KEY).write_text("replace-me")
    said.append(refusal())
    (tmp_path / API_SECRET).write_text("")
    said.append(refusal())
    (tmp_path / API_SECRET).write_bytes(b"\xff\xfe")
    said.append(refusal())
    (tmp_path / API_SECRET).write_text("\ufeffk9Zq1")
    said.append(refusal())
    said.append(EXCHANGE_SECRET.create_command("bots", "keys"))
    assert len(set(said)) == 6
    said += (secrets.describe_faults({API_KEY: fault}) for fault in secrets.Fault)
    for text in (*said, *map(json.dumps, said)):
        assert scrub(text) == text


def own_words() -> Iterator[str]:
    """Yield every text in the code of runtime and operator, docstrings apart."""
    for folder in (ROOT / "bot_runtime", ROOT / "operator"):
        for path in folder.rglob("*.py"):
            if path.name != "scrub.py":
                yield from words_of(ast.parse(path.read_text(encoding="utf-8")))


def words_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(node, ast.Expr):
                continue
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield child.value
            elif isinstance(child, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "x"
                    for part in child.values
                )


def test_every_text_of_our_own_stays() -> None:
    texts = set(own_words())
    assert len(texts) > 2000
    assert not [text for text in texts if scrub(text) != text]


# What may be generated: secrets and harmless values of each kind, and where they stand.

LETTERS = string.ascii_letters + string.digits


def drawn(make: Callable[[random.Random], str]) -> st.SearchStrategy[str]:
    """Return values of a random source: as unlike words as keys are, unlike `st.text`."""
    return st.integers(0, 2**48).map(lambda seed: make(random.Random(seed)))


def letters(rng: random.Random, length: int, alphabet: str = LETTERS) -> str:
    return "".join(rng.choices(alphabet, k=length))


def mixed_key(rng: random.Random, least: int = 32, most: int = 72) -> str:
    """Return letters and digits that no rule takes for a word: a digit stands within."""
    half = rng.randint(least // 2, most // 2)
    return f"{letters(rng, half - 2)}k7Qx{letters(rng, half - 2)}"


def base64_key(rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(rng.choice([16, 31, 32, 61, 64]))).decode()


def telegram_token(rng: random.Random) -> str:
    return f"{rng.randint(10**7, 10**10)}:AA{letters(rng, 33, LETTERS + '-_')}"


def web_token(rng: random.Random) -> str:
    parts = (base64.urlsafe_b64encode(rng.randbytes(n)).decode().rstrip("=") for n in (45, 32))
    return "eyJhbGciOiJSUzI1NiJ9." + ".".join(parts)


def private_key(rng: random.Random) -> str:
    kind = rng.choice(["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "])
    body = base64.b64encode(rng.randbytes(rng.choice([48, 121, 600]))).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    head = (
        ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0F3A", ""] if rng.random() < 0.2 else []
    )
    text = "\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *head, *lines])
    return text if rng.random() < 0.3 else f"{text}\n-----END {kind}PRIVATE KEY-----\n"


SHAPED = {
    "exchange key": drawn(lambda rng: mixed_key(rng, 64, 64)),
    "mixed key": drawn(mixed_key),
    "base64": drawn(base64_key),
    "Telegram token": drawn(telegram_token),
    "web token": drawn(web_token),
    "private key": drawn(private_key),
    "AWS key": drawn(lambda rng: "AKIA" + letters(rng, 16, string.ascii_uppercase + "234567")),
}
AROUND: tuple[Callable[[str], str], ...] = (
    str,
    lambda s: f"ValueError: refused {s} for the account",
    lambda s: f"({s})",
    lambda s: json.dumps({"ts": "2026-11-22T19:21:00Z", "event": "asked", "what": s, "n": 3}),
    lambda s: json.dumps({"message": json.dumps({"what": s, "n": [1]}), "n": 3}),
    lambda s: f"headers { ({'Accept': '*/*', 'X-Custom': s, 'Host': 'h'})!r} were sent",
    lambda s: f"GET https://h.example:8443/v1/x?a=1&what={quote(s, safe='')}&b=2 failed",
    lambda s: f"first line\n{s}\nlast line",
    lambda s: f"Error: 'value={s}'; go on",
)
"""Where a secret may stand that its shape alone betrays, and a harmless value too."""

ODD = string.ascii_letters + string.digits + "!#$%()*+-./:;<=>?@[]^_`{|}~"
PASSWORDS = st.one_of(
    drawn(lambda rng: letters(rng, rng.randint(8, 24), string.ascii_lowercase)),
    drawn(lambda rng: letters(rng, rng.randint(8, 64), "0123456789abcdef")),
    drawn(lambda rng: "p" + letters(rng, rng.randint(8, 24), ODD)),
)
QUOTABLE = drawn(lambda rng: "p" + letters(rng, rng.randint(8, 24), ODD + "\"'\\ ,&\n\té€"))
NAMES = (
    "apiKey", "api_key", "API-Key", "X-MBX-APIKEY", "apiSecret", "secret", "secretKey", "password",
    "passphrase", "access_token", "refreshToken", "token", "signature", "listenKey", "DB_PASSWORD",
    "aws_secret_access_key", "X-Amz-Signature", "AWSAccessKeyId", "client_secret", "private_key",
    "Authorization", "Proxy-Authorization", "Cookie", "OK-ACCESS-SIGN",
)  # fmt: skip
QUOTED: tuple[Callable[[str, str], str], ...] = (
    lambda name, s: json.dumps({"event": "asked", name: s, "n": 3}),
    lambda name, s: json.dumps({"message": json.dumps({name: s, "n": 3}), "n": 3}),
    lambda name, s: json.dumps({"a": json.dumps({"b": json.dumps({name: s}), "n": 3}), "n": 3}),
    lambda name, s: repr({"Accept": "*/*", name: s, "Host": "h"}),
    lambda name, s: repr({name: [s, s]}),
    lambda name, s: f"call({name}={s!r}, timeout=3)",
    lambda name, s: f"{name}: {json.dumps(s)} was refused",
)
BARE: tuple[Callable[[str, str], str], ...] = (
    lambda name, s: f"{name}={s}",
    lambda name, s: f"{name}: {s}",
    lambda name, s: f"{name} = {s}\nlast line",
    lambda name, s: f"headers:\r\n{name}: {s}\r\nHost: h",
    lambda name, s: f"GET /x?a=1&{name}={quote(s, safe='')}&b=2 failed",
    lambda name, s: json.dumps({"message": f"with {name}: {s}", "n": 3}),
    lambda name, s: json.dumps({"message": json.dumps({"text": f"with {name}={s}"}), "n": 3}),
)


def pieces(secret: str) -> set[str]:
    """Return every piece of 8 characters of each line of a secret, as each escape writes it."""
    spelled = {
        line
        for part in secret.splitlines()
        if "PRIVATE KEY-----" not in part
        for line in (part, json.dumps(part)[1:-1], quote(part, safe=""), repr(part)[1:-1])
    }
    return {line[i : i + 8] for line in spelled for i in range(max(1, len(line) - 7)) if line}


def assert_nothing_stays(secret: str, text: str, *known: str) -> None:
    clean = scrub(text, known)
    assert SCRUBBED in clean, text
    stays = [piece for piece in pieces(secret) if len(piece) == 8 and piece in clean]
    assert not stays, (text, clean)


@pytest.mark.parametrize("kind", SHAPED)
@given(data=st.data(), around=st.sampled_from(AROUND))
def test_nothing_stays_of_what_its_shape_betrays(
    kind: str, data: st.DataObject, around: Callable[[str], str]
) -> None:
    secret = data.draw(SHAPED[kind])
    assert_nothing_stays(secret, around(secret))


@given(secret=QUOTABLE, name=st.sampled_from(NAMES), around=st.sampled_from(QUOTED))
def test_nothing_stays_of_a_quoted_value(
    secret: str, name: str, around: Callable[[str, str], str]
) -> None:
    assert_nothing_stays(secret, around(name, secret))


@given(secret=PASSWORDS, name=st.sampled_from(NAMES), around=st.sampled_from(BARE))
def test_nothing_stays_of_a_value_without_quotes(
    secret: str, name: str, around: Callable[[str, str], str]
) -> None:
    assert_nothing_stays(secret, around(name, secret))


@given(
    secret=PASSWORDS,
    scheme=st.sampled_from(["https", "redis", "postgresql+psycopg", "amqp"]),
    user=st.sampled_from(["", "bot", "a.b"]),
    rest=st.sampled_from(["", ":6379/0", "/x?y=1"]),
    around=st.sampled_from(AROUND[:6]),
)
def test_of_an_address_scheme_and_host_stay(
    secret: str, scheme: str, user: str, rest: str, around: Callable[[str], str]
) -> None:
    secret = secret.translate(str.maketrans("<>", "--"))
    if secret[0].isdigit():
        secret = f"p{secret}"  # a port and a path look the same
    text = around(f"{scheme}://{user}:{secret}@db.example{rest}")
    assert_nothing_stays(secret, text)
    assert f"{scheme}://{SCRUBBED}@db.example{rest}" in scrub(text)


@given(
    secret=st.one_of(PASSWORDS, QUOTABLE, drawn(private_key), st.text(min_size=8)),
    spelled=st.sampled_from(
        (
            str, json.dumps, repr, quote, quote_plus, lambda s: quote(s, safe=""),
            lambda s: json.dumps(s, ensure_ascii=False), lambda s: json.dumps(json.dumps([s])),
            lambda s: repr(s.encode()), lambda s: quote(s).lower(),
            lambda s: " ".join(s.split()),
        )
    ),
)  # fmt: skip
def test_a_known_secret_is_removed_however_it_is_spelled(
    secret: str, spelled: Callable[[str], str]
) -> None:
    try:
        written = spelled(secret)
    except UnicodeEncodeError:  # a lone surrogate has no bytes
        return
    if written == written.lower() and secret != secret.lower():
        return  # another secret
    core = secret.strip() or secret
    text = f"url <{written}> end"
    clean = scrub(text, (secret,))
    assert SCRUBBED in clean or core not in text
    if core not in SCRUBBED:
        rest = clean.replace(SCRUBBED, "\0")
        assert not [p for p in pieces(core) if len(p) == 8 and p in rest], (text, clean)


@given(st.text(min_size=8), st.text(), st.text())
def test_known_secret_never_stays(secret: str, before: str, after: str) -> None:
    assert secret in SCRUBBED or secret not in scrub(before + secret + after, (secret,)).replace(
        SCRUBBED, "\0"
    )


def test_of_two_secrets_the_longer_is_removed_first() -> None:
    assert scrub("<hunter2hunter3>", ("hunter2", "", "hunter2hunter3")) == f"<{SCRUBBED}>"
    assert scrub(SCRUBBED, ("hidden",)) == SCRUBBED


def hexadecimal(length: int) -> st.SearchStrategy[str]:
    return drawn(lambda rng: letters(rng, length, "0123456789abcdef"))


def path(rng: random.Random) -> str:
    words = ("objectives", "Trend", "candidates", "GradientBoosting", "ensemble-0", "btc-paper",
        "TemporalFusionTransformer", "BTC-USDT-5m.csv", "versions", "report.html", "v1", "x86_64",
        "site-packages", "python3.11", "bot_runtime", "Return", "model.onnx", "lib64")  # fmt: skip
    return "/".join(rng.choices(words, k=rng.randint(2, 9)))


SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
HARMLESS = {
    "digest": hexadecimal(64),
    "image digest": hexadecimal(64).map(lambda h: f"registry.example:5000/team/bot@sha256:{h}"),
    "image": hexadecimal(7).map(lambda h: f"ghcr.io/some-team/botcripto-runtime:v1.12.3-{h}"),
    "commit": hexadecimal(40),
    "uid": st.uuids().map(str),
    "path": drawn(path),
    "absolute path": drawn(lambda rng: f"/var/lib/botcripto/{path(rng)}"),
    "version": hexadecimal(16).map(lambda h: f"btc-paper-{h[:8]}-{h[8:]}"),
    "pod": drawn(lambda rng: f"btc-paper-1a2b3c4d-trend-{letters(rng, 5, SUFFIX)}"),
    "replica": drawn(
        lambda rng: f"botcripto-operator-{letters(rng, 10, SUFFIX)}-{letters(rng, 5, SUFFIX)}"
    ),
    "object": st.uuids().map(lambda uid: f"ModelTraining/bots/btc-paper-1a2b3c4d/{uid}"),
    "order": st.integers(10**6, 10**19).map(str),
    "client order": hexadecimal(20).map(lambda h: f"x-botcripto-{h}"),
    "client order of ccxt": hexadecimal(22).map(lambda h: f"x-TKT5PX2F{h}"),
    "client order as uid": drawn(lambda rng: str(uuid.UUID(int=rng.getrandbits(128)))),
    "time": st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "address": drawn(lambda rng: f"https://api.example.com:8443/{path(rng)}?symbol=BTCUSDT"),
}


@pytest.mark.parametrize("kind", HARMLESS)
@given(data=st.data(), around=st.sampled_from(AROUND), other=st.sampled_from(sorted(HARMLESS)))
def test_what_is_no_secret_stays_wherever_it_stands(
    kind: str, data: st.DataObject, around: Callable[[str], str], other: str
) -> None:
    text = around(f"{data.draw(HARMLESS[kind])} {data.draw(HARMLESS[other])}")
    assert scrub(text, (KEY,)) == text
    text = around(data.draw(HARMLESS[kind]))
    assert scrub(text) == text


FRAGMENTS = (
    "apiKey", "secret", "token", "password", "Authorization", "Cookie", ":", "=", ": ", " = ", ",",
    ", ", "&", "?x=", "&x=", '"', "'", '\\"', '\\\\"', "\\", "\\n", "\n", " ", "[", "]", "(", ")",
    "{", "}", SCRUBBED, "hidden", "://", "@", "http://", "user:pw@h", "/", "a", "Z", "9", "Bearer ",
    "Basic ", "Digest ", ";", "; ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
    "-", "_", "+", "%3D", "%40", "%3A%2F%2F", "value", "null", "missing", "a placeholder", KEY,
    KEY_OF_32, TELEGRAM, "AKIAIOSFODNN7EXAMPLE", "eyJabcdefgh", ".", "0f3a9c1d", "Trend/", "\ud800",
    "é", "code=", "amp;", '"$API_KEY"',
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=16).map("".join)))
def test_what_is_scrubbed_is_scrubbed_for_good(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


@given(st.sampled_from(NAMES), QUOTABLE, PASSWORDS)
def test_a_line_of_json_stays_one(name: str, quotable: str, password: str) -> None:
    lines = [around(name, quotable) for around in QUOTED[:3]]
    lines += [around(name, password) for around in BARE[-2:]]
    for line in lines:
        assert json.loads(scrub(line)).keys() == json.loads(line).keys()


HOSTILE = (
    "a", "A1b/", " ", "\\", '\\"', '"', "-", "://", "://a:", "a@", "secret", "secret: ", "secret:[",
    'secret:"', "secret,", "token: token: ", "cookie: a; ", "&a", ",a", "%3A%2F%2Fa", "12345678:a",
    "eyJaaaaaaaaa.", "a -----END", "-----BEGIN PRIVATE KEY-----", "[hidden]", "Bearer a",
)  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_long_hostile_text_takes_no_longer_than_it_is_long(hostile: str) -> None:
    text = hostile * (200_000 // len(hostile))
    started = time.monotonic()
    scrub(f"Authorization: {text}", (KEY, 'a "secret" of\nlines \\'))
    assert time.monotonic() - started < 30  # takes less than one; a quadratic one takes hours


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.sampled_from(HOSTILE))
FIELDS = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*NAMES, "a"]), inner)
)


@given(fields=FIELDS)
def test_fields_keep_their_names_and_a_line_of_them_is_json(fields: object) -> None:
    clean = scrub_fields(fields)
    assert json.loads(json.dumps(clean)) == clean
    if isinstance(fields, dict):
        assert list(clean) == list(fields)


def test_a_field_is_hidden_by_its_name_and_a_text_is_no_name_of_the_next_field() -> None:
    fields = {
        "error": "401: wrong token:",
        "apiSecret": "correct horse",
        "credentialsSecret": "exchange-keys",
        "attempts": (2, {"password": "hunter2", "token": None}),
    }
    assert scrub_fields(fields) == {
        "error": "401: wrong token:",
        "apiSecret": SCRUBBED,
        "credentialsSecret": "exchange-keys",
        "attempts": [2, {"password": SCRUBBED, "token": None}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "failed to assign an IP address to container: InsufficientFreeAddressesInSubnet: subnet-1",
        "PersistentVolumeClaimIsNotBoundYetByItsStorageClass",
        "GET /order?signature=[hid; put a valid key into the secret",
    ],
)
def test_words_of_others_stay(text: str) -> None:
    assert scrub(text).endswith(text[-20:])
