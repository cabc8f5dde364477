"""Skill while serving: each row once, a month at most, and lost only where many days say so."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot_runtime.contract.intervals import DAY_MS, HOUR_MS
from bot_runtime.contract.skillstatus import LEAST_BLOCKS, LiveSkill
from bot_runtime.market.candles import utc
from bot_runtime.serving.live_skill import (
    BLOCKS_MAX,
    LOST_AT,
    JudgedLead,
    Scored,
    SkillReference,
    SkillState,
    block_ms_of,
    excess_of,
    fold,
    judge_skill,
    remember,
)

SYMBOL = "BTC/USDT"
ROWS = 24
"""Of a day: candles of an hour."""
TELLING = JudgedLead(mean=0.01, deviation=0.01)
SILENT = JudgedLead(mean=0.01, deviation=0.1)


def reference(*judged: JudgedLead, block_ms: int = DAY_MS) -> SkillReference:
    return SkillReference(
        block_ms=block_ms,
        block_rows=ROWS * block_ms // DAY_MS,
        judged=judged or (TELLING, TELLING, TELLING),
    )


def scored(first: int, worse: np.ndarray) -> Scored:
    """Return hours from number `first` on: the naive losses are 1, the own `worse` (n, 3) more."""
    close_ms = (np.arange(len(worse), dtype=np.int64) + first) * HOUR_MS
    until_ms = int(close_ms[-1]) if len(worse) else first * HOUR_MS
    return Scored(until_ms, close_ms, 1.0 + worse, np.ones((len(worse), 3)))


def after_days(worse: np.ndarray, of: SkillReference | None = None) -> LiveSkill:
    """Return the skill after whole days, of each of which `worse` (days, 3) is the mean."""
    by_hour = np.repeat(worse, ROWS, axis=0)
    by_hour = np.concatenate([by_hour, by_hour[-1:]])  # the day after has begun
    held = of or reference()
    return judge_skill(fold(SkillState(version="v"), SYMBOL, scored(0, by_hour), held), held)


def draws(days: int, mean: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.01, (days, 3))


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_however_runs_fall_each_row_counts_once(lengths: list[int], again: list[bool]) -> None:
    held, rows = reference(), np.random.default_rng(3).normal(0, 1, (720, 3))
    end = sum(lengths)
    whole = fold(SkillState(version="v").begun(SYMBOL, -1), SYMBOL, scored(0, rows[:end]), held)
    state, done = SkillState(version="v").begun(SYMBOL, -1), 0
    for length, twice in zip(lengths, again, strict=False):
        first = 0 if twice else done  # a run sees more than what it has not scored yet
        done += length
        if done > first:
            state = fold(state, SYMBOL, scored(first, rows[first:done]), held)
    assert [block.rows for block in state.blocks] == [block.rows for block in whole.blocks]
    found, wanted = ([b.own for b in s.blocks] for s in (state, whole))
    assert np.allclose(np.array(found), np.array(wanted), rtol=1e-12)


def test_symbols_share_blocks_and_each_has_its_own_end() -> None:
    held, rows = reference(), np.zeros((10, 3))
    state = fold(SkillState(version="v"), "A/USDT", scored(0, rows), held)
    state = fold(state, "B/USDT", scored(4, rows), held)
    assert [block.rows for block in state.blocks] == [20]
    assert state.scored_ms == {"A/USDT": 9 * HOUR_MS, "B/USDT": 13 * HOUR_MS}


def test_a_row_that_was_passed_without_a_score_never_gets_one() -> None:
    held = reference()
    passed = fold(SkillState(version="v"), SYMBOL, scored(50, np.zeros((0, 3))), held)
    assert passed.scored_ms == {SYMBOL: 50 * HOUR_MS}
    assert fold(passed, SYMBOL, scored(0, np.zeros((51, 3))), held) == passed


def test_no_more_than_a_month_is_kept_whatever_comes() -> None:
    held, state = reference(), SkillState(version="v")
    for day in range(100):
        state = fold(state, SYMBOL, scored(day * ROWS, np.zeros((ROWS, 3))), held)
    assert len(state.blocks) == BLOCKS_MAX
    assert len(SkillState.model_validate(state.to_json()).blocks) == BLOCKS_MAX
    later = fold(state, SYMBOL, scored(500 * ROWS, np.zeros((1, 3))), held)
    assert len(later.blocks) == 1  # the bot stood still for a year


def test_a_month_of_the_smallest_candles_fits_its_state() -> None:
    held, state = reference(), SkillState(version="v")
    for day in range(40):
        state = fold(state, SYMBOL, scored(day * ROWS, draws(ROWS, 1.23456789)), held)
    assert len(str(state.to_json())) < 10_000


@pytest.mark.parametrize(
    ("horizon_ms", "days"),
    [(300_000, 1), (23 * HOUR_MS, 1), (DAY_MS, 2), (5 * DAY_MS, 6)],
)
def test_a_block_is_longer_than_the_horizon(horizon_ms: int, days: int) -> None:
    assert block_ms_of(horizon_ms) == days * DAY_MS


def test_nothing_is_told_of_fewer_than_eight_whole_days() -> None:
    assert after_days(draws(LEAST_BLOCKS - 1, 0.1)) == LiveSkill(blocks=LEAST_BLOCKS - 1)
    assert after_days(draws(LEAST_BLOCKS, 0.1)).log_loss is not None


def test_a_day_with_half_of_its_candles_missing_is_left_out() -> None:
    held, state = reference(), SkillState(version="v")
    for day in range(12):
        hours = 11 if day % 3 == 0 else 12
        state = fold(state, SYMBOL, scored(day * ROWS, draws(hours, 0.0)), held)
    assert judge_skill(state, held).blocks == 7  # 8 of twelve hours, the newest of them under way


def test_the_lead_and_its_error_are_those_of_the_days() -> None:
    worse = draws(30, -0.05)
    found = after_days(worse)
    assert found.blocks == 30
    assert found.lost is None
    for i, loss in enumerate((found.log_loss, found.pinball, found.qlike)):
        assert loss is not None
        assert float(loss.lead) == pytest.approx(-100 * worse[:, i].mean(), rel=5e-3)
        error = 100 * worse[:, i].std(ddof=1) / math.sqrt(30)
        assert float(loss.error) == pytest.approx(error, rel=5e-2)
        assert loss.watched


def test_what_is_worse_than_naive_day_after_day_is_lost_and_named() -> None:
    worse = draws(30, -0.01)
    worse[:, 1] = draws(30, 0.01)[:, 1]
    found = after_days(worse)
    assert found.lost is not None
    assert found.lost.startswith("pinball ")
    assert "above past quantiles" in found.lost
    assert after_days(worse[: LEAST_BLOCKS + 2]).lost is None  # so few days prove nothing


def test_a_version_no_better_than_naive_is_told_and_not_lost() -> None:
    assert all(after_days(draws(30, 0.0, seed)).lost is None for seed in range(20))


def test_a_loss_without_the_power_to_tell_raises_no_alarm() -> None:
    found = after_days(draws(30, 0.02), reference(SILENT, SILENT, SILENT))
    assert found.lost is None
    assert found.pinball is not None
    assert not found.pinball.watched
    assert float(found.pinball.lead) < 0
    found = after_days(draws(30, 0.02), reference(SILENT, TELLING, SILENT))
    assert found.lost is not None
    assert found.lost.startswith("pinball")


def test_no_loss_is_watched_where_a_month_has_too_few_blocks() -> None:
    assert not reference(block_ms=6 * DAY_MS).watches(0)
    assert reference(block_ms=DAY_MS).watches(0)


def test_a_loss_that_was_never_ahead_is_not_watched() -> None:
    never = reference(JudgedLead(mean=0, deviation=0), JudgedLead(mean=-1, deviation=0.1), TELLING)
    assert [never.watches(i) for i in range(3)] == [False, False, True]


@example([8e-160], 0)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(0, 29))
def test_one_wild_day_lifts_an_excess_by_no_more_than_one(days: list[float], place: int) -> None:
    differences = np.array(days)[:, None]
    calm = np.delete(differences, place % len(days), axis=0)
    before = float(excess_of(calm)[0]) if len(calm) else 0.0
    after = float(excess_of(differences)[0])
    assert after <= max(before, 0.0) + 1.0 + 1e-9
    assert abs(after) <= math.sqrt(len(days)) + 1e-9


def test_a_market_in_which_nothing_differs_has_no_excess() -> None:
    found = after_days(np.zeros((30, 3)))
    assert found.lost is None
    assert found.qlike is not None
    assert found.qlike.lead == "0"


def test_lost_fits_its_field_whatever_the_numbers() -> None:
    for scale in (1e-12, 1.0, 1e9):
        found = after_days(draws(30, 0.05) * scale)
        assert found.lost is not None
        assert f"limit {LOST_AT:g}" in found.lost


def test_lost_skill_is_lost_since_the_block_that_showed_it_until_it_is_back() -> None:
    held, state, since = reference(), SkillState(version="v"), []
    for day, mean in enumerate([0.01] * 25 + [-0.01] * 20):
        worse = np.repeat(draws(1, mean, seed=day), ROWS, axis=0)
        state = fold(state, SYMBOL, scored(day * ROWS, worse), held)
        told = judge_skill(state, held)
        assert (told.lost is None) == (told.lost_since is None)
        state = remember(state, told)
        since.append(told.lost_since)
    first = next(day for day, time in enumerate(since) if time is not None)
    assert since[first] == utc(first * DAY_MS)  # the newest whole day ends as that one begins
    assert since[first : first + 5] == [since[first]] * 5
    assert since[-1] is None
    assert SkillState.model_validate(state.to_json()) == state
