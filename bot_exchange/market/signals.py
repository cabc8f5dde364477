"""The predictable part of the generated market's returns, in three flavours.

Each flavour gives, for every bar, a drift that is known from bars before it (mean 0, variance 1),
the unpredictable innovation that it is mixed with (the same), and what it shows in the volume.
The market gives the drift a share of a return's variance, `share` at strength 1 and none at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bot_exchange.market.candles import Floats
from bot_exchange.market.noise import BLOCK, NoiseField, unit_energy

INNOVATION_STREAM = 0
SIGNAL_STREAM = 1
BAND_STREAM = 2


@dataclass(frozen=True, slots=True)
class Planted:
    """One block's columns, each of shape (BLOCK,)."""

    drift: Floats
    innovation: Floats
    log_volume: Floats


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a signal is planted, its share of the variance at strength 1, and who finds it."""

    plant: Callable[[NoiseField, int], Planted]
    share: float
    summary: str


# Its weights add up to about zero: a trend that overshoots and is given back, so that the price
# wanders no further in a month than a market without the signal would.
_LAGS = np.arange(96.0)
_MOMENTUM = unit_energy(np.exp(-_LAGS / 14.0) * (1.0 - _LAGS / 14.0))


def plant_momentum(noise: NoiseField, block: int) -> Planted:
    """Plant trends of about ten bars that are given back over the next thirty."""
    drift = noise.smoothed(SIGNAL_STREAM, block, _MOMENTUM)
    return Planted(drift, noise.normal(INNOVATION_STREAM, block), np.zeros(BLOCK))


_BAND_BOUNDS = np.array([-1.1503, -0.3186, 0.3186, 1.1503])  # chances 1/8, 1/4, 1/4, 1/4, 1/8
_BAND_EFFECT = np.array([1.0, -1.0, 1.0, -1.0, 1.0])
_BAND_LOG_VOLUME = 2.0  # for one standard deviation: far above the volume's other noise
_EFFECT_BARS = 5
_EFFECT = np.append(0.0, np.full(_EFFECT_BARS, 1 / np.sqrt(_EFFECT_BARS)))


def plant_threshold(noise: NoiseField, block: int) -> Planted:
    """Plant five bands of volume that send the next five bars up, down, up, down and up.

    More volume is no more of anything: a smooth function of it says nothing, its thresholds do.
    """
    level = noise.with_past(BAND_STREAM, block, _EFFECT_BARS)
    effect = _BAND_EFFECT[np.searchsorted(_BAND_BOUNDS, level)]
    drift = np.convolve(effect, _EFFECT, "valid")
    innovation = noise.normal(INNOVATION_STREAM, block)
    return Planted(drift, innovation, _BAND_LOG_VOLUME * level[_EFFECT_BARS:])


_PERIOD_BARS = 16
_PHASE_SPREAD = 2.5  # radians: in the long run the phase is anything
_AGE = np.arange(1000.0)
_PHASE = unit_energy((1.0 + _AGE) * np.exp(-_AGE / 150.0))
_LEAD_BARS = 3
_SWING = 0.4  # of log volume; a single bar has as much noise of its own


def plant_oscillation(noise: NoiseField, block: int) -> Planted:
    """Plant an oscillation whose phase wanders, in the returns and a quarter period off in volume.

    A bar shows next to nothing of the phase: its volume says as little of the next five bars'
    direction as its return does. The last periods together show it well.
    """
    bars = (block * BLOCK + np.arange(BLOCK)) % _PERIOD_BARS
    turn = 2 * np.pi / _PERIOD_BARS
    phase = bars * turn + _PHASE_SPREAD * noise.smoothed(SIGNAL_STREAM, block, _PHASE)
    return Planted(
        np.sqrt(2) * np.cos(phase),
        noise.normal(INNOVATION_STREAM, block),
        _SWING * np.sin(phase + _LEAD_BARS * turn),
    )


FLAVOURS = {
    "momentum": Flavour(plant_momentum, 0.50, "trends that any learner finds"),
    "threshold": Flavour(plant_threshold, 0.65, "bands of volume, which trees find best"),
    "oscillation": Flavour(plant_oscillation, 0.20, "a phase, which sequence models find best"),
}
