"""What a version says at the close of past candles, exactly as inference would have said it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Flags, Rows, Times, Values
from bot_runtime.features.closes import Closes
from bot_runtime.features.panel import compute_panel
from bot_runtime.features.regime import regimes_of
from bot_runtime.features.volatility import realised_volatility
from bot_runtime.market.candles import Candles, rows_without_gap, utc
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.serving.adaptive_band import Ahead, adapt_band
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.version import ServedVersion
from bot_runtime.trading.account import Track
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy

BLOCK: Final = 50_000
"""Candles whose features are in memory at once."""

Progress = Callable[[int], None]
"""Is told how many more candles are done."""


class Told(NamedTuple):
    """What was said of one symbol: `open_ms` (m,) are the candles that there are predictions of."""

    open_ms: Times
    predictions: Predictions
    regimes: Rows

    def at(self, rows: Rows) -> "Told":
        """Return what was said at some rows."""
        return Told(self.open_ms[rows], self.predictions.at(rows), self.regimes[rows])

    def within(self, begin_ms: int, end_ms: int) -> "Told":
        """Return what was said of the candles that open in [begin, end) ms."""
        first, last = (int(i) for i in np.searchsorted(self.open_ms, (begin_ms, end_ms)))
        own = slice(first, last)
        return Told(self.open_ms[own], self.predictions.at(own), self.regimes[own])

    @classmethod
    def none(cls) -> "Told":
        """Return that nothing was said."""
        return cls(np.empty(0, dtype=np.int64), Predictions.none(), np.empty(0, dtype=np.intp))

    @classmethod
    def joined(cls, parts: Sequence["Told"]) -> "Told":
        """Return what was said in all parts, one after the other."""
        return cls(
            np.concatenate([part.open_ms for part in parts]),
            Predictions.joined([part.predictions for part in parts]),
            np.concatenate([part.regimes for part in parts]),
        )


def tell(
    version: ServedVersion, candles: Mapping[str, Candles], begin_ms: int, progress: Progress
) -> dict[str, Told]:
    """Return what the version says of every candle that opens from a time on, as it is told.

    The bands of p10 and p90 begin to adapt at `begin_ms`; each knows the outcomes that had ended by
    then, and none later.
    """
    told = say(version, candles, begin_ms, progress)
    return {s: told[s]._replace(predictions=adapted(version, candles[s], told[s])) for s in told}


def say(
    version: ServedVersion, candles: Mapping[str, Candles], begin_ms: int, progress: Progress
) -> dict[str, Told]:
    """Return what the version says of every candle that opens from a time on, by its models alone.

    A candle whose history has a hole has no prediction, and a symbol that was not listed yet has no
    part in the features of the others.
    """
    parts = {symbol: [Told.none()] for symbol in candles}
    listed = [part for part in candles.values() if len(part) > 0]
    interval_ms = listed[0].interval_ms
    begin_ms = max(begin_ms, min(int(part.open_time_ms[0]) for part in listed))
    end_ms = max(int(part.close_time_ms[-1]) for part in listed)
    history_ms = version.memory_length * interval_ms
    for from_ms in range(begin_ms, end_ms, BLOCK * interval_ms):
        until_ms = min(from_ms + BLOCK * interval_ms, end_ms)
        near = {s: part.between(from_ms - history_ms, until_ms) for s, part in candles.items()}
        near = {symbol: part for symbol, part in near.items() if len(part) > 0}
        panel = compute_panel(near, version.manifest.inputs.features)
        for symbol, part in near.items():
            parts[symbol].append(_said(version, part, panel[symbol], from_ms))
        progress((until_ms - from_ms) // interval_ms)
    return {symbol: Told.joined(told) for symbol, told in parts.items()}


def _said(version: ServedVersion, candles: Candles, features: Values, from_ms: int) -> Told:
    """Return what is said of a block's candles that open from a time on."""
    whole: Flags = rows_without_gap(candles, version.context_length)
    rows = np.flatnonzero(whole & (candles.open_time_ms >= from_ms))
    if len(rows) == 0:
        return Told.none()
    told = version.predict_rows(features, Closes.of(candles), rows)
    return Told(candles.open_time_ms[rows], told, regimes_of(features[rows]))


def adapted(version: ServedVersion, candles: Candles, told: Told) -> Predictions:
    """Return what was said with the band as it adapts to the outcomes of these rows alone."""
    inputs = version.manifest.inputs
    horizon_ms = inputs.horizon_steps * candles.interval_ms
    at = np.searchsorted(candles.open_time_ms, told.open_ms)
    after = np.searchsorted(candles.open_time_ms, told.open_ms + horizon_ms)
    after = np.minimum(after, len(candles) - 1)
    known = candles.open_time_ms[after] == told.open_ms + horizon_ms
    outcome = np.where(known, candles.close[after] / candles.close[at] - 1.0, np.nan)
    volatility = realised_volatility(candles.close, inputs.volatility_candles)
    unit = volatility[at] * np.sqrt(inputs.horizon_steps)
    close_ms = told.open_ms + candles.interval_ms
    predictions, _ = adapt_band(told.predictions, Ahead(close_ms, unit, outcome, horizon_ms))
    return predictions


def tracks_of(
    candles: Mapping[str, Candles],
    markets: Mapping[str, Market],
    told: Mapping[str, Told],
    strategy: Strategy,
) -> dict[str, Track]:
    """Return the candles from the first decision to the last one's fills, with the predictions.

    Raises DataUnusableError where a symbol has none.
    """
    times = np.concatenate([one.open_ms for one in told.values()])
    first_ms = int(times.min())
    end_ms = int(times.max()) + (strategy.horizon_steps + 2) * strategy.interval_ms
    tracks = {}
    for symbol, whole in candles.items():
        part, one = whole.between(first_ms, end_ms), told[symbol]
        if len(part) == 0:
            raise DataUnusableError(
                f"{symbol}: no candle between {utc(first_ms)} and {utc(end_ms)}; take another span "
                "of time, or leave the symbol out"
            )
        rows = np.searchsorted(part.open_time_ms, one.open_ms)
        tracks[symbol] = Track(part, markets[symbol], rows, one.predictions, one.regimes)
    return tracks
