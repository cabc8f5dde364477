"""Scored rows: the outcomes of a training, the predictions of the run that told them, all once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import compute_features
from bot_runtime.features.volatility import LEAST_VARIANCE_RATIO, realised_volatility
from bot_runtime.learning.labels import compute_labels
from bot_runtime.market.candles import Candles
from bot_runtime.scoring.scores import log_loss, qlike
from bot_runtime.serving.live_skill import Scored
from bot_runtime.serving.scored_rows import CATCH_UP, outcomes_of, score_rows
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import (
    COMBINATION,
    NAIVE,
    bot_spec,
    publish_version,
    random_candles,
    without,
)

CANDLES = random_candles(1_300, seed=8)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> ServedVersion:
    store = Store(tmp_path_factory.mktemp("store"))
    name = publish_version(store, bot_spec(), score=0.1, slope=90.0, combination=COMBINATION)
    return load_version(store, name)


def seen_by(version: ServedVersion, candles: Candles, close_ms: int) -> Candles:
    """Return the window of the run after the candle that closed at `close_ms`."""
    steps = version.manifest.inputs.horizon_steps
    begin_ms = close_ms - (version.memory_length + steps + CATCH_UP) * MINUTE_MS
    return candles.between(begin_ms, close_ms)


def scored_by(version: ServedVersion, candles: Candles, done_ms: int) -> Scored | None:
    return score_rows(version, candles, compute_features(candles), done_ms)


@given(st.integers(0, 1000), st.sampled_from([None, 0.001, 0.004]), st.integers(1, 288))
def test_outcomes_are_the_labels_of_a_training(
    seed: int, barrier: float | None, steps: int
) -> None:
    candles = random_candles(steps + 40, seed)
    barriers = None if barrier is None else np.full(len(candles), barrier)
    labels, rows = compute_labels(candles, steps, barriers), np.arange(20, 40)
    volatility = np.full(20, 0.002)
    width = np.full(20, np.inf if barrier is None else barrier)
    found = outcomes_of(candles.close[rows[:, None] + np.arange(steps + 1)], volatility, width)
    assert np.array_equal(found.up, labels.up[rows])
    assert found.simple_return == pytest.approx(labels.simple_return[rows], rel=1e-12)
    least = LEAST_VARIANCE_RATIO * volatility**2
    assert found.variance == pytest.approx(np.maximum(labels.variance[rows], least), rel=1e-9)


def test_what_is_scored_is_what_the_run_at_the_candle_has_told(version: ServedVersion) -> None:
    newest_ms = int(CANDLES.close_time_ms[-1])
    own = scored_by(version, seen_by(version, CANDLES, newest_ms), newest_ms - 40 * MINUTE_MS)
    assert own is not None
    assert len(own.close_ms) == 35
    labels = compute_labels(CANDLES, 5)
    for place, close_ms in enumerate(own.close_ms.tolist()):
        then = seen_by(version, CANDLES, close_ms)
        told = version.predict(compute_features(then), Closes.of(then))
        row = int(np.searchsorted(CANDLES.close_time_ms, close_ms))
        up, variance = labels.up[[row]], labels.variance[[row]]
        assert own.own[place, 0] == pytest.approx(log_loss(np.array([told.prob_up]), up)[0])
        loss = qlike(np.array([told.volatility**2]), variance)[0]
        assert own.own[place, 2] == pytest.approx(loss)
        assert own.naive[place, 0] == pytest.approx(log_loss(np.array([NAIVE.base_rate]), up)[0])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, CATCH_UP), min_size=1, max_size=6))
def test_runs_score_every_candle_between_them_once(
    version: ServedVersion, between: list[int]
) -> None:
    newest = [850 + step for step in np.cumsum(between).tolist()]
    done_ms = start_ms = int(CANDLES.close_time_ms[850]) - 6 * MINUTE_MS
    seen: list[int] = []
    for row in newest:
        found = scored_by(
            version, seen_by(version, CANDLES, int(CANDLES.close_time_ms[row])), done_ms
        )
        assert found is not None
        seen += found.close_ms.tolist()
        done_ms = found.until_ms
    last_ms = int(CANDLES.close_time_ms[newest[-1]]) - 5 * MINUTE_MS
    assert seen == list(range(start_ms + MINUTE_MS, last_ms + 1, MINUTE_MS))


def test_a_longer_pause_is_filled_as_far_as_the_window_reaches(version: ServedVersion) -> None:
    newest_ms = int(CANDLES.close_time_ms[-1])
    found = scored_by(version, seen_by(version, CANDLES, newest_ms), 0)
    assert found is not None
    assert len(found.close_ms) == CATCH_UP + 1
    assert found.until_ms == newest_ms - 5 * MINUTE_MS


def test_before_a_horizon_has_ended_nothing_is_scored(version: ServedVersion) -> None:
    newest_ms = int(CANDLES.close_time_ms[-1])
    window = seen_by(version, CANDLES, newest_ms)
    assert scored_by(version, window, newest_ms - 5 * MINUTE_MS) is None
    assert scored_by(version, CANDLES[:3], 0) is not None  # a market listed just now: no row


def test_a_hole_takes_the_rows_whose_past_or_horizon_it_is_in(version: ServedVersion) -> None:
    hole = len(CANDLES) - 20
    candles = without(CANDLES, hole)
    newest_ms, hole_ms = int(candles.close_time_ms[-1]), int(CANDLES.close_time_ms[hole])
    found = scored_by(version, seen_by(version, candles, newest_ms), newest_ms - 40 * MINUTE_MS)
    assert found is not None
    assert found.close_ms.max() == hole_ms - 6 * MINUTE_MS
    assert found.until_ms == newest_ms - 5 * MINUTE_MS


def test_a_market_that_doubles_or_stands_still_has_losses_that_are_numbers(
    version: ServedVersion,
) -> None:
    flat, jump = np.full(len(CANDLES), 100.0), np.full(len(CANDLES), 100.0)
    jump[-30:-18] = 100.0 * 2.0 ** (np.arange(1, 13) / 12)
    jump[-18:] = 200.0
    for close in (flat, jump):
        candles = Candles(
            MINUTE_MS, CANDLES.open_time_ms, close, close, close, close, 0.0 * CANDLES.volume
        )
        newest_ms = int(candles.close_time_ms[-1])
        found = scored_by(version, seen_by(version, candles, newest_ms), 0)
        assert found is not None
        assert len(found.close_ms) == CATCH_UP + 1
        assert np.isfinite(found.own).all()
        assert np.isfinite(found.naive).all()


def test_a_version_of_an_earlier_format_is_not_scored(store: Store) -> None:
    old = load_version(store, publish_version(store, bot_spec()))
    assert scored_by(old, CANDLES, 0) is None


def test_barriers_are_those_of_the_version(store: Store) -> None:
    spec = bot_spec(model={"tripleBarrierWidth": 0.5})
    name = publish_version(store, spec, score=0.1, combination=COMBINATION)
    version = load_version(store, name)
    width = version.manifest.inputs.triple_barrier_width
    assert width is not None
    found = scored_by(version, CANDLES, int(CANDLES.close_time_ms[900]))
    assert found is not None
    barriers = width * realised_volatility(CANDLES.close, 60) * np.sqrt(5)
    labels = compute_labels(CANDLES, 5, barriers)
    rows = np.searchsorted(CANDLES.close_time_ms, found.close_ms)
    base_rate = np.full(len(rows), NAIVE.base_rate)
    assert found.naive[:, 0] == pytest.approx(log_loss(base_rate, labels.up[rows]))
