"""A refit is the served recipe on newer rows, and nothing of the month is in it."""

import numpy as np
import pytest

from benchmarks.quality_contestants import (
    CONTESTANTS,
    FITTED,
    fit_again,
    newest_splits,
    served,
    trees_of,
)
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.serving.predictions import PREDICTED
from tests.unit.benchmarks.windows import the_learned


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_fitted_again_to_the_same_rows_the_trees_are_the_same(objective: Objective) -> None:
    learned = the_learned()
    known, trees = learned.known, trees_of(learned, objective)
    again = fit_again(trees, objective, known, known.splits.fit)
    rows = learned.rows
    features = learned.data.features
    assert np.array_equal(again.raw(features, rows), trees.raw(features, rows))


def test_a_refit_keeps_the_newest_tenth_to_calibrate_on() -> None:
    known = the_learned().known
    splits = newest_splits(known)
    usable = len(known.splits.before_test) + len(known.splits.test)
    assert len(splits.calibration) == pytest.approx((1 - FITTED) * usable, abs=1)
    ends_ms = known.time_ms[splits.fit] + (1 + known.horizon_steps) * known.interval_ms
    assert ends_ms.max() <= known.time_ms[splits.calibration].min() + known.interval_ms
    assert known.time_ms[splits.fit].max() > known.time_ms[known.splits.test].min()


@pytest.mark.parametrize("name", CONTESTANTS)
def test_a_contestant_tells_of_each_row_by_itself(name: str) -> None:
    learned, contestant = the_learned(), CONTESTANTS[name]
    whole, first = (contestant(learned, rows) for rows in (learned.rows, learned.rows[:50]))
    for column in PREDICTED:
        assert np.array_equal(getattr(whole, column)[:50], getattr(first, column)), column


def test_a_refit_says_something_else() -> None:
    learned = the_learned()
    own, other = (CONTESTANTS["refit"](learned, learned.rows), served(learned, learned.rows))
    assert not np.array_equal(own.prob_up, other.prob_up)
    assert np.corrcoef(own.prob_up, other.prob_up)[0, 1] > 0.5
