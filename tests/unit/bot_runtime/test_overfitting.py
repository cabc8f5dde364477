"""How much of a choice is luck: against published numbers and against simulated luck."""

import numpy as np
import pytest

from bot_runtime.scoring.overfitting import (
    deflated_sharpe,
    expected_best_sharpe,
    probability_of_overfitting,
    sharpe_ratio,
)


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(11)


def test_expected_best_sharpe_is_that_of_the_published_example() -> None:
    """Bailey and Lopez de Prado (2014): 100 trials, annual variance 1/2, 250 days: 0.1132 a day."""
    assert expected_best_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=1e-4)


def test_deflated_sharpe_is_that_of_the_published_example() -> None:
    """The same: 1,250 days, a Sharpe ratio of 2.5 a year, skewness -3, kurtosis 10: 0.9004."""
    shape = np.repeat([-3.298246, 0.3, 0.312563], [105, 855, 290])
    standard = (shape - shape.mean()) / shape.std()
    assert np.mean(standard**3) == pytest.approx(-3, abs=0.01)
    assert np.mean(standard**4) == pytest.approx(10, abs=0.01)
    returns = standard + 2.5 / np.sqrt(250)
    assert deflated_sharpe(returns, 100, 0.5 / 250) == pytest.approx(0.9004, abs=2e-3)


def test_best_of_many_without_skill_is_deflated(draw: np.random.Generator) -> None:
    chosen = []
    for _ in range(60):
        variants = draw.normal(size=(20, 500))
        best = max(variants, key=sharpe_ratio)
        chosen.append((deflated_sharpe(best, 1), deflated_sharpe(best, 20)))
    plain, deflated = np.array(chosen).T
    assert np.mean(plain > 0.95) > 0.4  # luck looks like skill
    assert np.mean(deflated > 0.95) < 0.1
    assert np.isnan(deflated_sharpe(np.zeros(50), 3))


def test_skill_stays(draw: np.random.Generator) -> None:
    assert deflated_sharpe(draw.normal(0.15, 1, 2000), 20) > 0.99


def test_choice_among_equals_is_overfitted_every_other_time(draw: np.random.Generator) -> None:
    found = [probability_of_overfitting(draw.normal(size=(400, 8))) for _ in range(30)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.12)


def test_choice_of_a_better_one_is_not_overfitted(draw: np.random.Generator) -> None:
    performance = draw.normal(size=(1000, 5))
    performance[:, 2] += 0.3
    assert probability_of_overfitting(performance) < 0.05


def test_choice_of_what_was_good_in_the_past_alone_is_overfitted() -> None:
    """Each of two variants is good in its own stretches: the better one here is worse there."""
    first = np.repeat([1.0, 0.0] * 5, 20)
    assert probability_of_overfitting(np.column_stack([first, 1 - first])) > 0.5


def test_one_variant_is_no_choice(draw: np.random.Generator) -> None:
    assert np.isnan(probability_of_overfitting(draw.normal(size=(100, 1))))
