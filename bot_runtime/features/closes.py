"""Closes of several symbols in rows, and of one symbol in slots of time.

Rows have the candles that there are, one symbol after the other. A slot is there for every candle
that there could have been, so that a slot's past is as long whether or not some of it is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bot_runtime.arrays import Rows, Times, Values
from bot_runtime.features import rolling
from bot_runtime.features.volatility import FLOOR, realised_volatility
from bot_runtime.market.candles import Candles


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """One symbol's candles in slots of time, (s,), the first and the last of which are there.

    Attributes:
        row: (s,) row of each slot's candle; -1 where it is missing.
        squares: (s,) squared log return into each slot; NaN where one of its candles is missing.
    """

    row: Rows
    squares: Values

    @classmethod
    def of(cls, rows: Rows, slot: Rows, close: Values) -> Self:
        """Return the slots of `close` (n,), whose rows and slots are `rows` and `slot`, (n,)."""
        row, logarithm = np.full(slot[-1] + 1, -1), np.full(slot[-1] + 1, np.nan)
        row[slot], logarithm[slot] = rows, np.log(close)
        return cls(row, np.diff(logarithm, prepend=np.nan) ** 2)

    def variances(self, span: int, least: int = 1) -> Values:
        """Return the mean of the squares among the last `span`, (s,).

        Not below FLOOR squared; NaN where fewer than `least` are known.
        """
        known = np.isfinite(self.squares)
        squares = np.concatenate([np.zeros(span - 1), np.where(known, self.squares, 0.0)])
        until = np.cumsum(np.concatenate([np.zeros(span, dtype=np.intp), known]))
        count = until[span:] - until[:-span]
        means = np.maximum(rolling.sums(squares, span) / np.maximum(count, 1), FLOOR**2)
        return np.where(count >= least, means, np.nan)

    def variance_after(self, steps: int) -> Values:
        """Return the mean of the `steps` squares after each slot, (s,); NaN if one is missing."""
        after = np.full(len(self.squares), np.nan)
        until = self.variances(steps, least=steps)[steps:]
        after[: len(until)] = until
        return after


@dataclass(frozen=True, slots=True, eq=False)
class Closes:
    """Closes in rows, each column (n,): one symbol after the other, each by time."""

    interval_ms: int
    symbol: Rows
    time_ms: Times
    close: Values
    _volatility: dict[int, Values] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, candles: Candles) -> Self:
        """Return the closes of one symbol."""
        one = np.zeros(len(candles), dtype=np.intp)
        return cls(candles.interval_ms, one, candles.open_time_ms, candles.close)

    def volatility(self, span: int) -> Values:
        """Return one candle's volatility at every row, (n,): see `realised_volatility`."""
        if span not in self._volatility:  # a prediction asks twice
            found = self._volatility[span] = np.full(len(self.close), np.nan)
            for rows, _ in self._symbols():
                found[rows] = realised_volatility(self.close[rows], span)
        return self._volatility[span]

    def slots(self, rows: Rows) -> Iterator[tuple[Rows, Rows, Slots]]:
        """Give each symbol of `rows` in slots: which of `rows` are its own, in which slots."""
        for own, slot in self._symbols():
            asked = np.flatnonzero((rows >= own[0]) & (rows <= own[-1]))
            if len(asked):
                yield asked, slot[rows[asked] - own[0]], Slots.of(own, slot, self.close[own])

    def _symbols(self) -> Iterator[tuple[Rows, Rows]]:
        """Give the rows of each symbol, and the slots that they are in."""
        for own in np.split(np.arange(len(self.symbol)), np.flatnonzero(np.diff(self.symbol)) + 1):
            if len(own):
                times = self.time_ms[own]
                yield own, (times - times[0]) // self.interval_ms
