"""The candles and predictions of unseen rows, as the account that follows decisions takes them."""

from collections.abc import Mapping

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.features.regime import regimes_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Account, Track, follow
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.strategy import Strategy


def tracks_of(
    predictions: Predictions, data: TrainingData, rows: Rows, strategy: Strategy
) -> dict[str, Track]:
    """Return the candles of every symbol from the first of `rows` to a horizon after the last."""
    first = int(data.time_ms[rows].min())
    last = int(data.time_ms[rows].max()) + (data.horizon_steps + 1) * data.interval_ms
    tracks = {}
    for place, (symbol, candles) in enumerate(zip(data.symbols, data.candles, strict=True)):
        own = np.flatnonzero(data.symbol[rows] == place)
        part = candles.between(first, last + 1)
        tracks[symbol] = Track(
            candles=part,
            market=market_of(part, strategy.costs),
            rows=np.searchsorted(part.open_time_ms, data.time_ms[rows[own]]),
            predictions=predictions.at(own),
            regimes=regimes_of(data.features[rows[own]]),
        )
    return tracks


def constant_share(account: Account, tracks: Mapping[str, Track], strategy: Strategy) -> Values:
    """Return what each candle earns who holds the account's mean share all the time, (n,).

    The share is spread evenly over the symbols, bought at the first close at one side's costs, and
    kept constant for nothing: an account that does as well is worth its turnover.
    """
    share = float(np.mean(account.invested))
    earned = np.zeros(len(account.close_ms))
    for track in tracks.values():
        close = track.close_at(account.close_ms)
        earned[1:] += share / len(tracks) * (close[1:] / close[:-1] - 1.0)
    earned[0] -= share * strategy.round_trip / 2.0
    return earned


def follow_decisions(
    told: Predictions, data: TrainingData, rows: Rows, strategy: Strategy
) -> Account:
    """Return the account that follows the decisions on predictions at `rows`, sorted by time."""
    return follow(tracks_of(told, data, rows, strategy), strategy)
