"""How much of the equity stands at risk together: positions that move together count as one.

The exposure of weights w is the root of w' R w. R has the correlations of the last RETURNS log
returns, none below 0: a hedge that was seen in the past is not relied upon. All weights together
are at most 1.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Times, Values

RETURNS: Final = 500
"""Log returns that a correlation is taken over."""
LEAST: Final = 30
"""Fewest returns that say anything of a correlation: below, markets are taken to move as one."""


class Closes(NamedTuple):
    """The newest closes of one market: opening times of candles and prices, (n,)."""

    time_ms: Times
    close: Values


def correlation(one: Closes, other: Closes) -> float:
    """Return the correlation, 0 to 1, of the last RETURNS log returns over common candles.

    1 where there are too few, or where a market stood still: nothing is known then.
    """
    _, mine, theirs = np.intersect1d(
        one.time_ms[-RETURNS - 1 :], other.time_ms[-RETURNS - 1 :], return_indices=True
    )
    returns = [
        np.diff(np.log(part.close[-RETURNS - 1 :][rows]))
        for part, rows in ((one, mine), (other, theirs))
    ]
    if len(returns[0]) < LEAST or min(float(np.std(r)) for r in returns) == 0.0:
        return 1.0
    return max(0.0, min(1.0, float(np.corrcoef(np.stack(returns))[0, 1])))


def correlations(closes: Sequence[Closes]) -> Values:
    """Return the correlations (k, k) of k markets, 1 on the diagonal."""
    found = np.eye(len(closes))
    for i, one in enumerate(closes):
        for j, other in enumerate(closes[:i]):
            found[i, j] = found[j, i] = correlation(one, other)
    return found


def room_for(weights: Sequence[float], found: Values, max_exposure: float) -> float:
    """Return the largest weight of one more market that keeps exposure and sum of weights.

    `found` (k + 1, k + 1) are the correlations of the weighted markets and of the new one, which is
    the last. Its weight f solves f^2 + 2 f b + a = max_exposure^2, with a = w' R w of the others
    and b the sum of their weights by their correlation with it.
    """
    w = np.asarray(weights)
    a, b = float(w @ found[:-1, :-1] @ w), float(w @ found[:-1, -1])
    left = max_exposure**2 - a
    if left <= 0.0:
        return 0.0
    return max(0.0, min(math.sqrt(b * b + left) - b, 1.0 - float(w.sum())))
