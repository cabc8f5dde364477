"""Training data: slices that never overlap, features that know nothing of labels."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.features.indicators import FEATURES, WARM_UP
from bot_runtime.learning import datasets
from bot_runtime.learning.datasets import LEAST_ROWS, SLICES, build_training_data, split_rows
from bot_runtime.learning.labels import Labels, compute_labels
from bot_runtime.process.errors import DataUnusableError
from tests.unit.bot_runtime.learning import BOTH, market_candles, model_spec, task_of, training_data
from tests.unit.bot_runtime.markets import random_candles, without


@given(
    count=st.integers(1200, 4000),
    horizon=st.integers(1, 20),
    holes=st.sets(st.integers(0, 1199), max_size=300),
    symbols=st.integers(1, 3),
)
def test_slices_never_overlap_once_labels_are_counted(
    count: int, horizon: int, holes: set[int], symbols: int
) -> None:
    """A label that begins in one slice ends before the next one begins, with a pause as long."""
    times = np.tile(np.arange(count, dtype=np.int64), symbols)
    usable = np.setdiff1d(np.arange(len(times)), list(holes))
    splits = split_rows(usable, times, horizon)
    parts = [getattr(splits, name) for name in SLICES]
    assert sum(map(len, parts)) == len(np.unique(np.concatenate(parts)))
    for before, after in itertools.pairwise(parts):
        assert times[before].max() + horizon < times[after].min()
    assert all(len(part) >= LEAST_ROWS for part in parts)


def test_embargo_lasts_as_long_as_the_horizon_after_a_boundary() -> None:
    times = np.arange(2000, dtype=np.int64)
    splits = split_rows(np.arange(2000), times, 10)
    boundary = 1100  # 55 % of 2,000
    assert splits.fit.max() == boundary - 10 - 1
    assert splits.selection.min() == boundary + 10


@given(
    count=st.integers(1300, 3000),
    horizon=st.integers(1, 20),
    holes=st.sets(st.integers(0, 1199), max_size=300),
    test=st.integers(900, 1199),
)
def test_a_test_slice_with_a_beginning_has_all_rows_a_horizon_after_it(
    count: int, horizon: int, holes: set[int], test: int
) -> None:
    times = np.arange(count, dtype=np.int64)
    usable = np.setdiff1d(times, list(holes))
    splits = split_rows(usable, times, horizon, test)
    assert splits.test.tolist() == usable[usable >= test + horizon].tolist()
    assert splits.before_test.max() + horizon < test
    for before, after in itertools.pairwise([splits.fit, splits.selection, splits.calibration]):
        assert before.max() + horizon < after.min()


@pytest.mark.parametrize("test", [0, 100, 1999, 2000, 5000])
def test_a_beginning_that_leaves_a_slice_too_small_is_refused(test: int) -> None:
    with pytest.raises(DataUnusableError, match="which needs"):
        split_rows(np.arange(2000), np.arange(2000, dtype=np.int64), 1, test)
    with pytest.raises(DataUnusableError, match="0 candles"):
        split_rows(np.arange(0), np.arange(0, dtype=np.int64), 1, test)


def test_too_few_candles_say_how_many_are_there() -> None:
    with pytest.raises(DataUnusableError, match="60") as caught:
        training_data(300)
    assert "lookback" in str(caught.value)


def test_rows_have_their_whole_history_and_horizon() -> None:
    candles = {"BTC/USDT": without(random_candles(1500), 700), "ETH/USDT": random_candles(1500, 2)}
    data = build_training_data(candles, 5, 8)
    rows = np.concatenate([getattr(data.splits, name) for name in SLICES])
    assert data.has_history(rows, 8).all()
    assert np.isfinite(data.labels.simple_return[rows]).all()
    own = rows[data.symbol[rows] == 0]
    hole = 1_700_000_000_000 // 60_000 * 60_000 + 700 * 60_000
    near = (data.time_ms[own] > hole - 6 * 60_000) & (
        data.time_ms[own] <= hole + (WARM_UP + 7) * 60_000
    )
    assert not near.any()


def test_newest_rows_are_the_last_of_each_symbol_and_have_no_label() -> None:
    data = training_data(800, symbols=BOTH)
    assert data.newest.tolist() == [799, 1599]
    assert not data.labels.known[data.newest].any()
    assert np.isfinite(data.features[data.newest]).all()


def test_corrupted_labels_leave_every_feature_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = market_candles(900)
    true = build_training_data(candles, 5, 8)

    def corrupted(part: object, horizon_steps: int, *_: object) -> Labels:
        labels = compute_labels(part, horizon_steps)  # type: ignore[arg-type]  # as it is called
        draw = np.random.default_rng(0)
        return dataclasses.replace(
            labels,
            simple_return=np.where(labels.known, draw.normal(size=len(labels.known)), np.nan),
            variance=np.where(labels.known, draw.uniform(size=len(labels.known)), np.nan),
        )

    monkeypatch.setattr(datasets, "compute_labels", corrupted)
    false = build_training_data(candles, 5, 8)
    assert not np.allclose(true.labels.simple_return, false.labels.simple_return, equal_nan=True)
    assert np.array_equal(true.features, false.features, equal_nan=True)
    assert np.array_equal(true.volatility, false.volatility, equal_nan=True)


def test_columns_of_the_training_matrix_are_exactly_the_feature_list() -> None:
    data = training_data(900)
    task = task_of(data, "Trend", model_spec())
    assert task.features.shape == (900, len(FEATURES))
    assert task.features is data.features
    known = data.labels.known
    for column in task.features.T:
        finite = known & np.isfinite(column)
        for label in (data.labels.simple_return, data.labels.variance):
            assert not np.allclose(column[finite], label[finite])


def test_last_label_before_the_test_slice_ends_before_it_begins() -> None:
    data = training_data(1500, symbols=BOTH)
    first_test = data.time_ms[data.splits.test].min()
    assert data.seen_until_ms <= first_test + data.interval_ms


def test_labels_weigh_one_on_average_and_all_alike_where_none_is_cut_short() -> None:
    data = training_data(1500)
    weights = data.weight[data.splits.fit]
    assert weights.mean() == pytest.approx(1.0)
    # all but those of the first candles, which share theirs with fewer labels
    assert weights[5:] == pytest.approx(np.full(len(weights) - 5, weights[-1]), rel=1e-9)
    assert weights[0] > 1.5


def test_barriers_are_as_wide_as_the_volatility_over_the_horizon() -> None:
    candles = market_candles(1500)
    rows = training_data(1500).splits.fit
    signs, near, far = (build_training_data(candles, 5, 8, width) for width in (None, 0.5, 100.0))
    assert np.array_equal(signs.labels.up[rows], far.labels.up[rows])
    assert (far.labels.span[rows] == 5).all()
    assert 0.02 < (signs.labels.up[rows] != near.labels.up[rows]).mean() < 0.4
    moves = np.abs(near.close[rows + near.labels.span[rows].astype(int)] / near.close[rows] - 1)
    short = near.labels.span[rows] < 5
    assert (moves[short] >= 0.5 * np.sqrt(5) * near.volatility[rows][short]).all()
    # a label that is over sooner shares less of its time with its neighbours
    assert np.corrcoef(near.weight[rows], near.labels.span[rows])[0, 1] < -0.1
