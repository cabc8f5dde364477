"""Settings that change between two runs: what that does to what is held, ordered and measured."""

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RuleName
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account_state import AccountState, BookState, LimitsState
from bot_runtime.trading.changed_settings import Adjustment, carried_over
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.exposure import Closes
from bot_runtime.trading.orders import Order, OrderState, Purpose
from bot_runtime.trading.positions import NEVER, NO_DUST, Dust, Fill, Position
from bot_runtime.trading.precision import Market, to_money
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg
from bot_runtime.trading.trips import FOREVER, Trip
from bot_runtime.trading.walk import Followed, Walk
from bot_runtime.trading.worked_orders import Worked
from tests.unit.bot_runtime.random_markets import RandomMarket, exact_rows, random_market
from tests.unit.bot_runtime.resumed import (
    closes_until,
    cut,
    markets_of,
    resumed,
    times_of,
    whole,
)
from tests.unit.bot_runtime.strategies import INTERVAL_MS, strategy_with

NOW_MS = 40 * INTERVAL_MS
UNIT = 10**18
HELD = Position(30 * INTERVAL_MS, 100, 200, 30, 10, 2, 90, 110, 50 * INTERVAL_MS, 0.25, 2)


def rules(policy: str = "Thresholds", **changes: Any) -> Strategy:
    decision = DecisionSpec.model_validate({"policy": policy, "feesBps": 100, "slippageBps": 100})
    return strategy_with(decision, **changes)


def market(strategy: Strategy, tick: str = "1", lot: str = "0.1") -> Market:
    return Market.of(Decimal(tick), Decimal(lot), strategy.costs)


def state(
    position: Position | None = HELD,
    order: Order | None = None,
    dust: Dust = NO_DUST,
    *,
    equity: int = 10_000,
    standing: tuple[Trip, ...] = (),
) -> AccountState:
    """Return an account of 10000 that holds A/B in ticks of 1 and lots of 0.1."""
    book = BookState(tick=Decimal(1), lot=Decimal("0.1"), position=position, order=order, dust=dust)
    limits = LimitsState(
        equity=equity * UNIT,
        now_ms=NOW_MS,
        day=10_000 * UNIT,
        week=10_000 * UNIT,
        peak=12_000 * UNIT,
        standing=standing,
    )
    capital = 10_000 * UNIT
    return AccountState(capital=capital, cash=9_000 * UNIT, limits=limits, books={"A/B": book})


def closes(price: float = 100.0) -> Mapping[str, Closes]:
    return {"A/B": Closes(np.array([NOW_MS - INTERVAL_MS]), np.array([price]))}


def nothing(strategy: Strategy) -> Leg:
    """Return the next candle of a symbol at 100, without a view."""
    candle = candles_at(NOW_MS)
    none = views_of(Predictions.none(), strategy, np.empty(0, np.intp), np.empty(0, np.int64))
    return Leg(candle, none, np.empty(0, np.intp))


def candles_at(open_ms: int) -> Candles:
    price = np.array([100.0])
    times = np.array([open_ms], dtype=np.int64)
    return Candles(INTERVAL_MS, times, price, price, price, price, np.array([1e6]))


def carried(before: AccountState, strategy: Strategy, now: Market | None = None) -> Any:
    return carried_over(before, strategy, {"A/B": now or market(strategy)}, closes())


@given(st.integers(0, 1 << 32), st.integers(1, 120))
def test_settings_that_have_not_changed_change_nothing(seed: int, candles: int) -> None:
    made = random_market(seed)
    times = times_of(made.tracks)
    last = times[min(candles, len(times)) - 1]
    walk = made.walk()
    walk.follow({name: cut(leg, 0, last + 1) for name, leg in whole(made).items()})
    before = walk.state
    newest = closes_until(made.tracks, last)
    found = carried_over(before, made.strategy, markets_of(made.tracks), newest)
    assert found.state == before
    assert [found.fills, found.trades, found.orders, found.adjusted] == [[]] * 4


# --- capital


def test_a_capital_that_changes_moves_cash_and_is_told() -> None:
    found = carried(state(), rules(capital="10500.5"))
    assert found.state.capital == 10_500 * UNIT + UNIT // 2
    assert found.state.cash == 9_500 * UNIT + UNIT // 2
    assert found.state.limits.equity == 10_500 * UNIT + UNIT // 2
    assert found.adjusted == [Adjustment(NOW_MS, "", Decimal("500.5"))]
    assert found.state.books == state().books, "what is held stays as it is"


@pytest.mark.parametrize("capital", ["1", "5000", "100000"])
def test_a_fall_stays_the_same_share_when_the_capital_changes(capital: str) -> None:
    before = state(equity=9_750)
    after = carried(before, rules(capital=capital)).state.limits
    if after.equity <= 0:
        assert capital == "1"
        return
    for name in ("day", "week", "peak"):
        share = Fraction(before.limits.equity, getattr(before.limits, name))
        assert abs(Fraction(after.equity, getattr(after, name)) / share - 1) < Fraction(1, UNIT)


@pytest.mark.parametrize("capital", ["300", "5000", "20000", "100"])
def test_neither_a_deposit_nor_a_withdrawal_trips_a_limit(capital: str) -> None:
    """Two percent were lost today, three may be; the capital moves far more than that.

    The last one leaves less than nothing.
    """
    strategy = rules(capital=capital)
    before = state(None, equity=9_800).model_copy(update={"cash": 9_800 * UNIT, "books": {}})
    before = before.model_copy(
        update={"limits": before.limits.model_copy(update={"peak": 10_000 * UNIT})}
    )
    walk = Walk.resumed(before, strategy, {"A/B": market(strategy)}, closes())
    walk._limits.mark(NOW_MS + 1, walk.state.cash)
    found = walk.follow({"A/B": nothing(strategy)})
    assert (found.trips, walk.state.limits.standing_at(NOW_MS)) == ([], ())
    assert found.adjusted[0].amount == Decimal(capital) - 10_000


def test_a_managed_position_follows_its_share_of_the_new_equity() -> None:
    order = Order(Purpose.INCREASE, 5, NOW_MS, 0.4, 0)
    managed = rules("VolatilityManaged", capital="20000")
    held = HELD._replace(stop=0, target=NEVER, until_ms=NEVER)
    book = carried(state(held, order), managed).state.books["A/B"]
    assert book.position == held._replace(share=0.0)
    assert book.order == order._replace(share=0.0)


# --- policy


def test_a_position_of_thresholds_follows_its_share_under_volatility_managed() -> None:
    order = Order(Purpose.ENTRY, 5, NOW_MS, 0.4, 0, 0.02, 0.05, 9 * INTERVAL_MS)
    found = carried(state(order=order), rules("VolatilityManaged")).state.books["A/B"]
    assert found.position == HELD._replace(stop=0, target=NEVER, until_ms=NEVER)
    assert found.order == Order(Purpose.ENTRY, 5, NOW_MS, 0.4, 0, math.inf, math.inf, 0)


def test_a_managed_position_gets_a_holding_time_under_thresholds() -> None:
    managed = HELD._replace(stop=0, target=NEVER, until_ms=NEVER)
    order = Order(Purpose.INCREASE, 5, NOW_MS, 0.4, 0)
    strategy = rules(max_holding_candles=7)
    found = carried(state(managed, order), strategy).state.books["A/B"]
    assert found.position == managed._replace(until_ms=NOW_MS + 7 * INTERVAL_MS)
    assert found.order == order._replace(holding_ms=7 * INTERVAL_MS)


@pytest.mark.parametrize("policy", ["Thresholds", "VolatilityManaged"])
def test_an_exit_that_was_ordered_goes_on_under_another_policy(policy: str) -> None:
    order = Order(Purpose.STOP, 100, NOW_MS, 0.0, 2)
    assert carried(state(order=order), rules(policy)).state.books["A/B"].order == order


def test_a_position_keeps_its_holding_time_when_that_of_new_ones_changes() -> None:
    found = carried(state(), rules(max_holding_candles=1)).state.books["A/B"]
    assert found.position == HELD


# --- symbols


def test_what_is_held_of_a_symbol_that_is_removed_is_sold_at_the_last_price() -> None:
    order = Order(Purpose.SIGNAL, 60, NOW_MS, 0.0, 2)
    strategy = rules()
    found = carried_over(state(order=order), strategy, {}, closes())
    # 100 lots of 0.1 at 100 less 1 %: 990, of which 1 % is a fee.
    fill = Fill(NOW_MS, Purpose.REMOVED, 100, 99, to_money(Decimal("9.9")))
    assert found.fills == [("A/B", fill)]
    assert found.state.cash == 9_000 * UNIT + to_money(Decimal("980.1"))
    assert found.state.books == {}
    ((name, trade),) = found.trades
    assert (name, trade.purpose, trade.closed_ms, trade.lots) == (
        "A/B",
        Purpose.REMOVED,
        NOW_MS,
        200,
    )
    assert trade.profit == HELD.received + to_money(Decimal("980.1")) - HELD.paid
    sale = Order(Purpose.REMOVED, 100, NOW_MS, 0.0, 2)
    opened = HELD.opened_ms
    assert found.orders == [
        Worked("A/B", NOW_MS, opened, order, None, 60, OrderState.CANCELLED),
        Worked("A/B", NOW_MS, opened, sale, fill, 0, OrderState.FILLED),
    ]
    assert found.adjusted == []


def test_an_entry_of_a_symbol_that_is_removed_is_cancelled() -> None:
    order = Order(Purpose.ENTRY, 5, NOW_MS, 0.4, 0)
    found = carried_over(state(None, order), rules(), {}, closes())
    assert [(each.opened_ms, each.state) for each in found.orders] == [
        (NOW_MS, OrderState.CANCELLED)
    ]
    assert (found.fills, found.trades, found.state.books) == ([], [], {})


def test_dust_of_a_symbol_that_is_removed_is_sold_as_a_trade_of_its_own() -> None:
    found = carried_over(state(None, dust=Dust(3, 7)), rules(), {}, closes())
    assert len(found.fills) == 1
    ((_, fill),) = found.fills
    ((_, trade),) = found.trades
    assert (fill.lots, trade.lots, trade.opened_ms, trade.closed_ms) == (3, 3, NOW_MS, NOW_MS)
    assert trade.profit == found.state.cash - 9_000 * UNIT - 7


def test_what_brings_less_than_its_fee_is_lost_and_told() -> None:
    tiny = replace(rules(), decision=DecisionSpec.model_validate({"feesBps": 1000}))
    before = state(None, dust=Dust(1, 7))
    cheap = before.books["A/B"].model_copy(update={"tick": Decimal("1e-9"), "lot": Decimal("1e-9")})
    before = before.model_copy(update={"books": {"A/B": cheap}})
    found = carried_over(before, tiny, {}, closes(1e-9))
    ((_, trade),) = found.trades
    assert (found.fills, trade.profit, found.state.cash) == ([], -7, before.cash)
    assert found.adjusted == [Adjustment(NOW_MS, "A/B", Decimal("-1e-9"))]


def test_a_sale_of_what_was_removed_comes_first_and_counts_for_the_equity_alone() -> None:
    strategy = rules(loss_streak={"trades": 1}, stop_cooldown_candles=5)
    before = state(HELD._replace(paid=5_000 * UNIT), equity=10_000)
    walk = Walk.resumed(before, strategy, {"C/D": market(strategy)}, closes())
    found = walk.follow({"C/D": nothing(strategy)})
    assert [name for name, _ in found.fills] == ["A/B"]
    assert found.trades[0][1].profit < 0
    assert [trip.limit for trip in found.trips] == ["Drawdown"], "its loss begins no row"
    assert walk.state.limits.equity == walk.state.cash
    assert found.orders, "also where nobody asks"
    assert walk.follow({"C/D": nothing(strategy)}).fills == [], "it is told once"


def test_a_symbol_that_is_added_begins_with_nothing() -> None:
    strategy = rules()
    markets = {"A/B": market(strategy), "C/D": market(strategy)}
    found = carried_over(state(), strategy, markets, closes())
    assert found.state == state()
    walk = Walk.resumed(state(), strategy, markets, closes())
    assert list(walk.state.books) == ["A/B"]


# --- steps


def test_a_finer_step_keeps_everything() -> None:
    order = Order(Purpose.SIGNAL, 100, NOW_MS, 0.0, 2)
    strategy = rules()
    found = carried(state(order=order), strategy, market(strategy, "0.5", "0.01"))
    assert found.adjusted == []
    book = found.state.books["A/B"]
    assert (book.tick, book.lot) == (Decimal("0.5"), Decimal("0.01"))
    assert book.position == HELD._replace(lots=1000, bought=2000, stop=180, target=220)
    assert book.order == order._replace(lots=1000)


def test_a_coarser_step_cuts_lots_and_rounds_prices_against_the_account() -> None:
    order = Order(Purpose.SIGNAL, 100, NOW_MS, 0.0, 2)
    strategy = rules()
    found = carried(state(order=order), strategy, market(strategy, "20", "0.3"))
    # 10.0 become 33 lots of 0.3; the stop of 90 becomes 80, the target of 110 becomes 120.
    book = found.state.books["A/B"]
    assert book.position == HELD._replace(lots=33, bought=66, stop=4, target=6)
    assert book.order == order._replace(lots=33)
    assert found.adjusted == [Adjustment(NOW_MS, "A/B", Decimal("-0.1"))]
    assert found.state.cash == state().cash, "money stays exact"


def test_a_position_without_stop_and_target_gets_none_by_another_tick() -> None:
    strategy = rules()
    bare = HELD._replace(stop=0, target=NEVER)
    book = carried(state(bare), strategy, market(strategy, "20")).state.books["A/B"]
    assert book.position == bare
    low = carried(state(HELD._replace(stop=1)), strategy, market(strategy, "20")).state.books["A/B"]
    assert low.position is not None
    assert low.position.stop == 1, "a stop that was set stays one"


def test_what_is_left_with_no_lot_has_ended() -> None:
    strategy = rules()
    order = Order(Purpose.SIGNAL, 100, NOW_MS, 0.0, 2)
    found = carried(state(order=order), strategy, market(strategy, lot="11"))
    assert found.state.books["A/B"].book == (None, None, NO_DUST)
    ((_, trade),) = found.trades
    assert (trade.profit, trade.purpose) == (HELD.received - HELD.paid, Purpose.REMOVED)
    assert found.adjusted == [Adjustment(NOW_MS, "A/B", Decimal(-10))]


def test_dust_and_an_entry_keep_what_fits() -> None:
    strategy = rules()
    order = Order(Purpose.ENTRY, 35, NOW_MS, 0.4, 0, holding_ms=INTERVAL_MS)
    found = carried(state(None, order, Dust(7, 9)), strategy, market(strategy, lot="0.2"))
    assert found.state.books["A/B"].book == (None, order._replace(lots=17), Dust(3, 9))
    assert found.adjusted == [Adjustment(NOW_MS, "A/B", Decimal("-0.1"))]
    found = carried(state(None, order, Dust(7, 9)), strategy, market(strategy, lot="1"))
    assert found.state.books["A/B"].book == (None, order._replace(lots=3), NO_DUST)
    assert found.trades[0][1].profit == -9


# --- risk and resumeAfter: test_limits.py has what the limits do


def test_new_caps_judge_from_the_next_mark_on() -> None:
    strategy = rules(daily_loss_cap=0.01, weekly_loss_cap=0.02)
    before = state(None, equity=9_850).model_copy(update={"cash": 9_850 * UNIT, "books": {}})
    walk = Walk.resumed(before, strategy, {"A/B": market(strategy)}, closes())
    assert walk.state.limits.standing_at(NOW_MS) == ()
    walk._limits.mark(NOW_MS + 1, 9_850 * UNIT)
    assert [trip.limit for trip in walk.state.limits.standing_at(NOW_MS + 1)] == [
        RuleName.DAILY_LOSS,
        RuleName.DRAWDOWN,
    ]


def test_resume_after_that_is_set_between_two_runs_is_told_as_a_reset() -> None:
    trip = Trip(NOW_MS - INTERVAL_MS, RuleName.DRAWDOWN, 0.2, 0.15, FOREVER)
    strategy = rules(resume_after="1970-01-01T03:19:00Z")
    before = state(None, standing=(trip,)).model_copy(update={"books": {}, "cash": 10_000 * UNIT})
    walk = Walk.resumed(before, strategy, {"A/B": market(strategy)}, closes())
    assert walk.state.limits.standing_at(NOW_MS) == ()
    found = walk.follow({"A/B": nothing(strategy)})
    assert found.resets == [trip._replace(resets_ms=NOW_MS - INTERVAL_MS // 5)]
    assert walk.state.limits.standing == ()


# --- any change, on any market


@given(st.integers(0, 1 << 32), st.integers(0, 1 << 32), st.integers(1, 100))
def test_an_account_goes_on_under_the_settings_of_another(
    seed: int, other_seed: int, candles: int
) -> None:
    """Policy, risk, costs, capital and horizon change at once; money adds up to the last digit."""
    made, other = random_market(seed), random_market(other_seed)
    times = times_of(made.tracks)
    last = times[min(candles, len(times)) - 1]
    legs = whole(made)
    walk = made.walk()
    found = [walk.follow({name: cut(leg, 0, last + 1) for name, leg in legs.items()})]
    changed = RandomMarket(other.strategy, made.tracks)
    going = resumed(walk, made, last, other.strategy)
    part = {name: cut(leg, last + 1, 1 << 60) for name, leg in whole(changed).items()}
    found.append(going.follow(part, is_told=True))
    given_money = sum((each.amount for each in found[1].adjusted), Decimal(0))
    capital = Decimal(made.strategy.settings.capital)
    assert given_money == Decimal(other.strategy.settings.capital) - capital
    for row, equity in zip(exact_rows(made, found), equities(found), strict=True):
        moved = given_money if row.close_ms > last + made.strategy.interval_ms else Decimal(0)
        assert float(row.equity + moved) == pytest.approx(equity, rel=1e-12, abs=1e-9)
    for book in going.state.books.values():
        position = book.position
        if position is not None:
            assert (position.until_ms == NEVER) == other.strategy.is_managed


def equities(found: list[Followed]) -> list[float]:
    return [each for part in found for each in part.equity.tolist()]
