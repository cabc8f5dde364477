"""Contestants tell of the same rows, each by itself; what is served was fitted once more."""

import numpy as np
import pytest

from benchmarks.quality_contestants import CONTESTANTS, judged, served
from bot_runtime.serving.predictions import PREDICTED
from tests.unit.benchmarks.windows import the_learned


@pytest.mark.parametrize("name", CONTESTANTS)
def test_a_contestant_tells_of_each_row_by_itself(name: str) -> None:
    learned, contestant = the_learned(), CONTESTANTS[name]
    whole, first = (contestant(learned, rows) for rows in (learned.rows, learned.rows[:50]))
    for column in PREDICTED:
        assert np.array_equal(getattr(whole, column)[:50], getattr(first, column)), column


def test_what_is_served_was_fitted_to_newer_candles_and_says_much_the_same() -> None:
    learned = the_learned()
    then, now = (
        max(o.seen_until_ms for o in version.manifest.objectives)
        for version in (learned.judged, learned.version)
    )
    assert then == learned.known.seen_until_ms < now
    own, other = served(learned, learned.rows), judged(learned, learned.rows)
    assert any(not np.array_equal(getattr(own, c), getattr(other, c)) for c in PREDICTED)
    assert np.corrcoef(own.prob_up, other.prob_up)[0, 1] > 0.5
