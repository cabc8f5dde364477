"""Time zones of schedules: the names that the resources accept, and which of them exist."""

import re
from datetime import UTC, tzinfo
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field

from bot_runtime.contract.rules import Rule

_PART: Final = "[A-Za-z0-9_+][A-Za-z0-9_+-]{0,13}"
"""What Kubernetes takes between two slashes of a CronJob's time zone, but for dots."""
_ZONE: Final = f"{_PART}(/{_PART})*"
_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC"})

TimeZone = Annotated[
    str,
    Field(max_length=40),
    Rule(
        # CEL cannot ask whether a zone exists; where it does not, the conversion is an error.
        f"self != 'Local' && self.matches(r'^{_ZONE}$') && "
        "timestamp('2000-01-01T00:00:00Z').getHours(self) >= 0",
        "is not an IANA time zone: write one such as Etc/UTC or Europe/Paris",
        lambda zone: zone != "Local" and re.fullmatch(_ZONE, zone) is not None,
        quotes=True,
    ),
]
"""Name of a time zone; whether it exists the API server tells, and `find_zone`."""


def find_zone(name: str) -> tzinfo | None:
    """Return the time zone, None where there is none of this name.

    Without a time zone database here every name stands for UTC: the API server has one and judges
    the name.
    """
    try:
        return UTC if name in _UTC_NAMES else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: America is a folder
        return None if available_timezones() else UTC


def unknown_zone(part: str, name: str) -> str:
    """Return the words for a time zone that does not exist; `part` of the spec has it."""
    return f"spec.{part}.timeZone: {name} is not known; write one as Europe/Madrid"
