"""The account of past candles: its records, and markets that no strategy was made for."""

import math
from dataclasses import fields, replace
from decimal import Decimal
from functools import partial

import numpy as np
import pytest

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading import account as accounts
from bot_runtime.trading.account import Account, Track, follow, legs_of
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.orders import Purpose
from bot_runtime.trading.performance import performance_of
from bot_runtime.trading.precision import Market, to_float
from bot_runtime.trading.strategy import Strategy
from tests.unit.bot_runtime.markets import random_candles, without
from tests.unit.bot_runtime.random_markets import random_market
from tests.unit.bot_runtime.strategies import GOOD, INTERVAL_MS, UNLIMITED, strategy_with

WHOLE = {"max_position": 1, "max_exposure": 1, "position_volatility": 1, "kelly_fraction": 1}
POLICIES = {
    "Thresholds": strategy_with(DecisionSpec(), **(WHOLE | UNLIMITED | {"cvar_max": 1})),
    "VolatilityManaged": strategy_with(
        DecisionSpec(policy="VolatilityManaged"), **(WHOLE | UNLIMITED)
    ),
}
Prices = list[float]


def candles(closes: Prices, volume: float = 1e6) -> Candles:
    """Return candles that go straight from close to close."""
    close = np.array(closes)
    open_ = np.concatenate([close[:1], close[:-1]])
    times = np.arange(len(close), dtype=np.int64) * INTERVAL_MS
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    return Candles(INTERVAL_MS, times, open_, high, low, close, np.full(len(close), volume))


def track(made: Candles, strategy: Strategy, market: Market | None = None) -> Track:
    """Return a track on which everything is bought that can be."""
    n = len(made)
    ones = np.ones(n)
    told = Predictions(*(getattr(GOOD, field.name) * ones for field in fields(GOOD)))
    market = market or market_of(made, strategy.costs)
    return Track(made, market, np.arange(n), told, np.zeros(n, dtype=np.intp))


def account(made: Candles, strategy: Strategy) -> Account:
    return follow({"A/B": track(made, strategy)}, strategy)


def with_gap(made: Candles, first: int, last: int) -> Candles:
    return without(made, *range(first, last))


STRANGE = {
    "no volume": candles([100.0, 101.0] * 50, volume=0.0),
    "constant prices": candles([100.0] * 100),
    "one candle": candles([100.0]),
    "two candles and a jump": candles([100.0, 150.0]),
    "a gap of a week": with_gap(candles(list(np.linspace(100, 120, 2200))), 50, 2066),
    "a jump up": candles([100.0] * 20 + [150.0] * 20),
    "a jump down": candles([100.0] * 20 + [50.0] * 20),
    "prices at 1e-8": candles([1e-8, 2e-8, 1e-8, 3e-8] * 20, volume=1e14),
    "prices at 1e5": candles([1e5, 100_500.5, 99_000.0] * 20),
    "prices below any tick": candles([1e-12, 2e-12] * 20, volume=1e16),
    "a fall to nothing": candles([100.0 * 0.5**i for i in range(60)], volume=1e12),
    "a rise from nothing": candles([1e-6 * 2.0**i for i in range(25)], volume=1e9),
    "a tick that gets finer": candles([100.5, 101.0] * 20 + [100.512, 101.003] * 20),
    "little volume": candles([100.0, 101.0, 99.0] * 30, volume=1e-7),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("strange", STRANGE)
def test_no_market_makes_a_number_that_is_none(strange: str, policy: str) -> None:
    found = account(STRANGE[strange], POLICIES[policy])
    assert len(found.equity) == len(STRANGE[strange])
    for numbers in (found.equity, found.cash, found.net, found.invested, found.traded):
        assert np.isfinite(numbers).all()
    assert (found.equity > 0).all()
    assert (found.cash >= 0).all()
    figures = performance_of(found, trials=7)
    may_lack = {"won"} if not figures.trades else set()
    if not found.net.any() or len(found.net) < 3:
        may_lack.add("deflated_sharpe")
    lacks = {f.name for f in fields(figures) if math.isnan(getattr(figures, f.name))}
    assert lacks <= may_lack


def test_the_largest_capital_in_the_cheapest_market_is_still_counted() -> None:
    """A fill takes at most 2^62 lots; what was bought in several is more than 2^63."""
    managed = strategy_with(
        DecisionSpec(policy="VolatilityManaged"), capital="999999999999", **(WHOLE | UNLIMITED)
    )
    one = track(candles([1e-8, 2e-8, 1e-8, 3e-8] * 20, volume=1e21), managed)
    risk = np.where(np.arange(80) < 40, 0.1, 1.0)
    found = follow(
        {"A/B": one._replace(predictions=replace(one.predictions, risk_score=risk))}, managed
    )
    assert found.fills["lots"].max() == 1 << 62
    assert found.trades["lots"][0] > 2.0**63
    assert np.isfinite(found.equity).all()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_market_without_volume_leaves_the_capital_as_it_is(policy: str) -> None:
    found = account(STRANGE["no volume"], POLICIES[policy])
    assert len(found.fills) == 0
    assert set(found.equity) == {10_000.0}
    figures = performance_of(found)
    assert (figures.net_return, figures.turnover, figures.exposure, figures.fees) == (0, 0, 0, 0)


def test_who_holds_a_market_that_falls_to_nothing_has_next_to_nothing() -> None:
    found = account(STRANGE["a fall to nothing"], POLICIES["VolatilityManaged"])
    assert found.cash[-1] < found.equity[-1] < found.cash[-1] + 1e-6, "what lots did not fit into"
    assert performance_of(found).drawdown > 0.999
    assert performance_of(found).annual_return == pytest.approx(-1.0)


def test_records_are_what_was_filled_and_what_was_closed() -> None:
    """One entry at 100, held for five candles, sold at 110: all of it by hand."""
    free = DecisionSpec(fees_bps=10, slippage_bps=0)
    strategy = strategy_with(free, capital="1000", **(WHOLE | UNLIMITED))
    made = candles([100.0] * 6 + [110.0] * 4)
    market = Market.of(Decimal("0.01"), Decimal("0.1"), strategy.costs)
    one = track(made, strategy, market)
    only = Track(made, market, one.rows[:1], one.predictions.at(slice(1)), one.regimes[:1])
    found = follow({"A/B": only}, strategy)
    # The CVaR allows 0.01 / (1.37 * 0.02 - 0.01): 574.7 of 1000. A lot is 10, and its fee 0.01.
    lots = int(1000 * 0.01 / 0.0174 / 10.01)
    assert lots == 57
    entry, exit_ = found.fills.tolist()
    # Five candles from the first one after the decision: the sixth opens at 100, and is sold at.
    assert entry[:-1] == (0, INTERVAL_MS, Purpose.ENTRY, 57, 10_000, 57_000_000)
    assert exit_[:-1] == (0, 6 * INTERVAL_MS, Purpose.TIME, 57, 10_000, 57_000_000)
    assert (entry[-1], exit_[-1]) == pytest.approx((429.43, 998.86))
    assert found.traded.tolist() == [570.0, 570.0]
    assert found.cash.tolist() == pytest.approx([1000] + [429.43] * 5 + [998.86] * 4)
    assert found.equity.tolist() == pytest.approx([1000] + [999.43] * 5 + [998.86] * 4)
    (trade,) = found.trades
    assert trade["profit"] == pytest.approx(-1.14)
    assert (trade["paid"], trade["received"]) == pytest.approx((570.57, 569.43))
    assert (trade["opened_ms"], trade["closed_ms"]) == (INTERVAL_MS, 6 * INTERVAL_MS)
    figures = performance_of(found)
    assert figures.net_return == pytest.approx(-0.00114)
    assert figures.fees == pytest.approx(0.00114)
    assert (figures.trades, figures.won) == (1, 0.0)
    assert figures.drawdown == pytest.approx(0.00114)
    assert figures.exposure == pytest.approx(5 * (570 / 999.43) / 10)
    years = 10 * INTERVAL_MS / (365.25 * 86_400_000)
    assert figures.turnover == pytest.approx(1140 / np.mean(found.equity) / years)


def test_candles_before_the_first_prediction_are_part_of_the_account() -> None:
    strategy = POLICIES["Thresholds"]
    made = random_candles(50, interval_ms=INTERVAL_MS)
    one = track(made, strategy)
    late = Track(made, one.market, one.rows[20:], one.predictions.at(slice(20, None)), one.regimes)
    found = follow({"A/B": late._replace(regimes=one.regimes[20:])}, strategy)
    assert found.equity[:21].tolist() == [10_000.0] * 21
    assert found.fills["at_ms"][0] == made.open_time_ms[21]


@pytest.mark.parametrize("seed", range(30))
def test_an_account_has_the_rows_of_the_walk(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    market = random_market(seed)
    (found,) = market.followed()
    monkeypatch.setattr(accounts, "legs_of", partial(legs_of, part=17))
    followed = follow(market.tracks, market.strategy)
    assert np.array_equal(followed.close_ms, found.close_ms)
    assert np.array_equal(followed.equity, found.equity)
    assert np.array_equal(followed.cash, found.cash)
    names = followed.symbols
    assert [
        (names[symbol], at_ms, purpose, lots, ticks, fee)
        for symbol, at_ms, purpose, lots, ticks, fee, _ in followed.fills.tolist()
    ] == [(name, *fill[:-1], fill.fee // 10**10) for name, fill in found.fills]
    assert [(names[symbol], *trade) for symbol, *trade in followed.trades.tolist()] == [
        (name, *trade[:3], *(to_float(money) for money in trade[3:7]), *trade[7:])
        for name, trade in found.trades
    ]
    assert followed.trips == tuple(found.trips)
