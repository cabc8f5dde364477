"""The walk: it agrees with a plain account on random markets, in one piece, in parts, unhurried."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot_runtime.contract.trading import RuleName
from bot_runtime.market.candles import Candles
from bot_runtime.trading import walk
from bot_runtime.trading.account import legs_of
from bot_runtime.trading.actions import plan_trade
from bot_runtime.trading.fills import MAX_VOLUME_SHARE
from bot_runtime.trading.orders import Purpose
from bot_runtime.trading.precision import to_float, to_money
from bot_runtime.trading.rule_results import binding
from bot_runtime.trading.symbol import Symbol
from bot_runtime.trading.walk import Followed
from tests.unit.bot_runtime.random_markets import (
    BEGIN_MS,
    RandomMarket,
    exact_rows,
    random_market,
    reference_of,
    told,
)
from tests.unit.bot_runtime.resumed import cut, times_of, whole

SEEDS = range(200)
seeds = st.integers(0, 1 << 32)
FEW = settings(max_examples=40)


def test_the_walk_agrees_with_the_reference_on_markets_that_take_every_branch() -> None:
    fills: Counter[str] = Counter()
    trips: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        market = random_market(seed)
        found = market.followed()
        expected, ours = reference_of(market).run(), told(market, found)
        assert ours.fills == expected.fills, f"fills of seed {seed}"
        assert ours.trades == expected.trades, f"trades of seed {seed}"
        assert ours.trips == expected.trips, f"trips of seed {seed}"
        assert ours.rows == expected.rows, f"equity and cash of seed {seed}"
        assert [row[1:] for row in rows(found)] == [
            (float(row.equity), float(row.cash)) for row in expected.rows
        ], f"equity and cash of seed {seed}, in the quote asset"
        fills.update(fill.purpose for fill in expected.fills)
        trips.update(trip.limit for trip in expected.trips)
        seen.update(expected.seen)
    assert set(fills) == {"ENTRY", "INCREASE", "DECREASE", "SIGNAL", "TIME", "STOP", "TARGET"}
    assert min(fills.values()) >= 100, fills
    assert set(trips) == {"DailyLoss", "WeeklyLoss", "Drawdown", "LossStreak", "StopCooldown"}
    assert min(trips.values()) >= 25, trips
    assert {name: count for name, count in seen.items() if count < 5} == {}
    assert set(seen) >= {
        "buy cut by cash",
        "buy cut by volume",
        "buy expired in a gap",
        "buy not filled",
        "cut by exposure",
        "cut to the cash",
        "decrease too small to go on",
        "dust",
        "dust joined",
        "entry was dust",
        "gap through a stop",
        "stop and target in one candle",
        "stop in the entry's candle",
        *(f"{each} in parts" for each in ("SIGNAL", "TIME", "STOP", "TARGET", "DECREASE")),
        *(f"refused by {each}" for each in ("growth", "limits", "exposure", "order", "stop")),
    }


def rows(found: list[Followed]) -> list[tuple[int, float, float]]:
    return [
        row
        for part in found
        for row in zip(
            part.close_ms.tolist(), part.equity.tolist(), part.cash.tolist(), strict=True
        )
    ]


def everything(found: list[Followed]) -> list[Any]:
    """Return what came of parts as one list, whatever the parts were."""
    lists = ([*part.fills, *part.trades] for part in found)
    return [
        rows(found),
        sorted((each for one in lists for each in one), key=repr),
        [trip for part in found for trip in part.trips],
        [trip for part in found for trip in part.resets],
    ]


@FEW
@given(seeds, st.integers(1, 40))
def test_small_parts_give_the_rows_of_one_piece(seed: int, part: int) -> None:
    market = random_market(seed)
    assert everything(market.followed(part)) == everything(market.followed())


@FEW
@given(seeds, st.lists(st.integers(0, 180), max_size=5))
def test_a_walk_that_stops_after_any_candle_goes_on_as_if_it_had_not(
    seed: int, cuts: list[int]
) -> None:
    market = random_market(seed)
    (legs,) = legs_of(market.tracks, market.strategy, 100_000)
    ends = sorted({BEGIN_MS + each * market.strategy.interval_ms for each in cuts} | {1 << 60})
    going, begin = market.walk(), 0
    found = []
    for end in ends:
        found.append(going.follow({name: cut(leg, begin, end) for name, leg in legs.items()}))
        begin = end
    assert everything(found) == everything(market.followed())


def test_a_plan_at_every_candle_orders_what_the_walk_ordered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def next_candle(symbol: Symbol, place: int, free_ms: int) -> None:
        symbol.row = symbol._rows[place]
        symbol.next = symbol._places[symbol.row]

    def is_free(symbol: Symbol) -> bool:
        return symbol.book.order is None

    planned = 0

    def counted(*seen: Any) -> Any:
        nonlocal planned
        planned += 1
        return plan_trade(*seen)

    for seed in range(40):
        market = random_market(seed)
        hurried = market.followed()
        with monkeypatch.context() as patch:
            patch.setattr(Symbol, "look", next_candle)
            patch.setattr(Symbol, "is_asked", property(is_free))
            patch.setattr(walk, "plan_trade", counted)
            going = market.walk()
            (legs,) = legs_of(market.tracks, market.strategy, 100_000)
            assert everything([going.follow(legs)]) == everything(hurried)
    assert planned > 4000, "it is planned at candles at which nothing can be asked for, too"


def test_whoever_is_told_sees_every_entry_that_is_wanted_and_gets_the_same_rows() -> None:
    refused: Counter[str] = Counter()
    for seed in range(40):
        market = random_market(seed)
        walk, legs, found = market.walk(), whole(market), []
        for open_ms in times_of(market.tracks):
            idle = set(legs) - set(walk.state.books)
            part = {name: cut(leg, open_ms, open_ms + 1) for name, leg in legs.items()}
            found.append(walk.follow(part, is_told=True))
            wanted = {name for name, leg in part.items() if np.any(leg.views.side > 0)}
            asked = {plan.symbol for plan in found[-1].plans}
            assert idle & wanted == idle & asked
        assert everything(found) == everything(market.followed())
        for plan in (plan for part in found for plan in part.plans):
            buys = plan.action.purpose in (Purpose.ENTRY, Purpose.INCREASE)
            rules = [rule.rule for rule in plan.action.rules]
            assert not buys or RuleName.DAILY_LOSS in rules, "limits are told where they pass, too"
            refusal = binding(plan.action.rules)
            refused["none" if refusal is None else str(refusal.rule)] += 1
    assert {"DailyLoss", "WeeklyLoss", "Drawdown", "LossStreak", "StopCooldown"} <= set(refused)


# --- what holds of every account


@FEW
@given(seeds)
def test_cash_is_never_negative_and_equity_is_always_above_nothing(seed: int) -> None:
    market = random_market(seed)
    for row in exact_rows(market, market.followed()):
        assert row.cash >= 0
        assert row.equity > 0


@FEW
@given(seeds, st.integers(1, 150))
def test_equity_is_the_capital_profits_and_what_is_not_yet_realised(
    seed: int, candles: int
) -> None:
    """In whole units of money, after any number of candles."""
    market = random_market(seed)
    going = market.walk()
    found = going.follow(next(legs_of(market.tracks, market.strategy, candles)))
    open_ended = 0
    for symbol in going._symbols:
        position, _, dust = symbol.book
        if position is not None:
            assert not dust.lots, "it has joined the position"
            open_ended += symbol.worth * symbol.closes[-1] - (position.paid - position.received)
        else:
            open_ended += symbol.worth * symbol.closes[-1] - dust.cost
    capital = to_money(Decimal(market.strategy.settings.capital))
    equity = capital + sum(trade.profit for _, trade in found.trades) + open_ended
    assert found.equity[-1] == to_float(equity)
    assert going._limits.equity in (equity, capital), "the limits judge the same equity"


@FEW
@given(seeds)
def test_fills_keep_to_the_volume_and_to_what_is_held(seed: int) -> None:
    market = random_market(seed)
    (found,) = market.followed()
    taken: Counter[tuple[str, int]] = Counter()
    held: Counter[str] = Counter()
    for name, fill in found.fills:
        taken[name, fill.at_ms] += fill.lots
        held[name] += fill.lots if fill.purpose.is_buy else -fill.lots
        assert fill.lots > 0
        assert held[name] >= 0, "no more is sold than there is"
        assert fill.fee == market.tracks[name].market.costs.fee_of(
            market.tracks[name].market.notional(fill.lots, fill.ticks)
        )
    for (name, at_ms), lots in taken.items():
        track = market.tracks[name]
        volume = volume_at(track.candles, at_ms)
        assert lots * float(track.market.lot) <= MAX_VOLUME_SHARE * volume * (1 + 1e-9)


def volume_at(candles: Candles, at_ms: int) -> float:
    return float(candles.volume[np.searchsorted(candles.open_time_ms, at_ms)])


@FEW
@given(seeds)
def test_nothing_is_bought_while_a_limit_stands(seed: int) -> None:
    market = random_market(seed)
    (found,) = market.followed()
    bought = [(name, fill.at_ms) for name, fill in found.fills if fill.purpose.is_buy]
    resume = market.strategy.risk.resume_after
    for trip in found.trips:
        if trip.limit == "StopCooldown" or (trip.limit == "Drawdown" and resume):
            continue  # of one symbol; of which a later trip forgives
        standing = [at for _, at in bought if trip.at_ms <= at < trip.resets_ms]
        assert standing == [], trip


@FEW
@given(seeds)
def test_positions_stay_within_their_shares(seed: int) -> None:
    """No purchase is of more than maxPosition of the equity, at the price it was planned with."""
    market = random_market(seed)
    (found,) = market.followed()
    before = {row.close_ms: row.equity for row in exact_rows(market, [found])}
    for name, fill in found.fills:
        if fill.purpose.is_buy:
            one = market.tracks[name].market
            price = one.costs.bought_at(price_at(market, name, fill.at_ms))
            planned = one.notional(fill.lots, price)
            most = to_money(before[fill.at_ms]) * Fraction(market.strategy.risk.max_position)
            assert planned <= most


def price_at(market: RandomMarket, name: str, close_ms: int) -> int:
    track = market.tracks[name]
    row = int(np.searchsorted(track.candles.close_time_ms, close_ms))
    return int(track.market.ticks(track.candles.close[row : row + 1])[0])
