"""The model of the generated market's returns, block by block.

    r[t] = volatility[t] * (sqrt(1 - share) * innovation[t] + sqrt(share) * drift[t])

The volatility clusters (two time scales) and follows regimes: bull, bear, range, crisis. The drift
is known from candles before t. `share` grows with the square of the strength; at strength 0 there
is no drift, and bull and bear differ in their volatility alone. Both terms have unit variance, so
the variance of a return does not depend on the strength.
"""

from dataclasses import dataclass

import numpy as np

from bot_exchange.market.candles import Floats
from bot_exchange.market.noise import BLOCK, NoiseField, exponential
from bot_exchange.market.signals import FLAVOURS

_SLOW_STREAM, _FAST_STREAM, _VOLUME_STREAM, _REGIME_STREAM = 16, 17, 18, 19

_SEGMENT = 256  # bars of one regime
_SMOOTHING = 48  # bars over which one regime passes into the next
_REGIME_BOUNDS = np.array([0.3, 0.6, 0.9])  # bull, bear, range, crisis by a uniform number
_REGIME_CHANCE = np.array([0.3, 0.3, 0.3, 0.1])
_REGIME_VOLATILITY = np.array([0.9, 1.0, 0.7, 2.0])
_REGIME_VOLATILITY /= np.sqrt(np.sum(_REGIME_CHANCE * _REGIME_VOLATILITY**2))
_REGIME_DRIFT = np.array([1.0, -1.0, 0.0, 0.0]) / np.sqrt(0.6)
_REGIME_SHARE = 0.01  # of the drift's variance

_SLOW, _SLOW_WEIGHT = exponential(200.0, 1000), 0.30
_FAST, _FAST_WEIGHT = exponential(20.0, 200), 0.25


@dataclass(frozen=True, slots=True)
class Returns:
    """One block, columns of shape (BLOCK,): log return, its volatility, log of relative volume."""

    log_return: Floats
    volatility: Floats
    log_volume: Floats


@dataclass(frozen=True, slots=True)
class ReturnModel:
    """Returns of one symbol; `volatility` is the standard deviation of a bar's log return."""

    noise: NoiseField
    flavour: str
    strength: float
    volatility: float

    def block(self, block: int) -> Returns:
        """Return the block's columns; needs the block and the one before, and no other."""
        flavour = FLAVOURS[self.flavour]
        planted = flavour.plant(self.noise, block)
        regimes = self._regimes(block)
        share = flavour.share * self.strength**2
        drift = np.sqrt(1 - _REGIME_SHARE) * planted.drift + np.sqrt(_REGIME_SHARE) * _blend(
            _REGIME_DRIFT[regimes]
        )
        shape = np.sqrt(1 - share) * planted.innovation + np.sqrt(share) * drift
        relative = self._volatility(block, regimes)
        volume = (
            0.5 * np.log(relative)
            + 0.25 * self.noise.normal(_VOLUME_STREAM, block)
            + planted.log_volume
        )
        return Returns(self.volatility * relative * shape, self.volatility * relative, volume)

    def _volatility(self, block: int, regimes: np.ndarray) -> Floats:
        """Return the volatility relative to its mean: its mean square is 1."""
        log_volatility = _SLOW_WEIGHT * self.noise.smoothed(_SLOW_STREAM, block, _SLOW)
        log_volatility += _FAST_WEIGHT * self.noise.smoothed(_FAST_STREAM, block, _FAST)
        log_volatility -= _SLOW_WEIGHT**2 + _FAST_WEIGHT**2  # E[exp(2x)] = exp(2 var x)
        return np.exp(log_volatility) * _blend(_REGIME_VOLATILITY[regimes])

    def _regimes(self, block: int) -> np.ndarray:
        """Return the regime of each bar, with `_SMOOTHING - 1` bars of the block before."""
        segments = BLOCK // _SEGMENT
        uniform = np.append(
            self.noise.uniform(_REGIME_STREAM, block - 1, segments)[-1],
            self.noise.uniform(_REGIME_STREAM, block, segments),
        )
        bars = np.repeat(np.searchsorted(_REGIME_BOUNDS, uniform, side="right"), _SEGMENT)
        return bars[_SEGMENT - _SMOOTHING + 1 :]


def _blend(by_bar: Floats) -> Floats:
    return np.convolve(by_bar, np.full(_SMOOTHING, 1 / _SMOOTHING), "valid")
