"""Drift at inference: outcomes as a training labels them, states that survive, references."""

from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.signal import Signal
from bot_runtime.evaluation.drift_reference import Before, build_reference
from bot_runtime.features.indicators import FEATURES, compute_features
from bot_runtime.learning.labels import compute_labels
from bot_runtime.market.candles import Candles
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.drift import PREDICTIONS, Block
from bot_runtime.serving.served_drift import DriftState, Row, ToldProbability, settle_drift, watch
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import random_candles, without

VERSION = "bot-1-12345678"
SYMBOL = "BTC/USDT"
CONTEXT = 61


def reporter() -> Reporter:
    return Reporter("Inference", stream=StringIO())


def signal() -> Signal:
    return Signal.model_validate(
        {
            "ts": "2026-01-01T00:00:00Z",
            "symbol": SYMBOL,
            "timeframe": "1m",
            "horizon_steps": 5,
            "bar_close_ts": None,
            "decision": "LONG",
            "reason": "LongSignal",
            "prob_up": 0.6,
            "p10": -0.01,
            "p50": 0.001,
            "p90": 0.01,
            "risk_score": 0.5,
            "calibration": {"method": "Platt", "n": 500},
            "run_digest": "",
            "version": {"model_version": VERSION, "git_commit": "c"},
        }
    )


def save_reference(store: Store, block_rows: int = 10) -> None:
    features = compute_features(random_candles(900))[60:]
    predictions = np.random.default_rng(1).normal(0.5, 0.1, (300, len(PREDICTIONS)))
    rows = np.column_stack([features[-300:], predictions])
    reference = build_reference(rows, Before(features[:-300], predictions), FEATURES, block_rows)
    save_json(store.reference(VERSION, SYMBOL), reference.to_json())


def row_of(candles: Candles) -> Row:
    return Row(candles, compute_features(candles)[-1], None)


def waiting(*told: ToldProbability) -> DriftState:
    return DriftState(blocks=(Block(counts=()),), told=told)


@given(st.integers(0, 1000), st.sampled_from([None, 0.001, 0.004]), st.integers(1, 288))
def test_outcomes_are_the_labels_of_a_training(
    seed: int, barrier: float | None, steps: int
) -> None:
    candles = random_candles(steps + 40, seed)
    barriers = None if barrier is None else np.full(len(candles), barrier)
    label = compute_labels(candles, steps, barriers).up[20]
    told = ToldProbability(
        bar_close_ms=int(candles.close_time_ms[20]),
        close=float(candles.close[20]),
        prob_up=0.25,
        barrier=barrier,
    )
    early = settle_drift(waiting(told), candles[: 20 + steps], steps)
    assert (early.told, early.blocks[0].outcomes) == ((told,), 0)
    for window in (candles[: 21 + steps], candles[15:], candles[21:]):
        state = settle_drift(waiting(told), window, steps)
        assert (state.told, state.blocks[0].outcomes) == ((), 1)
        assert state.blocks[0].score[0] == pytest.approx(label - 0.25)


@pytest.mark.parametrize("missing", [21, 23, 25])
def test_outcome_that_the_candles_do_not_show_whole_is_forgotten(missing: int) -> None:
    candles = random_candles(40)
    told = ToldProbability(
        bar_close_ms=int(candles.close_time_ms[20]), close=float(candles.close[20]), prob_up=0.5
    )
    state = settle_drift(waiting(told), without(candles, missing), 5)
    assert (state.told, state.blocks[0].outcomes) == ((), 0)


def test_rows_are_counted_until_a_window_is_judged(store: Store) -> None:
    save_reference(store)
    candles = random_candles(900)
    told = [
        watch(store, signal(), row_of(candles[i - CONTEXT : i]), reporter()).drift
        for i in range(200, 275)
    ]
    assert [drift is None for drift in told] == [True] * 59 + [False] * 16
    assert told[-1] is not None
    assert told[-1].rows == 65
    state = DriftState.model_validate(load_json(store.drift(VERSION, SYMBOL)))
    # Of 70 outcomes, six were known before the oldest block was full and left with it.
    assert sum(block.outcomes for block in state.blocks) == 64
    assert len(state.told) == 5


def test_repeated_run_on_the_same_candle_counts_once(store: Store) -> None:
    save_reference(store)
    candles = random_candles(100)
    for _ in range(3):
        watch(store, signal(), row_of(candles), reporter())
    state = DriftState.model_validate(load_json(store.drift(VERSION, SYMBOL)))
    assert (len(state.told), state.blocks[0].rows) == (1, 1)


def test_feed_that_was_not_trusted_adds_no_row_and_keeps_the_verdict(store: Store) -> None:
    save_reference(store)
    candles = random_candles(900)
    verdicts = [
        watch(store, signal(), row_of(candles[i - CONTEXT : i]), reporter()).drift
        for i in range(200, 262)
    ]
    told = verdicts[-1]
    assert told is not None
    silent = signal().model_copy(update=dict.fromkeys(("prob_up", "p10", "p50", "p90"), None))
    assert watch(store, silent, None, reporter()).drift == told
    later = watch(store, silent, Row(candles[205:270], None, None), reporter()).drift
    assert later is not None
    assert later.rows == told.rows


def test_version_without_a_reference_is_not_watched(store: Store) -> None:
    assert watch(store, signal(), row_of(random_candles(100)), reporter()) == signal()
    assert not store.drift(VERSION, SYMBOL).exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"blocks": 1}'])
def test_broken_files_are_told_and_stop_no_decision(store: Store, content: str) -> None:
    save_reference(store)
    path = store.drift(VERSION, SYMBOL)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    warned = reporter()
    watch(store, signal(), row_of(random_candles(100)), warned)
    assert [content == "{}"] == [not warned.warnings]
    assert DriftState.model_validate(load_json(path)).blocks[0].rows == 1
    store.reference(VERSION, SYMBOL).write_text(content)
    assert watch(store, signal(), row_of(random_candles(101)), warned).drift is None
    assert "it is not watched" in warned.warnings[-1]
