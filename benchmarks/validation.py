"""Splits by time for validation: walk-forward and combinatorial, purged and embargoed.

Lopez de Prado, Advances in Financial Machine Learning (2018), chapters 7 and 12. A row's label
spans the time from its decision to the end of its horizon. A row is fitted to only where that span
ends before the first test label begins, or begins more than an embargo after the last one ends.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bot_runtime.arrays import Flags, Rows, Times


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """When the label of each row begins and ends, milliseconds, (n,) each; in any order."""

    start_ms: Times
    end_ms: Times


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Positions of rows to learn from and to judge on, sorted by time."""

    train: Rows
    test: Rows


def walk_forward(
    spans: Spans, folds: int, embargo_ms: int = 0, first_share: float = 0.5
) -> Iterator[Split]:
    """Give `folds` splits: the first `first_share` of time is learned from, then tested in turn.

    Every split learns from all that lies before its test rows: embargo and purge alike take the
    rows whose label ends less than the embargo before the test begins.
    """
    groups = _groups(spans, folds + 1, first_share)
    for i, test in enumerate(groups[1:], start=1):
        past = np.concatenate(groups[:i])
        begin = spans.start_ms[test].min() - embargo_ms
        yield Split(past[spans.end_ms[past] < begin], test)


def combinatorial(
    spans: Spans, groups: int, test_groups: int, embargo_ms: int = 0
) -> Iterator[Split]:
    """Give every choice of `test_groups` of `groups` stretches of time to test on.

    There are C(groups, test_groups) splits, and each row is tested in C(groups - 1,
    test_groups - 1) of them, so that backtests run over as many different paths.
    """
    parts = _groups(spans, groups, 1.0 / groups)
    for chosen in itertools.combinations(range(groups), test_groups):
        tested = [parts[i] for i in chosen]
        rest = np.concatenate([part for i, part in enumerate(parts) if i not in chosen])
        yield Split(rest[_clear_of(spans, rest, tested, embargo_ms)], np.concatenate(tested))


def consecutive(spans: Spans, rows: Rows, shares: Sequence[float]) -> list[Rows]:
    """Return `rows` in consecutive slices of these shares, each ending before the next begins."""
    ordered = rows[np.argsort(spans.start_ms[rows], kind="stable")]
    cuts = (np.cumsum(shares)[:-1] / np.sum(shares) * len(ordered)).astype(int)
    slices = np.split(ordered, cuts)
    return [
        part[spans.end_ms[part] < spans.start_ms[later].min()]
        for part, later in itertools.pairwise(slices)
    ] + slices[-1:]


def _groups(spans: Spans, count: int, first_share: float) -> list[Rows]:
    """Return stretches of time of equal row counts, but for the first; equal times share one."""
    ordered = np.argsort(spans.start_ms, kind="stable")
    times = spans.start_ms[ordered]
    shares = np.linspace(first_share, 1.0, count)[:-1]
    cuts = np.searchsorted(times, times[(shares * len(times)).astype(int)], side="left")
    return [np.asarray(part) for part in np.split(ordered, cuts)]


def _clear_of(spans: Spans, rows: Rows, tested: Sequence[Rows], embargo_ms: int) -> Flags:
    clear = np.ones(len(rows), dtype=np.bool_)
    for part in tested:
        before = spans.end_ms[rows] < spans.start_ms[part].min()
        after = spans.start_ms[rows] > spans.end_ms[part].max() + embargo_ms
        clear &= before | after
    return clear
