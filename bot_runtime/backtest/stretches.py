"""An account by month and by regime, beside holding the assets."""

from collections.abc import Mapping

import numpy as np

from bot_runtime.arrays import Flags, Values
from bot_runtime.backtest.result import Stretch
from bot_runtime.contract.trading import REGIMES
from bot_runtime.scoring.ratios import drawdowns, returns_of
from bot_runtime.trading.account import Account, Track
from bot_runtime.trading.strategy import Strategy


def hold(account: Account, tracks: Mapping[str, Track], strategy: Strategy) -> Values:
    """Return the equity (n,) of buying every symbol in equal parts at its first close."""
    part = account.capital * (1.0 - strategy.round_trip / 2.0) / len(tracks)
    held = np.zeros(len(account.close_ms))
    for track in tracks.values():
        close = track.close_at(account.close_ms)
        held += part * close / close[0]
    return held


def by_month(account: Account, held: Values) -> tuple[Stretch, ...]:
    """Return the calendar months in UTC that the candles open in, oldest first."""
    opens = account.close_ms - account.interval_ms
    month = opens.astype("datetime64[ms]").astype("datetime64[M]")
    closed = (account.trades["closed_ms"]).astype("datetime64[ms]").astype("datetime64[M]")
    return tuple(
        _stretch(str(name), account, held, month == name, int(np.sum(closed == name)))
        for name in np.unique(month)
    )


def by_regime(account: Account, held: Values, tracks: Mapping[str, Track]) -> tuple[Stretch, ...]:
    """Return the regimes of the first symbol, in the order of REGIMES; absent ones are left out.

    A candle counts to the regime that was known at its opening, the first one to its own.
    """
    track = next(iter(tracks.values()))
    known_ms = track.candles.close_time_ms[track.rows]
    newest = np.searchsorted(known_ms, account.close_ms - account.interval_ms, side="right") - 1
    regime = track.regimes[np.maximum(newest, 0)]
    entered = account.trades["regime"]
    return tuple(
        _stretch(name, account, held, regime == place, int(np.sum(entered == place)))
        for place, name in enumerate(REGIMES)
        if np.any(regime == place)
    )


def _stretch(name: str, account: Account, held: Values, within: Flags, trades: int) -> Stretch:
    """Return what the candles of a stretch earned, one after the other."""
    own = np.asarray(np.cumprod(1.0 + account.net[within]), dtype=np.float64)
    return Stretch(
        name=name,
        candles=int(within.sum()),
        net=float(own[-1]) - 1.0,
        held=float(np.prod(1.0 + returns_of(account.capital, held)[within])) - 1.0,
        drawdown=float(drawdowns(1.0, own).max()),
        trades=trades,
    )
