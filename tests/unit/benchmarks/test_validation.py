"""No row is learned from whose label overlaps a tested one, whatever the rows are."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.validation import Spans, Split, combinatorial, consecutive, walk_forward


@st.composite
def some_spans(draw: st.DrawFn) -> Spans:
    """Give labels of one horizon over one or two symbols, with holes, in any order."""
    step, horizon = 1000, draw(st.integers(1, 9))
    seed, symbols = draw(st.integers(0, 99)), draw(st.integers(1, 2))
    generator = np.random.default_rng(seed)
    kept = generator.uniform(size=draw(st.integers(80, 200))) > draw(st.sampled_from((0.0, 0.3)))
    start = np.concatenate([np.flatnonzero(kept) * step] * symbols).astype(np.int64)
    start = generator.permutation(start)
    return Spans(start, start + horizon * step)


def assert_apart(spans: Spans, split: Split, embargo_ms: int) -> None:
    assert len(split.train)
    assert len(split.test)
    assert not set(split.train) & set(split.test)
    start, end = spans.start_ms, spans.end_ms
    for row in split.test:
        overlap = (start[split.train] <= end[row] + embargo_ms) & (end[split.train] >= start[row])
        assert not overlap.any()


@given(some_spans(), st.integers(0, 5000))
def test_walk_forward_learns_from_the_past_alone(spans: Spans, embargo_ms: int) -> None:
    splits = list(walk_forward(spans, 4, embargo_ms))
    assert len(splits) == 4
    for split in splits:
        assert_apart(spans, split, 0)
        last, first = spans.end_ms[split.train].max(), spans.start_ms[split.test].min()
        assert last < first - embargo_ms
    tested = np.concatenate([split.test for split in splits])
    assert len(np.unique(tested)) == len(tested)
    assert spans.start_ms[tested].min() == spans.start_ms[splits[0].test].min()
    assert spans.start_ms.max() in spans.start_ms[splits[-1].test]


@given(some_spans(), st.integers(0, 5000))
def test_combinatorial_keeps_purge_and_embargo(spans: Spans, embargo_ms: int) -> None:
    splits = list(combinatorial(spans, 5, 2, embargo_ms))
    assert len(splits) == math.comb(5, 2)
    for split in splits:
        assert_apart(spans, split, embargo_ms)
    times = np.bincount(np.concatenate([split.test for split in splits]))
    assert set(times) == {math.comb(4, 1)}


def test_combinatorial_learns_from_both_sides_of_a_test() -> None:
    start = np.arange(100, dtype=np.int64)
    split = list(combinatorial(Spans(start, start + 5), 5, 1, 3))[2]
    assert split.test.tolist() == list(range(40, 60))
    assert split.train.tolist() == [*range(35), *range(68, 100)]


@given(some_spans())
def test_consecutive_slices_end_before_the_next_begins(spans: Spans) -> None:
    rows = np.arange(len(spans.start_ms))
    parts = consecutive(spans, rows, (0.6, 0.2, 0.2))
    assert len(parts) == 3
    for one, later in itertools.pairwise(parts):
        assert spans.end_ms[one].max() < spans.start_ms[later].min()
    assert len(parts[2]) == pytest.approx(0.2 * len(rows), abs=2)
