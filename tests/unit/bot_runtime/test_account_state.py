"""An account that goes on from its state, through JSON: the rows are those of one piece."""

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot_runtime.contract.trading import RuleName
from bot_runtime.trading.account_state import AccountState, BookState, LimitsState
from bot_runtime.trading.exposure import RETURNS, Closes
from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import NEVER, Dust, Position
from bot_runtime.trading.trips import FOREVER, Trip
from tests.unit.bot_runtime.random_markets import random_market
from tests.unit.bot_runtime.resumed import closes_until, in_steps, read, resumed, times_of, whole
from tests.unit.bot_runtime.test_walk import everything

seeds = st.integers(0, 1 << 32)
wholes = st.integers(-(1 << 90), 1 << 90)
shares = st.floats(allow_nan=False, allow_infinity=False)
times = st.one_of(st.integers(0, 1 << 50), st.just(NEVER))
distances = st.one_of(shares, st.just(math.inf))
BRANCHES = range(40)


def test_an_account_that_is_resumed_at_every_candle_has_the_rows_of_one_piece() -> None:
    for seed in BRANCHES:
        market = random_market(seed)
        going = market.walk()
        expected = everything([going.follow(whole(market))])
        found, walk = in_steps(market, times_of(market.tracks)[1:], is_told=seed % 2 == 0)
        assert everything(found) == expected, f"seed {seed}"
        # When an idle account was last marked differs; nothing depends on it.
        one, other = walk.state, going.state
        assert (one.cash, one.books) == (other.cash, other.books)
        assert one.limits.standing == other.limits.standing


@settings(max_examples=40)
@given(seeds, st.data())
def test_an_account_that_is_resumed_anywhere_has_the_rows_of_one_piece(
    seed: int, data: st.DataObject
) -> None:
    market = random_market(seed)
    ends = data.draw(st.lists(st.sampled_from(times_of(market.tracks)), max_size=6, unique=True))
    found, _ = in_steps(market, sorted(ends))
    assert everything(found) == everything(market.followed())


def test_closes_of_before_are_all_that_correlations_remember() -> None:
    """More of them than a state needs change nothing; their number is RETURNS + 1 at most."""
    market = random_market(3)
    last = times_of(market.tracks)[-1]
    assert (
        max(len(one.time_ms) for one in closes_until(market.tracks, last).values()) <= RETURNS + 1
    )
    walk = market.walk()
    walk.follow(whole(market))
    again = resumed(walk, market, last)
    for one, other in zip(walk._symbols, again._symbols, strict=True):
        assert isinstance(other._history, Closes)
        assert one._history.close[-RETURNS - 1 :].tolist() == other._history.close.tolist()


# --- what is written


@given(
    position=st.none()
    | st.builds(
        Position, times, wholes, wholes, wholes, wholes, wholes, wholes, times, times, shares,
        st.integers(-1, 3),
    ),
    order=st.none()
    | st.builds(
        Order, st.sampled_from(Purpose), wholes, times, shares, st.integers(-1, 3), distances,
        distances, wholes,
    ),
    dust=st.builds(Dust, wholes, wholes),
    trip=st.builds(
        Trip, st.integers(0, 1 << 50), st.sampled_from(RuleName), shares, shares,
        times, st.sampled_from(["", "A/B"]),
    ),
    money=wholes,
)  # fmt: skip
def test_every_number_survives(
    position: Position | None, order: Order | None, dust: Dust, trip: Trip, money: int
) -> None:
    tick, lot = Decimal("1e-8"), Decimal("0.10")
    held = BookState(tick=tick, lot=lot, position=position, order=order, dust=dust)
    state = AccountState(
        capital=money,
        cash=-money,
        limits=LimitsState(
            equity=money, now_ms=1, day=money, week=2, peak=3, streak=4, standing=(trip,)
        ),
        books={"A/B": held},
    )
    again = read(state)
    assert again == state
    found = again.books["A/B"].book
    assert found == (position, order, dust)
    for row, kind in zip(found, (Position, Order, Dust), strict=True):
        assert row is None or type(row) is kind
    assert type(again.limits.standing[0]) is Trip
    assert again.limits.standing[0].limit is trip.limit


def test_what_never_comes_and_what_is_idle_is_left_out() -> None:
    market = random_market(0)
    assert market.walk().state.to_json() == {
        "capital": 10**22,
        "cash": 10**22,
        "limits": {
            "equity": 10**22, "now_ms": 1_704_412_800_000,
            "day": 10**22, "week": 10**22, "peak": 10**22,
        },
    }  # fmt: skip
    order = Order(Purpose.ENTRY, 1, 2, 0.5, 0)
    position = Position(1, 2, 3, 4, 5, 6, 0, NEVER, NEVER, 0.5, 1)
    one = Decimal(1)
    book = BookState(tick=one, lot=one, position=position, order=order).model_dump(mode="json")
    assert {"target", "until_ms"}.isdisjoint(book["position"])
    assert {"stop", "target"}.isdisjoint(book["order"])
    trip = Trip(1, RuleName.DRAWDOWN, 0.2, 0.1, FOREVER)
    limits = LimitsState(equity=1, now_ms=2, day=3, week=4, peak=5, standing=(trip,))
    assert "resets_ms" not in limits.model_dump(mode="json")["standing"][0]


def test_the_state_of_an_idle_account_does_not_change() -> None:
    market = random_market(1)
    walk, legs = market.walk(), whole(market)
    found = walk.follow(legs)
    assert walk.state.books == {}, "nothing is held at the end of this one"
    assert found.fills
    before = walk.state.to_json()
    none = {name: leg._replace(rows=leg.rows[:0]) for name, leg in legs.items()}
    walk.follow(none)
    assert walk.state.to_json() == before


@pytest.mark.parametrize("change", [{"later": 1}, {"cash": "much"}, {"limits": {}}, {"cash": None}])
def test_what_is_no_state_is_refused_by_name(change: dict[str, Any]) -> None:
    data = random_market(0).walk().state.to_json() | change
    with pytest.raises(ValidationError, match=next(iter(change))):
        AccountState.of_json(json.loads(json.dumps(data)))
