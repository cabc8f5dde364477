"""The share of past candles that the bot's thresholds would trade, and what refused the others."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Counts, Rows, Values
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RuleName
from bot_runtime.features.regime import regimes_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.strategy import Strategy

_FIELDS: Final = {
    RuleName.RISK_MAX: "riskMax",
    RuleName.REGIME: "regimes",
    RuleName.PROB_MIN: "probMin",
    RuleName.MIN_EXPECTED_RETURN: "minExpectedReturn",
}
"""Where the spec has the threshold of a rule."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What was decided at rows: `side` 1 for LONG, -1 for SHORT, else 0, (n,).

    `refused` counts the rows that each rule refused first.
    """

    side: Counts
    refused: Counter[RuleName]


def decisions_of(
    predictions: Predictions, data: TrainingData, rows: Rows, strategy: Strategy
) -> Decided:
    """Return the decisions on predictions at `rows`, which are sorted by time."""
    side, refused = np.zeros(len(rows), dtype=np.int64), Counter[RuleName]()
    for symbol in range(len(data.symbols)):
        own = np.flatnonzero(data.symbol[rows] == symbol)
        number = data.time_ms[rows[own]] // data.interval_ms
        regimes = regimes_of(data.features[rows[own]])
        views = views_of(predictions.at(own), strategy, regimes, number)
        side[own] = views.side
        refused += views.refused
    return Decided(side, refused)


def record_of(decided: Decided, outcome: Values, thresholds: DecisionSpec) -> TradingRecord:
    """Return what the decisions would have traded, given the simple returns that followed (n,)."""
    side, refused = decided.side, decided.refused
    traded = side != 0
    gross = (side * outcome)[traded]
    return TradingRecord(
        rows=len(side),
        longs=int(np.sum(side > 0)),
        shorts=int(np.sum(side < 0)),
        tradable_share=float(np.mean(traded)),
        hit_rate=float(np.mean(gross > 0)) if len(gross) else None,
        mean_return=float(np.mean(gross)) - 2 * thresholds.fees_bps / 1e4 if len(gross) else None,
        binding_threshold=_FIELDS[refused.most_common(1)[0][0]] if refused else None,
    )
