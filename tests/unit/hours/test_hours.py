"""How long a bot is to trade on paper."""

import pytest

from tests.hours.__main__ import to_hours


@pytest.mark.parametrize("text", ["abc", "", "0", "-1", "nan", "inf"])
def test_what_is_no_number_of_hours_is_refused(text: str) -> None:
    assert to_hours(text) is None


def test_a_part_of_an_hour_is_one() -> None:
    assert to_hours("0.5") == 0.5
