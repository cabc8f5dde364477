"""Time zones: each that exists is accepted, and what exists is told alike everywhere."""

from datetime import UTC
from zoneinfo import available_timezones

import pytest
from pydantic import TypeAdapter

from bot_runtime.contract.timezones import TimeZone, find_zone

_TIME_ZONE: TypeAdapter[str] = TypeAdapter(TimeZone)


def test_every_zone_of_this_machine_is_accepted_and_found() -> None:
    for name in available_timezones():
        assert _TIME_ZONE.validate_python(name) == name
        assert find_zone(name) is not None, name


@pytest.mark.parametrize("name", ["Europe/Pariss", "America", "EST6EDT7", "GMT+25", "../UTC", ""])
def test_a_zone_that_does_not_exist_is_not_found(name: str) -> None:
    assert find_zone(name) is None


def test_without_a_database_every_zone_is_left_to_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot_runtime.contract.timezones.available_timezones", set)
    assert find_zone("Europe/Pariss") is UTC
