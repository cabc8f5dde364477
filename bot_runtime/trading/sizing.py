"""How large an entry may be, a share of the equity, before anything is known of the account.

The simple return r over the horizon is p10, p50 or p90, with the weights 0.3, 0.4 and 0.3
(Swanson's rule). c is the cost of a round trip. A share f of the equity then earns f (r - c).

Kelly (1956)       f* is where the expected log growth E log(1 + f (r - c)) is largest. Its
                   derivative is zero where A f^2 + B f + C = 0, with x = r - c over the three
                   values: A = x1 x2 x3, B = sum w_i x_i (S - x_i), C = sum w_i x_i, S = x1+x2+x3.
                   The smallest positive root; 0 where C <= 0, no bound where no x is a loss.
VolatilityTarget   f <= positionVolatility / predicted volatility over the horizon.
Cvar               f * -(p50 - 1.37 (p50 - p10)) <= cvarMax: a normal tail beyond p10, whose mean
                   lies phi(1.2816) / 0.1 = 1.755 deviations below p50, 1.37 times as far as p10
                   (Rockafellar and Uryasev, 2000).
MaxPosition        f <= maxPosition.

The least of them, times the regime's factor, is the wanted share.
"""

from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.contract.trading import RuleName
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.rule_results import RuleColumn, column
from bot_runtime.trading.strategy import Strategy

WEIGHTS: Final = (0.3, 0.4, 0.3)
"""Of p10, p50 and p90: Swanson's rule."""
TAIL: Final = 1.37
"""Mean of a normal tail beyond p10, in units of the distance from p50 to p10."""
UNBOUNDED: Final = 1.0
"""A bound that does not bind: nobody buys for more than the equity on a spot market."""


def kelly(outcomes: tuple[Values, Values, Values]) -> Values:
    """Return the growth-optimal share for net returns (n,) with WEIGHTS; inf where none loses."""
    x1, x2, x3 = outcomes
    total = x1 + x2 + x3
    a = x1 * x2 * x3
    b = sum(w * x * (total - x) for w, x in zip(WEIGHTS, outcomes, strict=True))
    c = expected(outcomes)
    root = np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        # Not (-b - root) / 2a: a is a product of three small numbers.
        found = 2.0 * c / (root - b)
    loses = np.minimum(np.minimum(x1, x2), x3) < 0.0
    return np.where(c <= 0.0, 0.0, np.where(loses, found, np.inf))


def expected(outcomes: tuple[Values, Values, Values]) -> Values:
    """Return the mean (n,) of outcomes with WEIGHTS."""
    x1, x2, x3 = outcomes
    return WEIGHTS[0] * x1 + WEIGHTS[1] * x2 + WEIGHTS[2] * x3


def expected_growth(share: Values, outcomes: tuple[Values, Values, Values]) -> Values:
    """Return E log(1 + f (r - c)) of shares (n,) of the equity; -inf where all may be lost."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x1, x2, x3 = (np.log(np.maximum(1.0 + share * x, 0.0)) for x in outcomes)
    return expected((x1, x2, x3))


def net_outcomes(predictions: Predictions, strategy: Strategy) -> tuple[Values, Values, Values]:
    """Return the three returns (n,) of a long position after a round trip's costs."""
    cost = strategy.round_trip
    return predictions.p10 - cost, predictions.p50 - cost, predictions.p90 - cost


def bounds_of(predictions: Predictions, strategy: Strategy) -> tuple[RuleColumn, ...]:
    """Return the largest share (n,) that each rule allows; a rule that allows none has not passed.

    The threshold of each is the share that it has to exceed: 0.
    """
    risk = strategy.risk
    outcomes = net_outcomes(predictions, strategy)
    volatility = strategy.over_horizon(predictions.volatility)
    tail = TAIL * (predictions.p50 - predictions.p10) - predictions.p50
    with np.errstate(divide="ignore"):
        shares = {
            RuleName.KELLY: risk.kelly_fraction * kelly(outcomes),
            RuleName.VOLATILITY_TARGET: risk.position_volatility / volatility,
            RuleName.CVAR: np.where(tail > 0.0, risk.cvar_max / np.abs(tail), np.inf),
            RuleName.MAX_POSITION: np.full(len(predictions), risk.max_position),
        }
    bounded = {rule: np.minimum(share, UNBOUNDED) for rule, share in shares.items()}
    return tuple(column(rule, share, 0.0, share > 0.0) for rule, share in bounded.items())


def least_of(bounds: tuple[RuleColumn, ...]) -> Values:
    """Return the share (n,) that all bounds allow."""
    least: Values = np.minimum.reduce([bound.value for bound in bounds])
    return least


def distances_of(predictions: Predictions, strategy: Strategy) -> tuple[Values, Values]:
    """Return how far stop and target lie from an entry, shares (n,) of its price.

    Infinite where there is no target; there always is a stop.
    """
    stop, target = strategy.risk.stop_loss, strategy.risk.take_profit
    volatility = strategy.over_horizon(predictions.volatility)
    below = np.clip(stop.volatilities * volatility, stop.min, stop.max)
    above = (
        np.full(len(predictions), np.inf) if target is None else target.volatilities * volatility
    )
    return below, above
