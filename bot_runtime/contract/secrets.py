"""Secrets that a bot may name: their type, their keys, and what can be told to be no key.

The operator judges them before any pod exists; the runtime judges the mounted files once more.
"""

import base64
import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

EXCHANGE_SECRET_TYPE: Final = "botcripto.io/exchange"  # noqa: S105 - a type name, not a secret
API_KEY: Final = "apiKey"
API_SECRET: Final = "apiSecret"  # noqa: S105 - the name of a key, not its value
PASSPHRASE: Final = "passphrase"  # noqa: S105 - the name of a key, not its value
REQUIRED_KEYS: Final[tuple[str, ...]] = (API_KEY, API_SECRET)

_REPLACE: Final = "put the real value into the secret"
_FROM_FILE: Final = "put the private key alone, from its file (--from-file)"
_EXCHANGE: Final = "exchange the values of apiKey and apiSecret"


class Fault(Enum):
    """What is wrong with a value, and what to do; the words stand in place of the value."""

    MISSING = ("missing", _REPLACE)
    PLACEHOLDER = ("a placeholder", _REPLACE)
    UNREADABLE = ("cannot be read as text", "save it as UTF-8")
    BYTE_ORDER_MARK = ("begins with a byte order mark", "save it as UTF-8 without BOM")
    QUOTED = ("in quotation marks", "put it without them")
    LINE_BREAK = ("a line break inside", "put it on one line")
    FOREIGN_CHARACTER = (
        "a character that no key has",
        "copy it again, without invisible characters and typographic signs",
    )
    ENCODED = (
        "encoded in base64 once too often",
        "put it decoded; only `data` in a manifest takes base64, and that once",
    )
    ESCAPED = (
        "an escaped private key",
        f"put a line break in place of each \\n, or {_FROM_FILE}",
    )
    WITHOUT_LINE_BREAKS = ("a private key without its line breaks", _FROM_FILE)
    NOT_WHOLE = ("a private key that is not whole", _FROM_FILE)
    PUBLIC_KEY = (
        "a public key",
        "put what the exchange calls the key into apiKey, and the private key into apiSecret",
    )
    BELONGS_IN_SECRET = ("a private key", _EXCHANGE)
    BELONGS_IN_KEY = ("the name of a key", _EXCHANGE)

    def __init__(self, words: str, remedy: str) -> None:
        self.words = words
        self.remedy = remedy


PROSE: Final[tuple[str, ...]] = tuple(fault.words for fault in Fault)
"""What may be said of a value instead of the value: `apiSecret: missing`."""

_LEAST_ENCODED: Final = 16
"""Characters of a text whose base64 is told from a random key: one key in ten million is taken."""
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]+-----\s.*\s-----END (?:[A-Z]+ )*PRIVATE KEY-----", re.DOTALL
)
_NAME_OF_KEY: Final = re.compile(r"organizations/[^/\s]+/apiKeys/[^/\s]+")

# A text is a placeholder when nothing else is in it: one word of a real key makes it real.
_WRAPPED: Final = re.compile(r"<.*>|\{\{.*\}\}|\$\{.*\}|\$\(.*\)|\$[A-Z_]+|%[A-Z_]+%", re.DOTALL)
_FILLER: Final = re.compile(r"[xX*.?#_0 -]+")
_WORDS: Final = frozenset(
    re.findall(
        "[a-z]+",
        """
        add an and api binance change changeit changeme credential credentials dummy empty enter
        example exchange fill fixme here in insert it key me my na nil none null passphrase password
        placeholder put real replace replaceme sample secret set string tba tbd the this to todo
        token undefined unset value with your
        """,
    )
)
_LONGEST_PLACEHOLDER: Final = 60


def find_faults(values: Mapping[str, bytes]) -> dict[str, Fault]:
    """Return what is wrong with the values of a secret, by its keys; empty where nothing is.

    Exchanges differ in what they give: letters and digits, base64, a UUID, a private key on many
    lines. Only what none of them gives is a fault; of the rest the exchange's answer decides.
    """
    found = dict.fromkeys((key for key in REQUIRED_KEYS if key not in values), Fault.MISSING)
    for key in (*REQUIRED_KEYS, PASSPHRASE):
        fault = _find_fault(key, values[key]) if key in values else None
        if fault is not None:
            found[key] = fault
    return found


def describe_faults(faults: Mapping[str, Fault]) -> str:
    """Return in words what is wrong with which values, and what to do.

    >>> describe_faults({"apiKey": Fault.MISSING, "apiSecret": Fault.MISSING})
    'apiKey and apiSecret: missing; put the real value into the secret'
    """
    told = []
    for remedy in dict.fromkeys(fault.remedy for fault in faults.values()):
        for fault in dict.fromkeys(f for f in faults.values() if f.remedy == remedy):
            keys = [key for key in faults if faults[key] is fault]
            told.append(f"{' and '.join(keys)}: {fault.words}")
        told.append(remedy)
    return "; ".join(told)


def _find_fault(key: str, value: bytes) -> Fault | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return Fault.UNREADABLE
    if text.startswith("\ufeff"):
        return Fault.BYTE_ORDER_MARK
    text = text.strip()
    if key == PASSPHRASE:  # chosen by a person: any one line
        return Fault.LINE_BREAK if len(text.splitlines()) > 1 else None
    if is_placeholder(text):
        return Fault.PLACEHOLDER
    if "-----BEGIN" in text:
        return _find_fault_of_pem(key, text)
    return _find_fault_of_line(key, text)


def _find_fault_of_pem(key: str, text: str) -> Fault | None:
    if "PRIVATE KEY-----" not in text:
        return Fault.PUBLIC_KEY
    if key == API_KEY:
        return Fault.BELONGS_IN_SECRET
    if r"\n" in text or r"\r" in text:
        return Fault.ESCAPED
    if len(text.splitlines()) == 1:
        return Fault.WITHOUT_LINE_BREAKS
    return None if _PRIVATE_KEY.fullmatch(text) else Fault.NOT_WHOLE


def _find_fault_of_line(key: str, text: str) -> Fault | None:
    if text[0] == text[-1] and text[0] in "\"'`":
        return Fault.QUOTED
    if _is_encoded("".join(text.splitlines())):  # base64 breaks its lines at 76 characters
        return Fault.ENCODED
    if len(text.splitlines()) > 1 or text.endswith((r"\n", r"\r")):
        return Fault.LINE_BREAK
    if not (text.isascii() and text.isprintable()):
        return Fault.FOREIGN_CHARACTER
    if key == API_SECRET and _NAME_OF_KEY.fullmatch(text):
        return Fault.BELONGS_IN_KEY
    return None


def _is_encoded(text: str) -> bool:
    """Tell whether `text` is base64 of text: what an exchange gives as base64 is random bytes."""
    try:
        inner = base64.b64decode(text, validate=True).decode().strip()
    except ValueError:
        return False
    if "-----BEGIN" in inner:
        return True
    one_word = inner.isascii() and inner.isprintable() and " " not in inner
    return one_word and len(inner) >= _LEAST_ENCODED


def is_placeholder(value: str) -> bool:
    """Tell whether a secret's value is empty or a text that stands for one.

    It is one in brackets, one of filler characters, or one that consists of words such as
    `replace`, `me`, `your`, `api`, `key` and nothing else.

    >>> is_placeholder("replace-me"), is_placeholder("<api key>"), is_placeholder("k9Zq1")
    (True, True, False)
    """
    text = value.strip().strip("\"'`").strip()
    if not text or _WRAPPED.fullmatch(text) or _FILLER.fullmatch(text):
        return True
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # yourApiKey
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", spaced.lower()) if len(part) > 1]
    return len(text) <= _LONGEST_PLACEHOLDER and all(map(_is_of_words, parts))


def _is_of_words(text: str) -> bool:
    """Tell whether `text` is words of the list written together, such as `yourapikey`."""
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(text[start:end] in _WORDS for start in reached):
            reached.add(end)
    return len(text) in reached


def create_secret_command(namespace: str, name: str) -> str:
    """Return the exact command that creates the credentials secret a bot waits for.

    The values are taken from the caller's environment, so that they stay out of shell histories.
    """
    literals = (
        f'--from-literal={API_KEY}="$API_KEY"',
        f'--from-literal={API_SECRET}="$API_SECRET"',
    )
    return (
        f"kubectl create secret generic {name} --namespace {namespace} "
        f"--type={EXCHANGE_SECRET_TYPE} {' '.join(literals)}"
    )
