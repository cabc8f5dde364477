"""Exact numbers: what is rounded, and which way."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.trading.precision import (
    Costs,
    Market,
    moved,
    part_of,
    to_decimal,
    to_float,
    to_money,
)

FREE = Costs.of(0, 0)
money = st.integers(0, 10**32)
ticks = st.integers(1, 10**13)
costs = st.builds(
    Costs.of, st.sampled_from([0, 1, 7.5, 10, 1000]), st.sampled_from([0, 0.3, 5, 1000])
)


def test_costs_are_as_they_were_written() -> None:
    # 7.5 bps of 10^12 is 750 million; 0.1 bps, which no binary fraction is, 10 million.
    assert Costs.of(7.5, 0.1) == Costs(750_000_000, 10_000_000)
    assert Costs.of(10, 5).slippage_share == 0.0005


def test_a_fee_is_rounded_up_to_what_exchanges_book() -> None:
    # 0.1 % of 1.23456789 is 0.00123456789.
    assert to_decimal(Costs.of(10, 0).fee_of(to_money(Decimal("1.23456789")))) == Decimal(
        "0.00123457"
    )
    assert to_decimal(Costs.of(10, 0).fee_of(to_money(Decimal("0.00001")))) == Decimal("1e-8")
    assert to_decimal(Costs.of(10, 0).fee_of(1)) == Decimal("1e-8")
    assert Costs.of(10, 0).fee_of(0) == FREE.fee_of(10**20) == 0
    exact = to_money(Decimal("0.001"))
    assert Costs.of(10, 0).fee_of(exact) == exact // 1000, "nothing to round"


@given(costs, ticks)
def test_slippage_is_against_the_account_by_less_than_a_tick(costs: Costs, price: int) -> None:
    share = Fraction(costs.slippage, 10**12)
    bought, sold = price * (1 + share), price * (1 - share)
    assert bought <= costs.bought_at(price) < bought + 1
    assert sold - 1 < costs.sold_at(price) <= max(sold, Fraction(1))
    assert costs.sold_at(price) >= 1


@given(costs, money, st.integers(1, 10**24))
def test_what_money_pays_for_is_paid_with_its_fee(costs: Costs, cash: int, price: int) -> None:
    lots = costs.most_lots(cash, price)
    assert lots >= 0
    assert lots == 0 or lots * price + costs.fee_of(lots * price) <= cash
    # One more, or the step of a fee that is kept back, would be too much.
    more = (lots + 1) * price
    assert more + costs.fee_of(more) + lots + 1 > cash - 10**10


@pytest.mark.parametrize(
    ("tick", "lot", "value"),
    [
        ("0.01", "0.00001", 10**11),  # BTC/USDT: 10^-7 of a dollar
        ("0.5", "0.001", 5 * 10**14),
        ("1e-8", "1", 10**10),  # SHIB-like
        ("1e-8", "1e-8", 100),
        ("1e-10", "1e-8", 1),
        ("0.00000001", "0.00000001", 100),
    ],
)
def test_one_lot_at_one_tick_is_whole_money(tick: str, lot: str, value: int) -> None:
    market = Market.of(Decimal(tick), Decimal(lot), FREE)
    assert market.value == value
    assert to_decimal(market.notional(3, 7)) == 21 * Decimal(tick) * Decimal(lot)


def test_prices_of_a_cheap_and_of_a_dear_market_are_exact() -> None:
    cheap = Market.of(Decimal("1e-8"), Decimal(1), FREE)
    assert cheap.ticks(np.array([1e-8, 3e-8, 0.00001234, 4e-9])).tolist() == [1, 3, 1234, 1]
    assert cheap.price(1234) == Decimal("0.00001234")
    dear = Market.of(Decimal("0.5"), Decimal("0.00001"), FREE)
    assert dear.ticks(np.array([1e5, 99_999.5, 0.2])).tolist() == [200_000, 199_999, 1]
    assert dear.price(199_999) == Decimal("99999.5")
    assert dear.quantity(123) == Decimal("0.00123")


def test_quantities_are_cut_to_lots_and_binary_fractions_are_no_reason_to() -> None:
    market = Market.of(Decimal(1), Decimal("0.1"), FREE)
    assert market.lots(np.array([0.3, 0.39, 0.0, 0.7])).tolist() == [3, 3, 0, 7]
    assert market.lots(np.array([1e300])).tolist() == [1 << 62]


@pytest.mark.parametrize(
    ("tick", "lot", "words"),
    [
        ("0", "1", "tick: found 0"),
        ("1", "-1", "lot: found -1"),
        ("NaN", "1", "tick: found NaN"),
        ("1e-10", "1e-9", "finer than"),
    ],
)
def test_steps_that_cannot_be_are_refused_by_name(tick: str, lot: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Market.of(Decimal(tick), Decimal(lot), FREE)


def test_an_order_has_to_reach_both_minimums() -> None:
    market = Market.of(Decimal("0.1"), Decimal("0.01"), FREE, Decimal("0.035"), Decimal(5))
    assert market.min_lots == 4
    assert market.takes(4, 1250)  # 0.04 * 125 = 5
    assert not market.takes(4, 1249)
    assert not market.takes(3, 10_000)
    assert not Market.of(Decimal(1), Decimal(1), FREE).takes(0, 1)


amounts = st.decimals(0, 10**12, allow_nan=False, allow_infinity=False, places=18)


@given(amounts, amounts)
def test_money_is_exact_both_ways(one: Decimal, other: Decimal) -> None:
    assert to_decimal(to_money(one)) == one
    assert Fraction(to_decimal(to_money(one) - to_money(other))) == Fraction(one) - Fraction(other)
    assert to_money(to_decimal(to_money(one))) == to_money(one)
    assert to_float(to_money(one)) == float(one)


def test_an_amount_finer_than_money_is_cut() -> None:
    assert to_money(Decimal("1.9999999999999999999")) == 1_999_999_999_999_999_999


@given(money, st.floats(0, 1))
def test_a_part_of_money_is_cut(whole: int, share: float) -> None:
    exact = whole * Fraction(share)
    assert exact - 1 < part_of(whole, share) <= exact


@given(ticks, st.floats(0, 10))
def test_distances_are_rounded_away_from_the_price(price: int, share: float) -> None:
    above, below = price * (1 + Fraction(share)), price * (1 - Fraction(share))
    assert above <= moved(price, share, up=True) < above + 1
    assert moved(price, share, up=False) == max(1, below // 1)
