"""White noise that is addressed by position, and moving averages of it.

Everything in the generated market is a function of this noise at and shortly before a bar. That
is what makes it random-access: no state is carried from one bar to the next, so a bar is the same
whichever bars were asked for before it.
"""

import hashlib

import numpy as np

from bot_exchange.market.candles import Floats

BLOCK = 1024
"""Bars that are drawn together. A kernel may look back at most this many bars."""


class NoiseField:
    """Independent random numbers for every (stream, block), from one seed and one name.

    Philox is a counter-based generator: a block's numbers are found without drawing those before.
    """

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        self._key = np.frombuffer(digest[:16], np.uint64)

    def _generator(self, stream: int, block: int) -> np.random.Generator:
        counter = np.array([0, stream, block % 2**64, 0], np.uint64)
        return np.random.Generator(np.random.Philox(key=self._key, counter=counter))

    def normal(self, stream: int, block: int, per_bar: int = 1) -> Floats:
        """Return standard normal numbers, shape (BLOCK,) or (BLOCK, per_bar)."""
        shape = (BLOCK,) if per_bar == 1 else (BLOCK, per_bar)
        return self._generator(stream, block).standard_normal(shape)

    def uniform(self, stream: int, block: int, count: int) -> Floats:
        """Return `count` numbers in [0, 1) that belong to the block as a whole."""
        return self._generator(stream, block).random(count)

    def with_past(self, stream: int, block: int, past: int) -> Floats:
        """Return the block's normal numbers after the last `past` of the block before."""
        before = self.normal(stream, block - 1)[BLOCK - past :]
        return np.concatenate([before, self.normal(stream, block)])

    def smoothed(self, stream: int, block: int, kernel: Floats) -> Floats:
        """Return the noise convolved with `kernel` (index 0 = this bar), shape (BLOCK,).

        With a kernel of unit energy the result has mean 0 and variance 1.
        """
        past = self.with_past(stream, block, len(kernel) - 1)
        return np.convolve(past, kernel, "valid")


def unit_energy(kernel: Floats) -> Floats:
    """Return the kernel scaled so that its squares add up to 1."""
    return np.asarray(kernel / np.sqrt(np.sum(kernel**2)))


def exponential(half_life_bars: float, length: int) -> Floats:
    """Return a decaying kernel of unit energy."""
    return unit_energy(0.5 ** (np.arange(length) / half_life_bars))
