"""Drift: stability of distributions, calibration of probabilities, and a window of blocks."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from bot_runtime.arrays import Values
from bot_runtime.evaluation.drift_reference import Before, build_reference
from bot_runtime.serving.drift import (
    BINS,
    BLOCKS,
    CALIBRATION_LIMIT,
    PREDICTIONS,
    Block,
    Reference,
    add_outcome,
    add_row,
    bin_rows,
    count_bins,
    judge_drift,
    stability,
)

FEATURES = ("calm", "wild")
BLOCK_ROWS = 60
HORIZON = 5


def rows(count: int, seed: int, *, scale: float = 1.0, probability_shift: float = 0.0) -> Values:
    """Return rows of two features and the four predictions; prob_up is the third column."""
    table = np.random.default_rng(seed).normal(0, scale, (count, len(FEATURES) + len(PREDICTIONS)))
    table[:, 2] = 0.5 + 0.02 * table[:, 2] + probability_shift
    return table


def before(seed: int) -> Before:
    """Return rows as they were before those of the reference."""
    table = rows(4000, seed)
    return Before(table[:, :2], table[2500:, 2:])


REFERENCE = build_reference(rows(2000, 1), before(2), FEATURES, BLOCK_ROWS)


def counted(table: Values, reference: Reference = REFERENCE) -> tuple[Block, ...]:
    """Return the blocks after the rows."""
    blocks: tuple[Block, ...] = ()
    for bins in bin_rows([column.edges for column in reference.columns], table):
        blocks = add_row(blocks, bins, reference.block_rows)
    return blocks


def with_outcomes(probability: Values, rose: npt.ArrayLike) -> tuple[Block, ...]:
    """Return full blocks that know how probabilities came true."""
    blocks = counted(rows(BLOCKS * BLOCK_ROWS, 3))
    for p, y in zip(probability, np.asarray(rose), strict=True):
        blocks = add_outcome(blocks, float(p), rose=bool(y))
    return blocks


def test_stability_is_the_sum_over_the_bins() -> None:
    reference, window = [[1000] * BINS], [[400, 0, *[200] * 8]]
    e = np.full(BINS, 0.1)
    a = (np.array(window[0]) + 0.5) / (sum(window[0]) + 0.5 * BINS)
    expected = sum((a[i] - e[i]) * math.log(a[i] / e[i]) for i in range(BINS))
    assert stability(reference, window)[0] == pytest.approx(expected)
    assert stability(reference, reference)[0] == 0.0


def test_bins_of_the_reference_are_tenths_and_take_what_lies_beyond() -> None:
    table = rows(2000, 1)
    edges = [column.edges for column in REFERENCE.columns]
    assert np.abs(count_bins(bin_rows(edges, table)) - 200).max() <= 1
    far = np.array([np.full(6, -1e9), np.full(6, 1e9)])
    assert bin_rows(edges, far).tolist() == [[0] * 6, [BINS - 1] * 6]


def test_feature_that_never_changes_is_stable_until_it_does() -> None:
    table, earlier = rows(2000, 1), before(2)
    table[:, 0], earlier.features[:, 0] = 1.0, 1.0
    reference = build_reference(table, earlier, FEATURES, BLOCK_ROWS)
    same = rows(500, 4)
    same[:, 0] = 1.0
    quiet = judge_drift(reference, counted(same, reference), HORIZON)
    moved = judge_drift(reference, counted(same - [1, 0, 0, 0, 0, 0], reference), HORIZON)
    assert quiet is not None
    assert quiet.found is None
    assert moved is not None
    assert moved.found is not None
    assert moved.features[0] == "calm"


def test_nothing_is_said_before_the_window_is_there() -> None:
    whole = (BLOCKS - 1) * BLOCK_ROWS
    assert judge_drift(REFERENCE, counted(rows(whole - 1, 3)), HORIZON) is None
    assert judge_drift(REFERENCE, counted(rows(whole, 3)), HORIZON) is not None


def test_window_holds_the_newest_blocks() -> None:
    blocks = counted(np.concatenate([rows(700, 3, scale=9.0), rows(BLOCKS * BLOCK_ROWS, 4)]))
    assert [block.rows for block in blocks] == [BLOCK_ROWS] * (BLOCKS - 1) + [40]
    found = judge_drift(REFERENCE, blocks, HORIZON)
    assert found is not None
    assert found.found is None
    assert found.rows == 400


@pytest.mark.parametrize("seed", range(20))
def test_market_as_it_was_is_no_drift(seed: int) -> None:
    found = judge_drift(REFERENCE, counted(rows(BLOCKS * BLOCK_ROWS, seed)), HORIZON)
    assert found is not None
    assert found.found is None


def test_wilder_market_is_found_in_features_and_predictions() -> None:
    found = judge_drift(REFERENCE, counted(rows(BLOCKS * BLOCK_ROWS, 5, scale=4.0)), HORIZON)
    assert found is not None
    assert found.feature_psi > found.feature_limit
    assert found.prediction_psi > found.prediction_limit
    assert set(found.features) == set(FEATURES)


def test_limits_are_what_the_history_has_had() -> None:
    """A market of calm and wild months: a wild week is nothing new."""
    earlier = before(2)
    earlier.features[1000:2000] *= 4.0
    reference = build_reference(rows(2000, 1), earlier, FEATURES, BLOCK_ROWS)
    assert reference.feature_limit > REFERENCE.feature_limit
    table = rows(BLOCKS * BLOCK_ROWS, 5)
    table[:, :2] *= 3.0
    for known, is_found in ((REFERENCE, True), (reference, False)):
        found = judge_drift(known, counted(table, known), HORIZON)
        assert found is not None
        assert (found.feature_psi > found.feature_limit) == is_found


@pytest.mark.parametrize("seed", range(10))
def test_probabilities_that_come_true_are_calibrated(seed: int) -> None:
    draw = np.random.default_rng(seed)
    p = draw.uniform(0.2, 0.8, 600)
    found = judge_drift(REFERENCE, with_outcomes(p, draw.uniform(size=600) < p), 1)
    assert found is not None
    assert found.calibration is not None
    assert found.calibration < CALIBRATION_LIMIT


@pytest.mark.parametrize(
    ("slope", "level"),
    [(1.0, 0.65), (-1.0, 0.5), (0.0, 0.5)],
    ids=["too low", "turned round", "worthless"],
)
def test_probabilities_that_no_longer_come_true_are_found(slope: float, level: float) -> None:
    draw = np.random.default_rng(1)
    p = draw.uniform(0.2, 0.8, 600)
    found = judge_drift(
        REFERENCE, with_outcomes(p, draw.uniform(size=600) < level + slope * (p - 0.5)), 1
    )
    assert found is not None
    assert found.found is not None
    assert found.found.startswith("calibration ")


def test_one_probability_for_all_has_no_slope_to_test() -> None:
    """The statistic is that of the share of rises alone, squared."""
    rose = np.arange(400) % 4 == 0
    found = judge_drift(REFERENCE, with_outcomes(np.full(400, 0.4), rose), 2)
    assert found is not None
    z = (100 - 160) / math.sqrt(400 * 0.4 * 0.6)
    assert found.calibration == pytest.approx(z**2 / 2)


def test_few_horizons_say_nothing_of_probabilities() -> None:
    blocks = with_outcomes(np.full(299, 0.9), np.zeros(299))
    found = judge_drift(REFERENCE, blocks, 10)
    assert found is not None
    assert found.calibration is None


def test_certain_probabilities_have_numbers() -> None:
    found = judge_drift(REFERENCE, with_outcomes(np.ones(200), np.zeros(200)), 1)
    assert found is not None
    assert found.calibration is not None
    assert math.isfinite(found.calibration)
