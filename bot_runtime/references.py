"""Naive references: what is known without any model, from the rows before the test slice."""

from collections.abc import Callable
from functools import partial

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.datasets import TrainingData
from bot_runtime.scores import QUANTILES
from bot_runtime.volatility import FLOOR, ewma_volatility, realised_volatility

HAR_SPANS = (5, 20, 60)
"""Candles of the short, the middle and the long variance."""
_LEAST_SHARE = 1e-2
"""Of the current variance: a regression's forecast below is cut, since a variance is positive."""


def base_rate(data: TrainingData, rows: Rows) -> Values:
    """Return the share of rises before the test slice, for each of `rows`: (n,)."""
    share = float(np.mean(data.labels.up[data.splits.before_test]))
    return np.full(len(rows), share)


def constant_quantiles(data: TrainingData, rows: Rows) -> Values:
    """Return the empirical quantiles of the return before the test slice: (n, 3)."""
    past = data.labels.simple_return[data.splits.before_test]
    return np.tile(np.quantile(past, QUANTILES), (len(rows), 1))


def scaled_quantiles(data: TrainingData, rows: Rows) -> Values:
    """Return the same of returns in units of the current volatility, scaled back: (n, 3)."""
    before = data.splits.before_test
    past = data.labels.simple_return[before] / data.volatility[before]
    return np.outer(data.volatility[rows], np.quantile(past, QUANTILES))


def ewma_variance(data: TrainingData, rows: Rows) -> Values:
    """Return the exponentially weighted variance of one candle, known at each row's close: (n,)."""
    return _by_symbol(data, ewma_volatility)[rows] ** 2


def har_variance(data: TrainingData, rows: Rows) -> Values:
    """Return the heterogeneous autoregression's variance of one candle at each of `rows`: (n,).

    Corsi, A Simple Approximate Long-Memory Model of Realized Volatility (2009): a linear regression
    of the horizon's variance on realised variances of three spans, fitted to the rows before the
    test slice; here weighted by the current variance, so that one crash does not decide it.
    """
    design = np.column_stack(
        [_by_symbol(data, partial(realised_volatility, span=span)) ** 2 for span in HAR_SPANS]
    )
    design = np.column_stack([np.full(len(design), FLOOR**2), design])
    current, before = data.volatility**2, data.splits.before_test
    past = design[before] / current[before, None]
    outcome = data.labels.variance[before] / current[before]
    coefficients = np.linalg.lstsq(past, outcome, rcond=None)[0]
    return np.maximum(design[rows] @ coefficients, _LEAST_SHARE * current[rows])


def _by_symbol(data: TrainingData, volatility_of: Callable[[Values], Values]) -> Values:
    """Return a volatility of every row, (n,), each symbol's from its own closes."""
    volatility = np.full(len(data.close), np.nan)
    for symbol in range(len(data.symbols)):
        own = data.symbol == symbol
        volatility[own] = volatility_of(data.close[own])
    return volatility
