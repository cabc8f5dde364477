"""Windows: every length agrees with the definition, and with the same window taken alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from bot_runtime.features import rolling

VALUES = np.random.default_rng(3).normal(1e4, 1.0, 200)


@given(span=st.integers(1, 200))
def test_every_length_agrees_with_its_definition(span: int) -> None:
    each = sliding_window_view(VALUES, span)
    mean, deviation = rolling.moments(VALUES, span)
    for found, expected in (
        (rolling.sums(VALUES, span), each.sum(axis=1)),
        (rolling.means(VALUES, span), each.mean(axis=1)),
        (rolling.minima(VALUES, span), each.min(axis=1)),
        (rolling.maxima(VALUES, span), each.max(axis=1)),
        (mean, each.mean(axis=1)),
        (deviation, each.std(axis=1)),
        (rolling.geometric_sums(VALUES, 0.9, span), each @ 0.9 ** np.arange(span)[::-1]),
    ):
        assert found.shape == (201 - span,)
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-11)


@given(span=st.integers(1, 100), end=st.integers(100, 200))
def test_value_depends_on_its_own_window_to_the_last_bit(span: int, end: int) -> None:
    alone = VALUES[end - span : end]
    assert rolling.sums(alone, span)[0] == rolling.sums(VALUES, span)[end - span]
    for one, all_ in zip(rolling.moments(alone, span), rolling.moments(VALUES, span), strict=True):
        assert one[0] == all_[end - span]


def test_exponential_average_forgets_its_start() -> None:
    found = rolling.exponential_means(VALUES, 5, 80)
    expected = pd.Series(VALUES).ewm(span=5, adjust=False).mean().to_numpy()[79:]
    assert found == pytest.approx(expected, rel=1e-9)


def test_wilder_sum_is_that_of_his_book() -> None:
    assert rolling.wilder_sums(np.array([1.0, 2.0, 3.0]), 2, 2, 3).tolist() == [4.5]


def test_large_price_that_hardly_moves_keeps_its_deviation() -> None:
    values = 1e8 + np.tile([0.0, 1e-4], 30)
    assert rolling.moments(values, 60)[1][0] == pytest.approx(5e-5, rel=1e-3)
    assert rolling.moments(np.full(60, 0.1), 60)[1].max() < 1e-16
