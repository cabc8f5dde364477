"""Secrets that a bot may name: what a kind of them consists of, and what is wrong with a value.

The operator judges them before any pod exists; the runtime judges the mounted files once more.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

_REPLACE: Final = "put the real value into the secret"
_FROM_FILE: Final = "put the private key alone, from its file (--from-file)"
_EXCHANGE: Final = "exchange the values of apiKey and apiSecret"
_AS_URL: Final = "write postgresql:// and then user:password@host:5432/database"


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
    UNENCODED = (
        "a character that a url has encoded",
        "in user and password write %40 for @, %2F for /, %3A for :, %3F for ?, %20 for a "
        "space, %25 for %",
    )
    OTHER_URL = ("no url of PostgreSQL", _AS_URL)
    INCOMPLETE_URL = ("a url without user, host or database", _AS_URL)
    WRONG_PORT = ("a url with a port that is none", _AS_URL)
    OTHER_TOKEN = (
        "no token of a Telegram bot",
        "copy it from BotFather: digits, a colon and some 35 characters",
    )
    OTHER_CHAT = (
        "no chat of Telegram",
        "write its number, with the minus sign of a group, or @ and the name of a channel",
    )
    OTHER_API_URL = ("no address of a Bot API server", "write https:// and the host")
    UNENCRYPTED = (
        "an address without encryption outside of the cluster",
        "write https:// in place of http://",
    )

    def __init__(self, words: str, remedy: str) -> None:
        self.words = words
        self.remedy = remedy


PROSE: Final[tuple[str, ...]] = tuple(fault.words for fault in Fault)
"""What may be said of a value instead of the value: `apiSecret: missing`."""


@dataclass(frozen=True, slots=True)
class SecretKind:
    """A kind of secret.

    Attributes:
        type: the Secret's `type`.
        field: the field of a spec that names one.
        required: the keys that it must have, each with the shell variable of the command.
        optional: keys that it may have.
        find_fault: says what is wrong with the value of a key.
    """

    type: str
    field: str
    required: Mapping[str, str]
    find_fault: Callable[[str, bytes], Fault | None]
    optional: tuple[str, ...] = ()

    def find_faults(self, values: Mapping[str, bytes]) -> dict[str, Fault]:
        """Return what is wrong with the values of a secret, by its keys; empty where nothing is."""
        found = dict.fromkeys((key for key in self.required if key not in values), Fault.MISSING)
        for key in (*self.required, *self.optional):
            fault = self.find_fault(key, values[key]) if key in values else None
            if fault is not None:
                found[key] = fault
        return found

    def create_command(self, namespace: str, name: str) -> str:
        """Return the exact command that creates the secret a bot waits for.

        The values are taken from the caller's environment, so that they stay out of shell
        histories.
        """
        literals = (f'--from-literal={key}="${shell}"' for key, shell in self.required.items())
        return (
            f"kubectl create secret generic {name} --namespace {namespace} "
            f"--type={self.type} {' '.join(literals)}"
        )


_LEAST_ENCODED: Final = 16
"""Characters of a text whose base64 is told from a random key: one key in ten million is taken."""

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


def read_text(value: bytes) -> str | Fault:
    """Return a value as text without the space around it, or why it is none."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return Fault.UNREADABLE
    return Fault.BYTE_ORDER_MARK if text.startswith("\ufeff") else text.strip()


def find_fault_of_line(text: str) -> Fault | None:
    """Return why a text that is no placeholder is not one line as somebody was given it."""
    if text[0] == text[-1] and text[0] in "\"'`":
        return Fault.QUOTED
    if _is_encoded("".join(text.splitlines())):  # base64 breaks its lines at 76 characters
        return Fault.ENCODED
    if len(text.splitlines()) > 1 or text.endswith((r"\n", r"\r")):
        return Fault.LINE_BREAK
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


def is_wrapped(text: str) -> bool:
    """Tell whether a text stands in brackets, or names a variable, as that of a template does."""
    return _WRAPPED.fullmatch(text) is not None
