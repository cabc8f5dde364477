"""What the bot's thresholds make of the predictions of past candles."""

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from bot_runtime.arrays import Counts, Rows, Values
from bot_runtime.contract.signal import Decision, DecisionReason
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring.overfitting import deflated_sharpe, sharpe_ratio
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.decision import decide

_THRESHOLDS = {
    DecisionReason.RISK_ABOVE_MAX: "riskMax",
    DecisionReason.PROB_BELOW_MIN: "probMin",
    DecisionReason.RETURN_BELOW_MIN: "minExpectedReturn",
}


@dataclass(frozen=True, slots=True)
class TradingRecord:
    """Decisions on rows whose outcome is known.

    Attributes:
        tradable_share: rows decided LONG or SHORT, of all.
        hit_rate: decided rows that moved the decided way, of those; None where there are none.
        mean_return: mean simple return of decided rows in their direction after a round trip's
            fees; None likewise. Rows overlap, so it is no account's profit.
        binding_threshold: field of the spec that refused most rows; None where none did.
    """

    rows: int
    longs: int
    shorts: int
    tradable_share: float
    hit_rate: float | None
    mean_return: float | None
    binding_threshold: str | None


_YEAR_MS = 365.25 * 86_400_000.0
_SIDES = {"LONG": 1.0, "SHORT": -1.0, "NO_TRADE": 0.0}


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
    sides = np.array([_SIDES[decision] for decision in decisions])
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


def decisions_of(
    predictions: Predictions, thresholds: DecisionSpec
) -> tuple[list[Decision], list[DecisionReason]]:
    """Return every row's decision and its reason."""
    outcomes = [decide(predictions[row], thresholds) for row in range(len(predictions))]
    return [o.decision for o in outcomes], [o.reason for o in outcomes]


def record_of(predictions: Predictions, outcome: Values, thresholds: DecisionSpec) -> TradingRecord:
    """Return what the thresholds would have traded, given the simple returns that followed (n,)."""
    decisions, reasons = decisions_of(predictions, thresholds)
    side = np.array([_SIDES[decision] for decision in decisions])
    traded = side != 0
    gross = (side * outcome)[traded]
    refusals = Counter(
        _THRESHOLDS[reason]
        for decision, reason in zip(decisions, reasons, strict=True)
        if decision == "NO_TRADE"
    )
    return TradingRecord(
        rows=len(side),
        longs=int(np.sum(side > 0)),
        shorts=int(np.sum(side < 0)),
        tradable_share=float(np.mean(traded)),
        hit_rate=float(np.mean(gross > 0)) if len(gross) else None,
        mean_return=float(np.mean(gross)) - 2 * thresholds.fees_bps / 1e4 if len(gross) else None,
        binding_threshold=refusals.most_common(1)[0][0] if refusals else None,
    )
