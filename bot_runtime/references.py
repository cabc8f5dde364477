"""Naive references: what is known without any model, from the rows before the test slice."""

import numpy as np
import numpy.typing as npt

from bot_runtime.datasets import TrainingData
from bot_runtime.scores import QUANTILES
from bot_runtime.volatility import ewma_volatility

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


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
    volatility = np.full(len(data.close), np.nan)
    for symbol in range(len(data.symbols)):
        own = data.symbol == symbol
        volatility[own] = ewma_volatility(data.close[own])
    return volatility[rows] ** 2
