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

_PLACEHOLDER: Final = re.compile(
    r"^\s*$|^<.*>$|^\$\{.*\}$|^(x{3,}|\*{3,}|\.{3,})$"
    r"|^(replace|change|fill|insert|enter|put)[-_ ]?(me|this|it|in|your|here|here)?\b"
    r"|^(changeme|replaceme|todo|tbd|none|null|dummy|example|placeholder)$"
    r"|^your[-_ ]",
    re.IGNORECASE | re.DOTALL,
)


def is_placeholder(value: str) -> bool:
    """Tell whether a secret's value is empty or a text that stands for one.

    >>> is_placeholder("replace-me"), is_placeholder("<api key>"), is_placeholder("k9Zq1")
    (True, True, False)
    """
    return _PLACEHOLDER.match(value.strip()) is not None


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
