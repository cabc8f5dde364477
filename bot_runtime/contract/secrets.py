"""Secrets that a bot may name: their type, their keys, and what a placeholder looks like.

The operator judges them before any pod exists; the runtime judges the mounted files once more.
"""

import re
from typing import Final

EXCHANGE_SECRET_TYPE: Final = "botcripto.io/exchange"  # noqa: S105 - a type name, not a secret
API_KEY: Final = "apiKey"
API_SECRET: Final = "apiSecret"  # noqa: S105 - the name of a key, not its value
PASSPHRASE: Final = "passphrase"  # noqa: S105 - the name of a key, not its value
REQUIRED_KEYS: Final[tuple[str, ...]] = (API_KEY, API_SECRET)

# What may be said of a value instead of the value: "apiSecret: missing".
MISSING: Final = "missing"
A_PLACEHOLDER: Final = "a placeholder"
UNREADABLE: Final = "cannot be read as text"
PROSE: Final[tuple[str, ...]] = (MISSING, A_PLACEHOLDER, UNREADABLE)

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
