"""The share of past candles that the bot's thresholds would trade, and what refused the others."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.contract.signal import Decision, DecisionReason
from bot_runtime.contract.spec import DecisionSpec
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


SIDES = {"LONG": 1.0, "SHORT": -1.0, "NO_TRADE": 0.0}


def decisions_of(
    predictions: Predictions, thresholds: DecisionSpec
) -> tuple[list[Decision], list[DecisionReason]]:
    """Return every row's decision and its reason."""
    outcomes = [decide(predictions[row], thresholds) for row in range(len(predictions))]
    return [o.decision for o in outcomes], [o.reason for o in outcomes]


def record_of(predictions: Predictions, outcome: Values, thresholds: DecisionSpec) -> TradingRecord:
    """Return what the thresholds would have traded, given the simple returns that followed (n,)."""
    decisions, reasons = decisions_of(predictions, thresholds)
    side = np.array([SIDES[decision] for decision in decisions])
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
