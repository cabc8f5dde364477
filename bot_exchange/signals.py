"""The predictable part of the generated market's returns, in three flavours.

Each flavour gives, for every bar, a drift that is known from bars before it (mean 0, variance 1),
the unpredictable innovation that it is mixed with (the same), and what it shows in the volume.
The market gives the drift a share of a return's variance, `share` at strength 1 and none at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bot_exchange.candles import Floats
from bot_exchange.noise import BLOCK, NoiseField, exponential, unit_energy

INNOVATION_STREAM = 0
SIGNAL_STREAM = 1
EVENT_STREAM = 2
SIZE_STREAM = 3


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


def _quiet(noise: NoiseField, block: int, drift: Floats) -> Planted:
    return Planted(drift, noise.normal(INNOVATION_STREAM, block), np.zeros(BLOCK))


# Its weights add up to about zero: a trend that overshoots and is given back, so that the price
# wanders no further in a month than a market without the signal would.
_LAGS = np.arange(96)
_MOMENTUM = unit_energy(np.exp(-_LAGS / 14.0) * (1.0 - _LAGS / 14.0))


def plant_momentum(noise: NoiseField, block: int) -> Planted:
    """Plant trends of about ten bars that are given back over the next thirty."""
    return _quiet(noise, block, noise.smoothed(SIGNAL_STREAM, block, _MOMENTUM))


EVENT_BARS = 3
_EVENT_LEVEL = 0.6745  # a normal number exceeds it with chance 1/4
_EVENT_CHANCE = 0.25 * 0.75**EVENT_BARS  # after EVENT_BARS bars without one
_EVENT_SCALE = 1.8
_CALM_SCALE = np.sqrt((1 - _EVENT_CHANCE * _EVENT_SCALE**2) / (1 - _EVENT_CHANCE))
_ECHO = np.append(0.0, np.full(EVENT_BARS, 1 / np.sqrt(EVENT_BARS * _EVENT_CHANCE)))


def plant_threshold(noise: NoiseField, block: int) -> Planted:
    """Plant volume spikes whose size decides whether their bar is continued or reversed.

    A spike of about 4 times the volume reverses its bar over the next three, one of about 14 times
    continues it: neither the bar's direction nor the spike says anything by itself.
    """
    past = EVENT_BARS
    wish = noise.with_past(EVENT_STREAM, block, 2 * past) > _EVENT_LEVEL
    recent = np.convolve(wish, np.append(0, np.ones(past)), "valid") > 0
    event = wish[past:] & ~recent
    huge = noise.with_past(SIZE_STREAM, block, past) > 0
    innovation = noise.with_past(INNOVATION_STREAM, block, past)
    innovation = innovation * np.where(event, _EVENT_SCALE, _CALM_SCALE)
    direction = np.where(event, np.sign(innovation) * np.where(huge, 1.0, -1.0), 0.0)
    volume = np.where(event, np.where(huge, np.log(14.0), np.log(4.0)), 0.0)
    drift = np.convolve(direction, _ECHO, "valid")
    return Planted(drift, innovation[past:], volume[past:])


PERIOD_BARS = 20
_OSCILLATION_LENGTH = 240
_OSCILLATION = unit_energy(
    exponential(40.0, _OSCILLATION_LENGTH)
    * np.cos(2 * np.pi * np.arange(_OSCILLATION_LENGTH) / PERIOD_BARS)
)


def plant_oscillation(noise: NoiseField, block: int) -> Planted:
    """Plant a noisy oscillation whose phase shows only over several of its periods."""
    return _quiet(noise, block, noise.smoothed(SIGNAL_STREAM, block, _OSCILLATION))


FLAVOURS = {
    "momentum": Flavour(plant_momentum, 0.45, "trends that any learner finds"),
    "threshold": Flavour(plant_threshold, 0.40, "interactions in the last bar, which trees find"),
    "oscillation": Flavour(plant_oscillation, 0.20, "a phase that a sequence model finds"),
}
