"""Volatility: the formula, the window, and a floor for a market that stands still."""

import numpy as np
import pytest

from bot_runtime.features.volatility import FLOOR, realised_volatility
from bot_runtime.scoring.naive import ewma_volatility
from tests.unit.bot_runtime.markets import random_candles


def test_realised_volatility_by_hand() -> None:
    closes = np.array([100.0, 101.0, 99.0, 99.0])
    logs = np.log([101 / 100, 99 / 101, 1.0])
    found = realised_volatility(closes, 2)
    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx([np.sqrt(np.mean(logs[i : i + 2] ** 2)) for i in (0, 1)])


def test_realised_volatility_needs_no_memory_before_its_window() -> None:
    closes = random_candles(200).close
    whole = realised_volatility(closes, 60)
    for row in (60, 120, 199):
        assert realised_volatility(closes[row - 60 : row + 1], 60)[-1] == whole[row]


def test_market_that_stands_still_has_the_floor() -> None:
    closes = np.full(70, 5.0)
    assert realised_volatility(closes, 60)[-1] == FLOOR
    assert ewma_volatility(closes, FLOOR)[-1] == FLOOR


def test_series_shorter_than_the_window_has_none() -> None:
    assert np.isnan(realised_volatility(np.ones(10), 60)).all()


def test_ewma_by_hand() -> None:
    closes = np.array([100.0, 101.0, 99.0])
    first, second = np.log([101 / 100, 99 / 101]) ** 2
    found = ewma_volatility(closes, FLOOR, decay=0.9)
    assert found[1:] == pytest.approx([np.sqrt(first), np.sqrt(0.9 * first + 0.1 * second)])
