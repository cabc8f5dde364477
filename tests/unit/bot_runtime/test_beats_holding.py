"""What beats holding: neither luck, nor staying out of a fall, nor riding a rise."""

import numpy as np
import pytest

from bot_runtime.arrays import Values
from bot_runtime.backtest.beats_holding import (
    UNKNOWN,
    Days,
    Skill,
    is_worth_setting,
    overfitting_of,
)
from bot_runtime.backtest.stretches import hold
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Track, follow
from bot_runtime.trading.markets import market_of
from tests.unit.bot_runtime.markets import random_candles, without
from tests.unit.bot_runtime.strategies import GOOD, strategy_with

DAYS = 700
NUMBERS = np.arange(20_000, 20_000 + DAYS)


def days_of(net: Values, held: Values) -> Days:
    return Days(NUMBERS[: len(net)], net, held)


def drawn(seed: int, mean: float = 0.0, deviation: float = 0.01) -> Values:
    return np.random.default_rng(seed).normal(mean, deviation, DAYS)


def test_who_earns_steadily_whatever_the_market_does_has_skill() -> None:
    skill = Skill.of(days_of(drawn(1, 0.004), drawn(2)), trials=100)
    assert skill.least > 0.99
    assert is_worth_setting(skill, overfitting=0.1)


@pytest.mark.parametrize("share", [0.01, 0.25, 1.0, 3.0])
def test_how_much_is_staked_changes_nothing(share: float) -> None:
    net, held = drawn(1, 0.002), drawn(2, 0.001)
    whole, part = (Skill.of(days_of(x * net, held), 10) for x in (1.0, share))
    assert (part.earns, part.beats) == pytest.approx((whole.earns, whole.beats))


def test_riding_a_rise_beats_nobody() -> None:
    held = drawn(3, 0.003)
    skill = Skill.of(days_of(0.25 * held + drawn(4, 0, 0.0001), held), trials=10)
    assert skill.earns > 0.99
    assert skill.beats < 0.5
    assert not is_worth_setting(skill, 0.0)


def test_staying_out_of_a_fall_earns_nothing() -> None:
    net = np.where(np.arange(DAYS) % 50 == 0, drawn(5), 0.0)
    skill = Skill.of(days_of(net, drawn(6, -0.004)), trials=10)
    assert skill.beats > 0.9
    assert skill.earns < 0.6
    assert not is_worth_setting(skill, 0.0)


def test_who_never_trades_has_no_skill_that_is_known() -> None:
    assert Skill.of(days_of(np.zeros(DAYS), drawn(7, -0.004)), 10) is UNKNOWN
    assert UNKNOWN.least == 0.0
    assert not is_worth_setting(UNKNOWN, 0.0)


def test_who_does_as_the_market_does_has_no_edge_that_is_known() -> None:
    held = drawn(8, 0.003)
    assert Skill.of(days_of(0.5 * held, held), 10).least == 0.0


def test_a_market_that_stands_still_is_no_number() -> None:
    skill = Skill.of(days_of(np.full(DAYS, -1e-4), np.zeros(DAYS)), 10)
    assert skill.least == 0.0


def test_the_best_of_many_by_luck_is_found_out() -> None:
    """Of fifty settings without skill the best one has to pass once in twenty at most."""
    passed = 0
    for seed in range(20):
        held = drawn(10_000 + seed)
        skills = [Skill.of(days_of(drawn(100 * seed + i), held), 50) for i in range(50)]
        passed += is_worth_setting(max(skills, key=lambda skill: skill.least), 0.0)
    assert passed <= 1


def test_overfitting_is_seen_on_the_days_that_all_settings_have() -> None:
    held = drawn(9)
    good, bad = drawn(1, 0.003), [drawn(seed, -0.001) for seed in (2, 3, 4)]
    tried = [days_of(net, held) for net in (good, *bad)]
    assert overfitting_of(tried) < 0.01
    later = Days(NUMBERS[300:], good[300:], held[300:])
    assert overfitting_of([later, *tried[1:]]) < 0.01
    apart = Days(NUMBERS + 10_000, good, held)
    assert np.isnan(overfitting_of([apart, *tried[1:]]))
    assert not is_worth_setting(Skill(1.0, 1.0), float("nan"))


def test_noise_is_no_better_than_a_draw() -> None:
    found = [
        overfitting_of([days_of(drawn(100 * seed + i), drawn(seed)) for i in range(12)])
        for seed in range(20)
    ]
    assert 0.3 < np.mean(found) < 0.7


def test_days_are_those_of_the_account() -> None:
    candles = without(random_candles(1500, interval_ms=3_600_000), *range(400, 460))
    strategy = strategy_with(interval_ms=3_600_000)
    rows = np.arange(len(candles) - 10)
    track = Track(
        candles,
        market_of(candles, strategy.costs),
        rows,
        Predictions.joined([Predictions.of(GOOD)] * len(rows)),
        np.zeros(len(rows), dtype=np.intp),
    )
    account = follow({"BTC/USDT": track}, strategy)
    held = hold(account, {"BTC/USDT": track}, strategy)
    days = Days.of(account, held)
    opened = np.unique(candles.open_time_ms // DAY_MS)
    assert days.day.tolist() == opened.tolist()
    assert account.capital * np.prod(1 + days.net) == pytest.approx(account.equity[-1])
    assert account.capital * np.prod(1 + days.held) == pytest.approx(held[-1])
    assert np.any(days.net)
