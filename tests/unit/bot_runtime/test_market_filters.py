"""What a market takes: as ccxt tells it, as the store keeps it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.exchange.market_filters import filters_of
from bot_runtime.market.filters import Filters, load_filters, save_filters
from bot_runtime.store.layout import Store

LIMITS = {"amount": {"min": 1e-05}, "cost": {"min": 5.0}}


@pytest.mark.parametrize(
    ("precision", "mode", "tick", "lot"),
    [
        ({"price": 0.01, "amount": 1e-05}, 4, "0.01", "0.00001"),
        ({"price": 2, "amount": 5}, 2, "0.01", "0.00001"),
        ({"price": 1e-08, "amount": 1.0}, 4, "1e-8", "1"),
        ({"price": 0.5, "amount": 8.0}, 4, "0.5", "8"),
    ],
)
def test_steps_are_told_in_two_ways(
    precision: dict[str, Any], mode: int, tick: str, lot: str
) -> None:
    found = filters_of({"precision": precision, "limits": LIMITS}, mode)
    assert found == Filters(
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal(5),
    )


@pytest.mark.parametrize(
    "market",
    [
        {},
        {"precision": None, "limits": None},
        {"precision": {"price": None, "amount": 1e-5}},
        {"precision": {"price": 0, "amount": 1e-5}},
        {"precision": {"price": -0.1, "amount": 1e-5}},
    ],
)
def test_who_tells_no_steps_has_no_filters(market: dict[str, Any]) -> None:
    assert filters_of(market, 4) is None


def test_significant_digits_are_no_step() -> None:
    assert filters_of({"precision": {"price": 5, "amount": 5}}, 3) is None


def test_the_store_keeps_every_digit(tmp_path: Path) -> None:
    store, filters = Store(tmp_path), Filters(tick=Decimal("1e-8"), lot=Decimal("0.00010"))
    assert load_filters(store, "SHIB/USDT") is None
    save_filters(store, {"SHIB/USDT": filters})
    assert load_filters(store, "SHIB/USDT") == filters
    for text in ("", "{}", '{"tick": "x", "lot": "1"}', '{"tick": "0", "lot": "1"}'):
        store.filters("SHIB/USDT").write_text(text, encoding="utf-8")
        assert load_filters(store, "SHIB/USDT") is None
