"""The key that is mounted for a step: read, judged for placeholders, and never shown."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot_runtime.contract.names import CREDENTIALS_PATH, ENV_CREDENTIALS
from bot_runtime.contract.secrets import (
    A_PLACEHOLDER,
    API_KEY,
    API_SECRET,
    MISSING,
    PASSPHRASE,
    REQUIRED_KEYS,
    UNREADABLE,
    is_placeholder,
)
from bot_runtime.process.errors import CredentialsError


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of an exchange; its representation shows nothing of it."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)

    @property
    def values(self) -> tuple[str, ...]:
        """Return every value that must not be shown."""
        return tuple(filter(None, (self.api_key, self.api_secret, self.passphrase)))


def credentials_directory() -> Path | None:
    """Return the directory that $BOTCRIPTO_CREDENTIALS names, else the mounted one, else None."""
    configured = os.environ.get(ENV_CREDENTIALS)
    if configured:
        return Path(configured)
    mounted = Path(CREDENTIALS_PATH)
    return mounted if mounted.is_dir() else None


def load_credentials(directory: Path) -> Credentials:
    """Return the key in the files apiKey and apiSecret (and passphrase, where there is one).

    Raises CredentialsError that names the files that are missing or hold a placeholder.
    """
    values = {name: _value(directory, name) for name in (*REQUIRED_KEYS, PASSPHRASE)}
    found = {name: value for name, value in values.items() if value is not None}
    _refuse(tuple(name for name in REQUIRED_KEYS if name not in found), MISSING)
    _refuse(tuple(n for n in REQUIRED_KEYS if is_placeholder(found[n])), A_PLACEHOLDER)
    return _credentials(found)


def _credentials(values: Mapping[str, str]) -> Credentials:
    return Credentials(values[API_KEY], values[API_SECRET], values.get(PASSPHRASE, ""))


def _refuse(names: tuple[str, ...], what: str) -> None:
    if names:
        raise CredentialsError(
            f"credentials: {' and '.join(names)}: {what}; put the real value into the secret"
        )


def _value(directory: Path, name: str) -> str | None:
    try:
        return (directory / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise CredentialsError(f"credentials: {name}: {UNREADABLE}; re-create the secret") from None
