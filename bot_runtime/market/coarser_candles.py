"""Coarser candles from finer ones: twelve of five minutes make one of an hour."""

import numpy as np

from bot_runtime.market.candles import Candles


def coarsen(candles: Candles, interval_ms: int) -> Candles:
    """Return candles of `interval_ms`, a multiple of the candles' own, aligned to 1970 in UTC.

    A coarse candle is there only where every one of its parts is: an open, a high or a low of what
    is missing would be a guess, and one that is still going on has not closed.
    """
    parts = interval_ms // candles.interval_ms
    number = candles.open_time_ms // interval_ms
    _, first, count = np.unique(number, return_index=True, return_counts=True)
    first = first[count == parts]
    own = first[:, None] + np.arange(parts)
    return Candles(
        interval_ms,
        candles.open_time_ms[first],
        candles.open[first],
        candles.high[own].max(axis=1),
        candles.low[own].min(axis=1),
        candles.close[first + parts - 1],
        candles.volume[own].sum(axis=1),
    )
