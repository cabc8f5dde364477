"""Parity: every row counts, and what is no number never agrees."""

import numpy as np

from bot_runtime.scoring.parity import check_parity

SERVED = {"prob_up": np.array([0.5, 0.6, 0.7])}


def test_deviation_within_the_tolerance_agrees() -> None:
    native = {"prob_up": SERVED["prob_up"] + 9e-6}
    assert check_parity(SERVED, native, {"prob_up": 1e-5}) is None


def test_one_row_of_many_is_enough_and_named() -> None:
    native = {"prob_up": np.array([0.5, 0.6, 0.70002])}
    found = check_parity(SERVED, native, {"prob_up": 1e-5})
    assert found is not None
    assert found.startswith("prob_up: 1 of 3 rows differ, row 2 by 2e-05")


def test_what_is_no_number_on_both_sides_does_not_agree() -> None:
    values = {"p50": np.array([0.1, np.nan])}
    found = check_parity(values, values, {"p50": 1.0})
    assert found is not None
    assert "row 1" in found
