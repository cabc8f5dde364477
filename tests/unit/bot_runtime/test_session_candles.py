"""Candles that were settled on: what has changed in one since is named, and nothing else is."""

from dataclasses import replace

import pytest

from bot_runtime.trading.session_candles import candle_rows, find_revision
from tests.unit.bot_runtime.markets import random_candles, without

CANDLES = random_candles(5)
SETTLED = list(candle_rows("BTC/USDT", CANDLES))[2]


def test_a_candle_that_is_as_it_was_is_no_revision() -> None:
    assert find_revision(SETTLED, CANDLES) is None
    assert find_revision(SETTLED, without(CANDLES, 2)) is None, "it is not given any more"


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
def test_what_has_changed_is_named_with_both_numbers(name: str) -> None:
    column = getattr(CANDLES, name).copy()
    column[2] += 1
    found = find_revision(SETTLED, replace(CANDLES, **{name: column}))
    assert found is not None
    assert f"{name} {getattr(SETTLED, name)!r} is {float(column[2])!r} now" in found
    assert found.count(" now") == 1
