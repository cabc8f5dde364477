"""The url of a PostgreSQL, read from the file that is mounted for it and never shown."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bot_runtime.contract.postgres_secret import POSTGRES_SECRET, URL
from bot_runtime.contract.secrets import Fault, describe_faults
from bot_runtime.process.errors import StoreUnavailableError


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """What a url says; its representation shows nothing of it."""

    text: str = field(repr=False)
    options: dict[str, Any] = field(repr=False)
    """As psycopg takes them."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must not be shown of it."""
        return tuple(filter(None, (self.text, self.options.get("password"))))


def load_url(file: Path) -> PostgresUrl:
    """Return the url in a file; raises StoreUnavailableError where it can be told to be none."""
    try:
        values = {URL: file.read_bytes()}
    except FileNotFoundError:
        values = {}
    except OSError:
        raise _unusable(f"{URL}: {Fault.UNREADABLE.words}; give a file that may be read") from None
    faults = POSTGRES_SECRET.find_faults(values)
    if faults:
        raise _unusable(describe_faults(faults))
    text = values[URL].decode().strip()
    try:
        return PostgresUrl(text, dict(conninfo_to_dict(text)))
    except ProgrammingError:  # what it says may name a part of the url
        raise _unusable(
            f"{URL}: an option that PostgreSQL's client does not know; mend it"
        ) from None


def _unusable(why: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"journal in PostgreSQL: {why}")
