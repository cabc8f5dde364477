"""Contestants are judged on the same rows, by losses that can be computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality_contestants import Contestant, served
from benchmarks.quality_judged import (
    LEAST_OUTCOMES,
    Month,
    best_known_then,
    coverages,
    gains_of,
    judge,
    tell,
)
from benchmarks.quality_windows import SYMBOL, Learned
from bot_runtime.arrays import Flags, Rows
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation import references
from bot_runtime.evaluation.score_tables import MODEL
from bot_runtime.serving.predictions import Predictions
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import EVALUATION_FILE
from tests.unit.benchmarks.windows import the_learned, the_window


def naive(learned: Learned, rows: Rows) -> Predictions:
    """Say what the base rate and HAR say."""
    told = served(learned, rows)
    volatility = np.sqrt(references.har_variance(learned.data, rows))
    return replace(told, prob_up=references.base_rate(learned.data, rows), volatility=volatility)


def even(learned: Learned, rows: Rows) -> Predictions:
    """Say that a rise is as likely as a fall."""
    return replace(served(learned, rows), prob_up=np.full(len(rows), 0.5))


def judged(**contestants: Contestant) -> dict[str, Month]:
    months = judge("BTC", the_window().begin_ms, the_learned(), contestants)
    return {month.contestant: month for month in months}


def test_who_says_what_is_naive_is_as_good_as_it() -> None:
    month = judged(naive=naive)["naive"]
    assert month.below_best("Trend") == month.below_then("Trend") == 0
    losses = month.losses["Risk"]
    assert losses[MODEL] == pytest.approx(losses["HAR"], rel=1e-12)
    assert month.below_best("Risk") == pytest.approx(
        100 * (1 - losses["HAR"] / min(losses["HAR"], losses["EWMA"])), abs=1e-9
    )


def test_losses_are_those_of_the_months_outcomes() -> None:
    learned = the_learned()
    month = judged(even=even)["even"]
    assert month.losses["Trend"][MODEL] == pytest.approx(np.log(2))
    told, outcome = tell(learned, even), learned.data.labels.simple_return[learned.rows]
    assert month.inside.tolist() == ((told.p10 <= outcome) & (outcome <= told.p90)).tolist()
    share = float(np.mean(learned.data.labels.up[learned.data.splits.before_test]))
    rises = learned.data.labels.up[learned.rows]
    expected = -np.mean(rises * np.log(share) + (1 - rises) * np.log(1 - share))
    assert month.losses["Trend"]["base rate"] == pytest.approx(expected)


def test_all_contestants_stand_beside_the_same_naive_forecasts() -> None:
    months = judged(served=served, naive=naive)
    for objective in OBJECTIVES:
        own, other = (dict(month.losses[objective]) for month in months.values())
        assert own.pop(MODEL) != other.pop(MODEL) or objective == "Return"
        assert own == other
        assert months["served"].then[objective] in own


def test_the_best_known_then_is_the_one_that_the_gate_has_named() -> None:
    learned = the_learned()
    path = learned.store.version(learned.result.version) / EVALUATION_FILE
    named = [duel["against"] for duel in load_json(path)["duels"]]
    assert list(best_known_then(learned).values()) == named[: len(OBJECTIVES)]


def test_the_band_goes_on_from_where_the_evaluation_has_left_it() -> None:
    learned = the_learned()
    state = load_json(learned.store.band(learned.result.version, SYMBOL))
    row = learned.rows[:1]
    alone, told = served(learned, row)[0], tell(learned, served)[0]
    unit = float(learned.data.volatility[row][0] * np.sqrt(learned.data.horizon_steps))
    moved = (alone.p10 - told.p10) / unit, (told.p90 - alone.p90) / unit
    # The outcomes of the last horizon of the test slice are known only in the month.
    within = 0.01 * learned.data.horizon_steps
    assert moved == pytest.approx((state["lower"], state["upper"]), abs=within)
    assert told.p50 == alone.p50


def test_what_comes_later_changes_nothing_that_was_told_before() -> None:
    """Return rows whose outcomes are made up from the hundredth on."""
    learned = the_learned()
    later = learned.rows[100:]
    labels = replace(learned.data.labels, simple_return=learned.data.labels.simple_return.copy())
    labels.simple_return[later] = 0.5
    other = replace(learned, data=replace(learned.data, labels=labels))
    known = 100 + learned.data.horizon_steps
    own, its = tell(learned, served), tell(other, served)
    assert np.array_equal(own.p90[:known], its.p90[:known])
    assert (own.p90[known:] < its.p90[known:]).any()


def month_of(
    inside: Flags | None = None,
    model: float = 1.0,
    *,
    begin_ms: int = 0,
    contestant: str = "served",
    series: str = "BTC",
) -> Month:
    losses: dict[Objective, dict[str, float]] = {
        "Trend": {MODEL: model, "base rate": 1.0},
        "Return": {MODEL: model, "constant": 1.25, "scaled": 1.0},
        "Risk": {MODEL: model, "EWMA": 2.0, "HAR": 1.0},
    }
    then: dict[Objective, str] = {"Trend": "base rate", "Return": "constant", "Risk": "EWMA"}
    inside = np.ones(LEAST_OUTCOMES, dtype=np.bool_) if inside is None else inside
    return Month(series, begin_ms, contestant, True, losses, then, inside)


def test_a_loss_is_compared_with_the_best_known_then_and_in_hindsight() -> None:
    month = month_of(model=0.9)
    assert (month.best("Return"), month.best("Risk")) == ("scaled", "HAR")
    assert month.below_best("Risk") == pytest.approx(10)
    assert month.below_then("Risk") == pytest.approx(55)
    assert month.below_then("Return") == pytest.approx(28)
    assert month.below(month_of(model=1.0), "Risk") == pytest.approx(10)


def test_coverage_is_of_two_thousand_outcomes_at_least() -> None:
    yes, no = np.ones(1500, dtype=np.bool_), np.zeros(500, dtype=np.bool_)
    found = coverages([month_of(yes), month_of(no), month_of(no), month_of(np.tile(yes, 2))])
    assert np.isnan(found[0])
    assert found[1:] == [75, 50, 100]


def test_gains_are_of_the_same_month_and_series() -> None:
    months = [
        month_of(model=1.0, begin_ms=1),
        month_of(model=0.5, begin_ms=2),
        month_of(model=2.0, begin_ms=1, series="ETH"),
        month_of(model=0.5, begin_ms=2, contestant="other"),
        month_of(model=1.0, begin_ms=1, series="ETH", contestant="other"),
        month_of(model=1.1, begin_ms=1, contestant="other"),
    ]
    assert gains_of(months, "other", "Risk") == pytest.approx([0, 50, -10])
