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
from bot_runtime.contract.secrets import Fault, describe_faults
from bot_runtime.process.errors import ConfigurationError


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
    read = {name: _read(directory, name) for name in (API_KEY, API_SECRET, PASSPHRASE)}
    values = {name: value for name, value in read.items() if value is not None}
    faults = EXCHANGE_SECRET.find_faults(values)
    if faults:
        raise ConfigurationError(f"credentials: {describe_faults(faults)}")
    texts = {name: value.decode().strip() for name, value in values.items()}
    return Credentials(texts[API_KEY], texts[API_SECRET], texts.get(PASSPHRASE, ""))


def _read(directory: Path, name: str) -> bytes | None:
    try:
        return (directory / name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise ConfigurationError(
            f"credentials: {name}: {Fault.UNREADABLE.words}; mount a file that may be read"
        ) from None
