"""Slots of time: what is missing is passed over, and nothing else is another number for it."""

import numpy as np
import pytest

from bot_runtime.features.closes import Closes
from bot_runtime.features.volatility import FLOOR
from tests.unit.bot_runtime.markets import random_candles, without

WHOLE = random_candles(400, seed=3)
SQUARES = np.diff(np.log(WHOLE.close)) ** 2


def test_variances_are_the_means_of_the_returns_that_are_known() -> None:
    candles = without(WHOLE, *range(100, 130))
    closes = Closes.of(candles)
    rows = np.arange(len(candles))
    [(own, slot, slots)] = closes.slots(rows)
    assert own.tolist() == rows.tolist()
    assert slot.tolist() == [*range(100), *range(130, 400)]
    assert np.flatnonzero(slots.row < 0).tolist() == list(range(100, 130))
    variance = slots.variances(20)
    assert np.isnan(variance[0]), "no return is known yet"
    assert variance[1] == pytest.approx(SQUARES[0])
    assert variance[50] == pytest.approx(SQUARES[30:50].mean())
    assert variance[105] == pytest.approx(SQUARES[85:99].mean()), "of those before the hole"
    assert np.isnan(variance[120:131]).all(), "all of them are missing"
    assert variance[135] == pytest.approx(SQUARES[130:135].mean()), "of those after it"
    after = slots.variance_after(5)
    assert after[50] == pytest.approx(SQUARES[50:55].mean())
    assert np.isnan(after[95:130]).all()
    assert np.isnan(after[-5:]).all()
    assert np.isfinite(after[130])


def test_symbols_are_kept_apart() -> None:
    parts = [random_candles(count, seed=count) for count in (80, 120)]
    closes = Closes(
        60_000,
        np.repeat([0, 1], [80, 120]),
        np.concatenate([part.open_time_ms for part in parts]),
        np.concatenate([part.close for part in parts]),
    )
    rows = np.array([79, 80, 150])
    found = [(own.tolist(), slot.tolist()) for own, slot, _ in closes.slots(rows)]
    assert found == [([0], [79]), ([1, 2], [0, 70])]
    volatility = closes.volatility(60)
    assert np.isnan(volatility[80:140]).all()
    assert volatility[140] == pytest.approx(Closes.of(parts[1]).volatility(60)[60])


def test_a_market_that_stands_still_has_the_least_variance() -> None:
    closes = Closes(60_000, np.zeros(50, dtype=int), 60_000 * np.arange(50), np.full(50, 7.0))
    [(_, _, slots)] = closes.slots(np.array([49]))
    assert slots.variances(20)[1:].tolist() == [FLOOR**2] * 49
