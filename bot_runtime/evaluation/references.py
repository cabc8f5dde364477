"""The naive forecasts of a training's rows, fitted to the rows before the test slice.

What a version keeps of them is fitted by the same code.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.features.volatility import FLOOR, realised_volatility
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring import naive
from bot_runtime.scoring.scores import QUANTILES
from bot_runtime.store.bundle import Naive


def freeze_naive(data: TrainingData, past: Rows) -> Naive:
    """Return what a version that has seen the rows `past` keeps of naive forecasts."""
    p10, p50, p90 = _quantiles_in_units(data, past).tolist()
    return Naive(base_rate=_share_of_rises(data, past), quantiles=(p10, p50, p90))


def base_rate(data: TrainingData, rows: Rows) -> Values:
    """Return the share of rises before the test slice, for each of `rows`: (n,)."""
    return naive.base_rate(_share_of_rises(data, data.splits.before_test), len(rows))


def constant_quantiles(data: TrainingData, rows: Rows) -> Values:
    """Return the empirical quantiles of the return before the test slice: (n, 3)."""
    past = data.labels.simple_return[data.splits.before_test]
    return naive.constant_quantiles(np.quantile(past, QUANTILES), len(rows))


def scaled_quantiles(data: TrainingData, rows: Rows) -> Values:
    """Return the same of returns in units of the current volatility, scaled back: (n, 3)."""
    quantiles = _quantiles_in_units(data, data.splits.before_test)
    return naive.scaled_quantiles(quantiles, data.volatility[rows])


def ewma_variance(data: TrainingData, rows: Rows) -> Values:
    """Return the exponentially weighted variance of one candle, known at each row's close: (n,)."""
    return _by_symbol(data, partial(naive.ewma_volatility, least=FLOOR))[rows] ** 2


def har_variance(data: TrainingData, rows: Rows) -> Values:
    """Return the heterogeneous autoregression's variance of one candle at each of `rows`: (n,).

    Its regression is weighted by the current variance, so that one crash does not decide it.
    """
    spans = (_by_symbol(data, partial(realised_volatility, span=s)) for s in naive.HAR_SPANS)
    variances = np.column_stack([volatility**2 for volatility in spans])
    design = naive.har_design(variances, constant=FLOOR**2)
    current, before = data.volatility**2, data.splits.before_test
    past = design[before] / current[before, None]
    outcome = data.labels.variance[before] / current[before]
    coefficients = np.asarray(np.linalg.lstsq(past, outcome, rcond=None)[0], dtype=np.float64)
    return naive.har_variance(coefficients, design[rows], current[rows])


def _share_of_rises(data: TrainingData, past: Rows) -> float:
    return float(np.mean(data.labels.up[past]))


def _quantiles_in_units(data: TrainingData, past: Rows) -> Values:
    """Return p10, p50, p90 of past returns in units of the volatility at their rows, (3,)."""
    return np.asarray(
        np.quantile(data.labels.simple_return[past] / data.volatility[past], QUANTILES)
    )


def _by_symbol(data: TrainingData, volatility_of: Callable[[Values], Values]) -> Values:
    """Return a volatility of every row, (n,), each symbol's from its own closes."""
    volatility = np.full(len(data.close), np.nan)
    for symbol in range(len(data.symbols)):
        own = data.symbol == symbol
        volatility[own] = volatility_of(data.close[own])
    return volatility
