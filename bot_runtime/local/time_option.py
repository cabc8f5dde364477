"""A time as people write it on a command line."""

from datetime import UTC, datetime

from bot_runtime.process.errors import ConfigurationError


def ms_of(option: str, text: str) -> int:
    """Return a date or a time in ms; without a time zone it is UTC. Raises ConfigurationError."""
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return int(at.timestamp() * 1000)
    except (ValueError, OverflowError) as e:
        raise ConfigurationError(
            f"{option}: found {text[:40]!r}; write a date as 2026-01-31, or a time as "
            "2026-01-31T12:00:00Z"
        ) from e
