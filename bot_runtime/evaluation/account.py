"""The account that follows the decisions on past candles: returns, fees, drawdown, Sharpe ratio."""

import math
from dataclasses import dataclass, field

import numpy as np

from bot_runtime.arrays import Counts, Rows, Values
from bot_runtime.contract.signal import Decision
from bot_runtime.evaluation.tradable_share import SIDES
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring.overfitting import deflated_sharpe, sharpe_ratio

_YEAR_MS = 365.25 * 86_400_000.0


@dataclass(frozen=True, slots=True)
class Backtest:
    """An account that follows the decisions, candle by candle.

    For the horizon a LONG decision buys 1 / horizon of the equity, the same of each symbol, and a
    SHORT one sells as much of what is held: on a spot market nobody holds less than nothing. What
    is bought and sold pays the fee of one side. Nothing else of a market's frictions is in it.

    Attributes:
        bar: number of each candle in time, (n,); `net`: what it earned after fees, (n,), a share
            of the equity.
        net_return: sum of them; `gross_return`: before fees.
        drawdown: deepest fall of their running sum from its highest.
        sharpe: of `net`, a year's.
        deflated_sharpe: probability that skill is in it, given how many variants were tried.
    """

    bar: Counts = field(repr=False)
    net: Values = field(repr=False)
    net_return: float
    gross_return: float
    drawdown: float
    sharpe: float
    deflated_sharpe: float

    def to_text(self) -> dict[str, str]:
        """Return the numbers as the store has them: six significant digits."""
        names = ("net_return", "gross_return", "drawdown", "sharpe", "deflated_sharpe")
        return {name: f"{getattr(self, name):.6g}" for name in names}


def backtest(
    decisions: list[Decision], data: TrainingData, rows: Rows, fees_bps: float, trials: int
) -> Backtest:
    """Return what following the decisions at `rows` would have earned.

    `trials` is how many variants the decisions' version was chosen from.
    """
    sides = np.array([SIDES[decision] for decision in decisions])
    first = int(data.time_ms[rows].min())
    length = int(data.time_ms[rows].max() - first) // data.interval_ms + data.horizon_steps + 1
    gross, traded = np.zeros(length), np.zeros(length)
    for symbol in range(len(data.symbols)):
        own = data.symbol[rows] == symbol
        place = (data.time_ms[rows[own]] - first) // data.interval_ms
        decided = np.zeros(length)
        decided[place] = sides[own] / data.horizon_steps
        exposure = np.maximum(np.convolve(decided, np.ones(data.horizon_steps))[:length], 0.0)
        gross += exposure * _next_returns(data, symbol, first, length)
        traded += np.abs(np.diff(exposure, prepend=0.0))
    gross, traded = gross / len(data.symbols), traded / len(data.symbols)
    net = gross - traded * fees_bps / 1e4
    equity = np.cumsum(net)
    return Backtest(
        bar=first // data.interval_ms + np.arange(length),
        net=net,
        net_return=float(equity[-1]),
        gross_return=float(gross.sum()),
        drawdown=float(np.max(np.maximum.accumulate(np.maximum(equity, 0.0)) - equity)),
        sharpe=sharpe_ratio(net) * math.sqrt(_YEAR_MS / data.interval_ms),
        deflated_sharpe=deflated_sharpe(net, trials),
    )


def _next_returns(data: TrainingData, symbol: int, first_ms: int, length: int) -> Values:
    """Return each candle's simple return to the next one, (length,); a missing one stood still."""
    own = np.flatnonzero(data.symbol == symbol)
    wanted = first_ms + np.arange(length + 1) * data.interval_ms
    newest = np.searchsorted(data.time_ms[own], wanted, side="right") - 1
    close = data.close[own[np.maximum(newest, 0)]]
    return np.asarray(close[1:] / close[:-1] - 1.0)
