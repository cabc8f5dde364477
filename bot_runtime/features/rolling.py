"""Sums, variances, extremes and exponential averages over every window of a series.

By doubling: windows of 2, 4, 8 ... values are joined from two of half their length, and any length
from those powers, so that `span` costs log2(span) passes. No running total is carried along the
series: a result depends on its own window alone, to the last bit, wherever the series begins or
ends.

Every function takes (n,) and returns (n - span + 1,): the windows that end at the rows from
span - 1 on. The series has at least `span` values.
"""

from collections.abc import Callable

import numpy as np

from bot_runtime.arrays import Values

_State = tuple[Values, ...]
_Join = Callable[[_State, _State, int, int], _State]
"""From the states and lengths of an earlier window and of the one that follows it."""


def sums(values: Values, span: int) -> Values:
    """Return the sum of each window."""
    return _joined((values,), span, lambda a, b, _n, _m: (a[0] + b[0],))[0]


def means(values: Values, span: int) -> Values:
    """Return the mean of each window."""
    return sums(values, span) / span


def minima(values: Values, span: int) -> Values:
    """Return the least value of each window."""
    return _joined((values,), span, lambda a, b, _n, _m: (np.minimum(a[0], b[0]),))[0]


def maxima(values: Values, span: int) -> Values:
    """Return the greatest value of each window."""
    return _joined((values,), span, lambda a, b, _n, _m: (np.maximum(a[0], b[0]),))[0]


def moments(values: Values, span: int) -> tuple[Values, Values]:
    """Return the mean and the population standard deviation of each window.

    Squared deviations are joined as by Chan, Golub, LeVeque (1979), which unlike the difference of
    squares loses no digits where a price is large and hardly moves.
    """
    total, squares = _joined((values, np.zeros_like(values)), span, _join_moments)
    return total / span, np.sqrt(squares / span)


def geometric_sums(values: Values, decay: float, span: int) -> Values:
    """Return the sum of each window whose newest value counts 1, the one before it `decay`, ..."""
    return _joined((values,), span, lambda a, b, _n, m: (decay**m * a[0] + b[0],))[0]


def wilder_sums(values: Values, period: int, seed: int, span: int) -> Values:
    """Return Wilder's running total, begun anew in each window.

    It starts as the sum of the first `seed` < `span` values; every later one is added to
    (period - 1) / period of the total (J. W. Wilder, 1978). With a seed of `period`, a period-th of
    it is his average.
    """
    decay, rest = (period - 1) / period, span - seed
    begun = decay**rest * sums(values, seed)
    return np.asarray(begun[: len(values) - span + 1] + geometric_sums(values, decay, rest)[seed:])


def exponential_means(values: Values, period: int, span: int) -> Values:
    """Return the exponential average with smoothing 2 / (period + 1), begun anew in each window.

    It starts as the mean of the window's first `period` < `span` values, as TA-Lib's does.
    """
    smoothing, rest = 2.0 / (period + 1.0), span - period
    begun = (1.0 - smoothing) ** rest * means(values, period)
    followed = smoothing * geometric_sums(values, 1.0 - smoothing, rest)
    return np.asarray(begun[: len(values) - span + 1] + followed[period:])


def _join_moments(a: _State, b: _State, n: int, m: int) -> _State:
    between = (b[0] if n == m else b[0] * (n / m)) - a[0]
    between *= between
    between *= m / (n * (n + m))
    between += a[1]
    between += b[1]
    return a[0] + b[0], between


def _joined(values: _State, span: int, join: _Join) -> _State:
    """Return the state of every window of `span` values, from those of single values."""
    block, width = values, 1
    total, size = values, 0
    while True:
        if span & width:
            total = _adjoin(total, size, block, width, join) if size else block
            size += width
        if 2 * width > span:
            return total
        block = _adjoin(block, width, block, width, join)
        width *= 2


def _adjoin(early: _State, n: int, late: _State, m: int, join: _Join) -> _State:
    """Join each window of n values with the window of m values that follows it."""
    count = len(early[0]) - m
    return join(
        tuple(part[:count] for part in early), tuple(part[n : n + count] for part in late), n, m
    )
