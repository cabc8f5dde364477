"""What the risk forecast is mixed of: found again where it was planted, finite in any market."""

import numpy as np
import pytest

from bot_runtime.arrays import Rows, Values
from bot_runtime.features.sequences import RawOutputs
from bot_runtime.learning.datasets import TrainingData, build_training_data
from bot_runtime.learning.labels import to_target
from bot_runtime.learning.risk_fitting import (
    _fit_logarithms,
    _fit_shares,
    fit_combination,
    out_of_sample,
)
from bot_runtime.market.candles import Candles
from bot_runtime.scoring.scores import qlike
from bot_runtime.serving.risk_combination import har_terms_at, har_variance
from tests.unit.bot_runtime.markets import random_candles


def data_of(returns: Values) -> TrainingData:
    candles = random_candles(len(returns))
    close = 100.0 * np.exp(np.cumsum(returns))
    flat = Candles(60_000, candles.open_time_ms, close, close, close, close, candles.volume)
    return build_training_data({"BTC/USDT": flat}, 5, 1)


def learned(data: TrainingData, log_ratio: float = 0.0) -> RawOutputs:
    def at(rows: Rows) -> Values:
        return np.full((len(rows), 1), log_ratio)

    return RawOutputs(at, np.ones(len(data.close), dtype=np.bool_))


def test_planted_shares_are_found_and_none_is_negative() -> None:
    draw = np.random.default_rng(1)
    design = draw.gamma(2, 1, (20_000, 4))
    ratio = design @ np.array([0.5, 0.0, 0.2, 0.3]) * draw.gamma(2, 0.5, 20_000)
    assert _fit_shares(design, ratio) == pytest.approx([0.5, 0.0, 0.2, 0.3], abs=0.03)


def test_planted_logarithms_are_found() -> None:
    draw = np.random.default_rng(2)
    design = np.column_stack([draw.normal(0, 1, (20_000, 2)), np.ones(20_000)])
    design = np.column_stack([design, draw.normal(0, 1, 20_000)])
    weights = np.array([0.3, -0.2, 0.5, 0.1])
    ratio = np.exp(design @ weights) * draw.gamma(2, 0.5, 20_000)
    assert _fit_logarithms(design, ratio) == pytest.approx(weights, abs=0.03)


def test_the_level_is_that_of_outcomes_that_no_model_was_fitted_to() -> None:
    data = data_of(np.random.default_rng(3).normal(0, 1e-3, 4_000))
    low, high = (fit_combination(learned(data, x), data, data.splits) for x in (-1.0, 2.0))
    assert low.level - high.level == pytest.approx(3.0)
    rows = out_of_sample(data.splits)
    target = to_target("Risk", data.labels, data.volatility, data.horizon_steps)[rows]
    assert np.exp(low.level - 1.0) == pytest.approx(target.mean())
    assert np.isin(rows, data.splits.fit).sum() == 0


def test_har_beats_the_current_variance_where_volatility_comes_back() -> None:
    draw = np.random.default_rng(4)
    swing = np.exp(0.8 * np.sin(np.arange(6_000) / 400) + 0.4 * np.sin(np.arange(6_000) / 9))
    data = data_of(draw.normal(0, 1e-3, 6_000) * swing)
    combination = fit_combination(learned(data), data, data.splits)
    test, outcome = data.splits.test, data.labels.variance[data.splits.test]
    told = har_variance(combination, har_terms_at(data.closes, test))
    current = data.volatility[test] ** 2
    assert qlike(told, outcome).mean() < 0.95 * qlike(current, outcome).mean()


@pytest.mark.parametrize("kind", ["dead", "dead, then alive", "doubles", "a tick"])
def test_the_numbers_are_finite_in_any_market(kind: str) -> None:
    returns = np.random.default_rng(5).normal(0, 1e-3, 4_000)
    if kind == "dead":
        returns[:] = 0.0
    elif kind == "dead, then alive":
        returns[:2_500] = 0.0
    elif kind == "doubles":
        returns[3_000:3_060] += np.log(2) / 60
    else:
        returns = np.where(np.arange(4_000) % 97 == 0, returns, 0.0)
    data = data_of(returns)
    combination = fit_combination(learned(data), data, data.splits)
    told = har_variance(combination, har_terms_at(data.closes, data.splits.test))
    assert np.isfinite(told).all()
    assert (told > 0).all()
