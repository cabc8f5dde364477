"""The key that is mounted for a step: read, judged by its shape, and never shown."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from bot_runtime.contract.exchange_secret import (
    API_KEY,
    API_SECRET,
    EXCHANGE_SECRET,
    PASSPHRASE,
)
from bot_runtime.contract.names import CREDENTIALS_PATH, ENV_CREDENTIALS
from bot_runtime.process.secret_files import load_secret


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

    Raises ConfigurationError that names the files whose values can be told to be no key.
    """
    texts = load_secret(directory, EXCHANGE_SECRET, "credentials")
    return Credentials(texts[API_KEY], texts[API_SECRET], texts.get(PASSPHRASE, ""))
