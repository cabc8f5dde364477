"""Exposure: correlations, and the room that other positions leave."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.arrays import Values
from bot_runtime.trading.exposure import (
    LEAST,
    RETURNS,
    Closes,
    correlation,
    correlations,
    room_for,
)

QUARTERS = np.tile([1.0, 1.0, -1.0, -1.0], 25)
HALVES = np.tile([1.0, -1.0, 1.0, -1.0], 25)
"""Returns that have nothing in common with QUARTERS."""


def closes(returns: Values, begin: int = 0) -> Closes:
    prices = 100.0 * np.exp(0.01 * np.concatenate([[0.0], np.cumsum(returns)]))
    return Closes(begin + np.arange(len(prices)), prices)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (QUARTERS, 1.0),
        (3.0 * QUARTERS, 1.0),
        (-QUARTERS, 0.0),  # a hedge of the past is not relied upon
        (HALVES, 0.0),
        (QUARTERS + np.sqrt(3.0) * HALVES, 0.5),  # 1 / sqrt(1 + 3)
    ],
    ids=["itself", "three times as much", "opposite", "unrelated", "half"],
)
def test_correlation(other: Values, found: float) -> None:
    assert correlation(closes(QUARTERS), closes(other)) == pytest.approx(found, abs=1e-12)


def test_markets_are_one_where_nothing_is_known_of_them() -> None:
    few = QUARTERS[: LEAST - 1]
    assert correlation(closes(few), closes(HALVES[: LEAST - 1])) == 1.0
    assert correlation(closes(QUARTERS[:LEAST]), closes(HALVES[:LEAST])) < 0.1
    assert correlation(closes(np.zeros(100)), closes(QUARTERS)) == 1.0
    assert correlation(closes(QUARTERS), closes(HALVES, begin=1000)) == 1.0, "no common candle"
    nothing = Closes(np.empty(0, np.int64), np.empty(0))
    assert correlation(nothing, closes(QUARTERS)) == 1.0


def test_only_common_candles_count() -> None:
    one, other = closes(QUARTERS), closes(QUARTERS)
    kept = np.arange(101) % 7 != 3
    assert correlation(one, Closes(other.time_ms[kept], other.close[kept])) == pytest.approx(1.0)


def test_only_the_last_returns_count() -> None:
    draw = np.random.default_rng(0)
    before, then = draw.normal(size=(2, 400)), np.tile(QUARTERS, 5)[:RETURNS]
    one, other = (closes(np.concatenate([each, then])) for each in before)
    assert correlation(one, other) == pytest.approx(1.0)


def test_correlations_are_of_every_pair() -> None:
    half = QUARTERS + np.sqrt(3.0) * HALVES
    found = correlations([closes(QUARTERS), closes(HALVES), closes(half)])
    expected = [[1, 0, 0.5], [0, 1, np.sqrt(0.75)], [0.5, np.sqrt(0.75), 1]]
    assert found == pytest.approx(np.array(expected), abs=1e-12)


def together(size: int, common: float) -> Values:
    return np.full((size, size), common) + (1.0 - common) * np.eye(size)


@pytest.mark.parametrize(
    ("weights", "common", "most", "room"),
    [
        ([0.3], 0.0, 0.5, 0.4),  # 0.09 + 0.16 = 0.25
        ([0.3], 1.0, 0.5, 0.2),  # weights add up
        ([0.3], 0.5, 0.5, 0.2772),  # f^2 + 0.3 f - 0.16 = 0
        ([0.3, 0.4], 0.0, 0.5, 0.0),  # 0.09 + 0.16 leave nothing
        ([0.3, 0.4], 0.0, 0.7, 0.3),  # 0.49 by the root, but all weights are at most 1
        ([0.2, 0.2], 1.0, 0.5, 0.1),
        ([0.2, 0.2], 0.0, 0.5, 0.4123),  # root of 0.25 - 0.08
        ([0.6], 1.0, 0.5, 0.0),
        ([0.2, -0.0], 0.0, 1.0, 0.8),
    ],
)
def test_room(weights: list[float], common: float, most: float, room: float) -> None:
    found = room_for(weights, together(len(weights) + 1, common), most)
    assert found == pytest.approx(room, abs=1e-4)


@given(
    st.lists(st.floats(0, 0.6), min_size=1, max_size=4),
    st.floats(0, 1),
    st.integers(0, 1 << 32),
)
def test_what_there_is_room_for_keeps_the_exposure(
    weights: list[float], most: float, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    size = len(weights) + 1
    found = np.maximum(np.corrcoef(draw.normal(size=(size, 6))), 0.0)
    room = room_for(weights, found, most)
    w = np.array([*weights, room])
    assert room >= 0
    if room > 0:
        exposure = float(np.sqrt(w @ found @ w))
        assert exposure <= most + 1e-12
        assert w.sum() <= 1 + 1e-12
        assert exposure == pytest.approx(most) or w.sum() == pytest.approx(1), "no more fits"
