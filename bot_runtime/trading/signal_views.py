"""From the signals that inference wrote to the views that it decided by, to the last bit.

Under Thresholds a view is a function of one prediction. Under VolatilityManaged the share depends
on the candles before, of which the signal alone tells the outcome: its own share is taken.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.contract.signal import Signal
from bot_runtime.contract.trading import REGIMES
from bot_runtime.market.candles import Candles, ms_of
from bot_runtime.serving.predictions import PREDICTED, Predictions
from bot_runtime.trading.decision import Views, views_of
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg


def views_told(
    predictions: Predictions, regimes: Sequence[str], share: Values, strategy: Strategy
) -> Views:
    """Return the views of rows in time order, of one symbol, that were told with their shares."""
    places: dict[str, int] = {name: place for place, name in enumerate(REGIMES)}
    of_regime = np.array([places[name] for name in regimes], dtype=np.intp)
    views = views_of(predictions, strategy, of_regime, np.arange(len(share)))
    if not strategy.is_managed:
        return views
    return replace(views, share=share, side=np.where(share > 0.0, 1, -1))


def views_of_signals(signals: Sequence[Signal], strategy: Strategy) -> Views:
    """Return the views of one symbol's signals, in time order, each of which has a prediction."""
    told = [[getattr(signal, name) for signal in signals] for name in PREDICTED]
    predictions = Predictions(*np.array(told, dtype=np.float64))
    share = np.array([signal.position_size for signal in signals], dtype=np.float64)
    return views_told(predictions, [signal.regime for signal in signals], share, strategy)


def find_fault(signal: Signal) -> str | None:
    """Return what a signal's prediction lacks for a view to be made of it; None where it is whole.

    The images of an earlier release write no volatility.
    """
    if signal.prob_up is None:
        return None
    for name in PREDICTED:
        if getattr(signal, name) is None:
            return f"{name}: is missing; the image that decides is of an earlier release"
    if signal.regime not in REGIMES:
        return f"regime: found {signal.regime}; it is one of {', '.join(REGIMES)}"
    return None


def leg_of(candles: Candles, signals: Sequence[Signal], strategy: Strategy) -> Leg:
    """Return one symbol's candles with the views of those that a signal has decided on.

    A signal without a prediction has none, and one of another candle is of no use here.
    """
    rows = {close_ms: row for row, close_ms in enumerate(candles.close_time_ms.tolist())}
    decided = {
        rows[ms_of(signal.bar_close_ts)]: signal
        for signal in signals
        if signal.prob_up is not None
        and signal.bar_close_ts is not None
        and ms_of(signal.bar_close_ts) in rows
    }
    places = sorted(decided)
    views = views_of_signals([decided[row] for row in places], strategy)
    return Leg(candles, views, np.array(places, dtype=np.intp))
