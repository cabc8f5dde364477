"""The band learns from its misses: in replay, at inference, and across restarts and bad files."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.signal import Calibration, Signal, SignalVersion
from bot_runtime.learning.unseen import adapt
from bot_runtime.market.candles import utc
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.adaptive_band import RATE, AdaptiveBand
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.served_band import (
    LEAST_LIVE_ROWS,
    LIVE_ROWS,
    BandState,
    follow,
    load_band,
    save_band,
    settle_band,
)
from bot_runtime.store.bundle import TAIL
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.markets import random_candles, without

HORIZON = 3
CANDLES = random_candles(200)


def run_band(outcomes: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray, AdaptiveBand]:
    """Return which outcomes were below and above a fixed band of one unit that adapts."""
    band = AdaptiveBand()
    below, above = np.zeros(len(outcomes), bool), np.zeros(len(outcomes), bool)
    for i, outcome in enumerate(outcomes):
        p10, p90 = band.adjust(-unit[i], 0.0, unit[i], unit[i])
        below[i], above[i] = outcome < p10, outcome > p90
        band.learn(p10, p90, outcome)
    return below, above, band


def test_each_side_comes_to_its_tenth_through_a_change_of_the_market() -> None:
    draw = np.random.default_rng(4)
    outcome = draw.standard_t(4, 8000) * np.repeat([0.7, 1.1], 4000)
    below, above, _ = run_band(outcome, np.ones(8000))
    for part in np.array_split(np.arange(8000), 4):  # 0.035: the margin's way of 0.6 in 2,000
        assert np.mean(below[part]) == pytest.approx(TAIL, abs=0.035)
        assert np.mean(above[part]) == pytest.approx(TAIL, abs=0.035)
    assert np.mean(np.abs(outcome[4000:]) > 1) > 0.4  # what a fixed band would have missed


@given(st.lists(st.floats(-3, 3), min_size=50, max_size=400), st.floats(0.01, 100))
def test_misses_are_bounded_for_any_sequence(outcomes: list[float], scale: float) -> None:
    """The sum of what a side was moved by is where it stands: the formula of the module."""
    n = len(outcomes)
    below, _, band = run_band(np.array(outcomes) * scale, np.full(n, scale))
    assert band.lower == pytest.approx(RATE * (below.sum() - TAIL * n), abs=1e-9)


@given(
    st.floats(-5, 5), st.floats(-5, 5), st.floats(-0.1, 0.1), st.floats(0, 0.1), st.floats(0, 0.1)
)
def test_band_is_in_order_wherever_it_has_moved(
    lower: float, upper: float, p50: float, down: float, out: float
) -> None:
    p10, p90 = AdaptiveBand(lower, upper).adjust(p50 - down, p50, p50 + out, 0.01)
    assert p10 <= p50 <= p90


def test_replay_knows_no_outcome_before_its_horizon_has_ended() -> None:
    """What is told at a row does not change when outcomes that lie ahead of it do."""
    data = training_data(1500)
    rows = data.splits.test
    zero = np.zeros(len(rows))
    narrow = Predictions(zero + 0.5, zero - 1e-5, zero, zero + 1e-5, zero, zero)
    told, bands = adapt(narrow, data, rows)
    cut = len(rows) // 2
    outcome = data.labels.simple_return.copy()
    outcome[rows[cut - HORIZON :]] = 9.0  # of rows whose horizon of 5 ends at the cut or later
    other = replace(data, labels=replace(data.labels, simple_return=outcome))
    again, _ = adapt(narrow, other, rows)
    assert np.array_equal(told.p10[: cut + 2], again.p10[: cut + 2])
    assert np.array_equal(told.p90[: cut + 2], again.p90[: cut + 2])
    assert not np.array_equal(told.p90, again.p90)
    assert (told.p90[-1] > narrow.p90[-1]) == (bands["BTC/USDT"].upper > 0)


def signal_at(row: int) -> Signal:
    return Signal(
        ts=utc(int(CANDLES.close_time_ms[row])),
        symbol="BTC/USDT",
        timeframe="1m",
        horizon_steps=HORIZON,
        bar_close_ts=utc(int(CANDLES.close_time_ms[row])),
        decision="NO_TRADE",
        reason="",
        p10=-0.001,
        p50=0.0,
        p90=0.001,
        calibration=Calibration(method="Platt", n=1),
        run_digest="0",
        version=SignalVersion(model_version="bot-00000000", git_commit="x"),
    )


def serve(state: BandState, row: int, first: int = 0) -> tuple[Signal, BandState]:
    return follow(state, signal_at(row), CANDLES[first : row + 1], 0.002)


def test_inference_run_by_run_is_the_replay() -> None:
    state, told = BandState(), []
    for row in range(60, 160):
        signal, state = serve(state, row, row - 60)
        told.append((signal.p10, signal.p90))
    band = AdaptiveBand()
    for i, row in enumerate(range(60, 160)):
        if i >= HORIZON:
            p10, p90 = told[i - HORIZON]
            assert p10 is not None
            assert p90 is not None
            close = CANDLES.close[row - HORIZON]
            band.learn(p10, p90, float(CANDLES.close[row] / close - 1))
        assert told[i] == pytest.approx(band.adjust(-0.001, 0.0, 0.001, 0.002))
    assert (state.lower, state.upper) == pytest.approx((band.lower, band.upper))
    assert len(state.hits) == 100 - HORIZON
    assert len(state.told) == HORIZON


def test_repeated_run_is_counted_once() -> None:
    _, state = serve(BandState(), 100)
    again, repeated = serve(state, 100)
    assert repeated == state
    assert again == serve(BandState(), 100)[0]


def test_band_whose_end_is_missing_is_forgotten_and_one_to_come_is_kept() -> None:
    _, state = serve(BandState(), 100)
    hole = without(CANDLES, 100 + HORIZON)
    assert settle_band(state, hole[:100], HORIZON) == state
    after = settle_band(state, hole[:150], HORIZON)
    assert (after.told, after.hits, after.lower) == ((), "", 0.0)


def test_signal_without_a_prediction_settles_and_tells_nothing() -> None:
    _, state = serve(BandState(), 100)
    empty = signal_at(110).model_copy(update={"p10": None, "p50": None, "p90": None})
    signal, after = follow(state, empty, CANDLES[:111], 0.002)
    assert signal == empty
    assert len(after.hits) == 1
    assert after.told == ()


def test_live_coverage_counts_the_newest_outcomes_from_enough_of_them() -> None:
    assert BandState(hits="1" * (LEAST_LIVE_ROWS - 1)).live_coverage is None
    assert BandState(hits="10" * LEAST_LIVE_ROWS).live_coverage == 0.5
    full = BandState(hits="0" * LIVE_ROWS)
    _, told = serve(full, 100)
    assert len(settle_band(told, CANDLES[:150], HORIZON).hits) == LIVE_ROWS
    signal, _ = serve(full, 100)
    assert signal.calibration.live_coverage == 0.0


@pytest.mark.parametrize("text", ["{", "[]", '{"lower": "x"}', '{"hits": "12"}', '{"other": 1}'])
def test_file_that_is_no_state_begins_anew_and_says_so(store: Store, text: str) -> None:
    path = store.band("bot-1-00000000", "BTC/USDT")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    reporter = Reporter("Inference", stream=StringIO())
    assert load_band(store, "bot-1-00000000", "BTC/USDT", reporter) == BandState()
    assert "BTC-USDT.json" in reporter.warnings[0]


def test_state_survives_its_file(store: Store) -> None:
    _, state = serve(BandState(lower=0.1, hits="101"), 100)
    reporter = Reporter("Inference", stream=StringIO())
    save_band(store, "bot-1-00000000", "BTC/USDT", state)
    assert load_band(store, "bot-1-00000000", "BTC/USDT", reporter) == state
    assert reporter.warnings == []
