"""Columns of equity and cash are the floats nearest to the exact sums, however large they are."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.trading.equity import columns
from bot_runtime.trading.precision import to_money

UNIT = 10**18
COIN = 10**8
"""Of a tick of 0.01 by a lot of 10^-8."""


@pytest.mark.parametrize("largest", [10**10, 10**20])
@given(draw=st.data())
def test_equity_and_cash_are_the_nearest_floats(largest: int, draw: st.DataObject) -> None:
    amounts = st.integers(0, largest).map(lambda coins: coins * COIN)
    n = draw.draw(st.integers(1, 12))
    starts = sorted({0, *draw.draw(st.lists(st.integers(0, n - 1), max_size=4))})
    held = [(start, *(draw.draw(amounts) for _ in range(3))) for start in starts]
    ticks = [np.array(draw.draw(st.lists(st.integers(0, 500), min_size=n, max_size=n)))] * 2
    equity, cash = columns(held, ticks)
    for place in range(n):
        _, money, *worths = next(each for each in reversed(held) if each[0] <= place)
        exact = money + sum(
            worth * int(prices[place]) for worth, prices in zip(worths, ticks, strict=True)
        )
        assert equity[place] == float(Fraction(exact, UNIT))
        assert cash[place] == float(Fraction(money, UNIT))


def test_the_last_note_of_a_candle_holds() -> None:
    ten, one = to_money(Decimal(10)), to_money(Decimal(1))
    equity, cash = columns([(0, ten, 0), (1, ten, 0), (1, 0, one)], [np.array([3, 4, 5])])
    assert equity.tolist() == [10.0, 4.0, 5.0]
    assert cash.tolist() == [10.0, 0.0, 0.0]


def test_no_candles_have_no_equity() -> None:
    equity, cash = columns([(0, UNIT, 0)], [np.empty(0, np.int64)])
    assert len(equity) == len(cash) == 0


def test_cash_below_nothing_is_exact_too() -> None:
    cash = -(2**60) - 200
    equity, found = columns([(0, cash, 1)], [np.array([80])])
    assert equity.tolist() == [(cash + 80) / UNIT]
    assert found.tolist() == [cash / UNIT]
