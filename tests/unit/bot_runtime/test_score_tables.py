"""Score tables: the model and its references on the same rows, by the same scores."""

from dataclasses import replace

import numpy as np
import pytest

from bot_runtime.contract.results import ObjectiveResult, to_text
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation import references
from bot_runtime.evaluation.score_tables import MODEL, measure, score_table
from bot_runtime.features.volatility import realised_volatility
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring import naive
from bot_runtime.scoring.naive import HAR_SPANS
from tests.unit.bot_runtime.learning import training_data

REFERENCES = {"Trend": ["base rate"], "Return": ["constant", "scaled"], "Risk": ["EWMA", "HAR"]}


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return training_data(3000)


def truth(data: TrainingData) -> dict[str, np.ndarray]:
    """Return what only a model that knows the future says."""
    rows = data.splits.test
    outcome, variance = data.labels.simple_return[rows], data.labels.variance[rows]
    least = 1e-4 * data.volatility[rows] ** 2
    up = data.labels.up[rows]
    return {
        "prob_up": 0.1 + 0.8 * up,
        **dict.fromkeys(("p10", "p50", "p90"), outcome),
        "volatility": np.sqrt(np.maximum(variance, least)),
        "risk_score": up,
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_model_stands_beside_its_references(data: TrainingData, objective: Objective) -> None:
    table = score_table(objective, truth(data), data, data.splits.test)
    assert list(table) == [MODEL, *REFERENCES[objective]]
    for row in table.values():
        assert list(row) == list(table[MODEL])
        assert np.isfinite(list(row.values())).all()


def test_knowing_the_future_beats_every_reference(data: TrainingData) -> None:
    """Were the columns of two forecasters exchanged, or a sign turned, this would not hold."""
    lower = {"Trend": ("log_loss", "brier"), "Return": ("pinball_p10", "crps"), "Risk": ("qlike",)}
    for objective in OBJECTIVES:
        table = score_table(objective, truth(data), data, data.splits.test)
        for score in lower[objective]:
            best = min(table[name][score] for name in REFERENCES[objective])
            assert table[MODEL][score] < best


def test_the_volatility_is_held_against_the_worst_excursion_too(data: TrainingData) -> None:
    """Who knows the excursion ranks it perfectly, though not the variance."""
    rows = data.splits.test
    told = truth(data) | {"volatility": data.labels.adverse_excursion[rows] + 1e-6}
    table = score_table("Risk", told, data, rows)
    assert table[MODEL]["excursion_correlation"] == pytest.approx(1.0)
    assert 0.2 < table[MODEL]["rank_correlation"] < 0.99
    assert all(0 < table[name]["excursion_correlation"] < 1 for name in REFERENCES["Risk"])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_is_published_is_the_tables(data: TrainingData, objective: Objective) -> None:
    rows = data.splits.test
    found = measure(objective, truth(data), data, rows)
    table = score_table(objective, truth(data), data, rows)
    for name, value in found.items():
        score = name.partition("_naive")[0]
        assert value in [row[score] for row in table.values()]
    result = ObjectiveResult(
        objective=objective,
        algorithm="GradientBoosting",
        metrics=to_text(found),
        artifact_sha256="0" * 64,
    )
    assert result.metrics == to_text(found)


def test_har_knows_nothing_of_the_test_rows(data: TrainingData) -> None:
    rows = data.splits.test
    found = references.har_variance(data, rows)
    variance = data.labels.variance.copy()
    variance[rows] *= 100
    other = replace(data, labels=replace(data.labels, variance=variance))
    changed = references.har_variance(other, rows)
    assert (found > 0).all()
    assert np.array_equal(found, changed)


def test_har_finds_the_weights_of_the_three_spans(data: TrainingData) -> None:
    short, middle, long = (realised_volatility(data.close, span) ** 2 for span in HAR_SPANS)
    truth = 0.5 * short + 0.3 * middle + 0.2 * long
    made = replace(data, labels=replace(data.labels, variance=truth))
    rows = data.splits.test
    assert references.har_variance(made, rows) == pytest.approx(truth[rows])


def test_what_a_version_keeps_of_naive_forecasts_says_what_it_was_judged_against(
    data: TrainingData,
) -> None:
    rows = data.splits.test
    kept = references.freeze_naive(data, data.splits.before_test)
    rates = naive.base_rate(kept.base_rate, len(rows))
    assert np.array_equal(rates, references.base_rate(data, rows))
    told = naive.scaled_quantiles(np.array(kept.quantiles), data.volatility[rows])
    assert np.array_equal(told, references.scaled_quantiles(data, rows))
