"""From a prediction and the thresholds to LONG, SHORT or NO_TRADE, and why.

LONG   iff risk_score <= riskMax and prob_up >= probMin
       and p50 >= minExpectedReturn + 2 * feesBps / 10000
SHORT  the same of 1 - prob_up and -p50 (on a spot market: sell what is held)
else   NO_TRADE with the first threshold that refused, of the likelier direction

confidence    = (2 * p - 1) * (1 - risk_score), p the probability of the likelier direction
position_size = min(confidence, LARGEST_POSITION) for LONG and SHORT, else 0: a share of equity
"""

from dataclasses import dataclass
from typing import Final

from bot_runtime.contract.signal import Decision, DecisionReason, reason_text
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.serving.predictions import Prediction

LARGEST_POSITION: Final = 0.25
"""Most of the equity that one decision may ask for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided and why; `found` has the numbers."""

    decision: Decision
    reason: DecisionReason
    found: str
    confidence: float
    risk_allowed: bool
    position_size: float

    @property
    def text(self) -> str:
        """The reason with its numbers, as a signal has it."""
        return reason_text(self.reason, self.found)


@dataclass(frozen=True, slots=True)
class _Direction:
    """A prediction as one direction sees it."""

    decision: Decision
    signal: DecisionReason
    probability: float
    expected_return: float


def decide(prediction: Prediction, thresholds: DecisionSpec) -> Outcome:
    """Return the decision on a prediction; pure, the same in evaluation and inference."""
    up = _Direction("LONG", DecisionReason.LONG_SIGNAL, prediction.prob_up, prediction.p50)
    down = _Direction(
        "SHORT", DecisionReason.SHORT_SIGNAL, 1.0 - prediction.prob_up, -prediction.p50
    )
    # The larger probability decides, and the sign of the return where both are one half.
    likelier = max(up, down, key=lambda side: (side.probability, side.expected_return))
    risk_allowed = prediction.risk_score <= thresholds.risk_max
    confidence = (2.0 * likelier.probability - 1.0) * (1.0 - prediction.risk_score)
    refusal = _refusal(prediction, likelier, thresholds)
    if refusal is not None:
        return Outcome("NO_TRADE", *refusal, confidence, risk_allowed, 0.0)
    found = (
        f"probability {likelier.probability:.3f}, "
        f"return {likelier.expected_return:.5f}, risk {prediction.risk_score:.3f}"
    )
    size = min(confidence, LARGEST_POSITION)
    return Outcome(likelier.decision, likelier.signal, found, confidence, risk_allowed, size)


def least_return(thresholds: DecisionSpec) -> float:
    """Return the simple return that a trade has to promise: the minimum after a round trip."""
    return thresholds.min_expected_return + 2.0 * thresholds.fees_bps / 10_000.0


def _refusal(
    prediction: Prediction, direction: _Direction, thresholds: DecisionSpec
) -> tuple[DecisionReason, str] | None:
    """Return the first threshold that refuses the direction, with found and asked-for value."""
    if prediction.risk_score > thresholds.risk_max:
        return (
            DecisionReason.RISK_ABOVE_MAX,
            f"risk {prediction.risk_score:.3f} > riskMax {thresholds.risk_max:g}",
        )
    if direction.probability < thresholds.prob_min:
        return (
            DecisionReason.PROB_BELOW_MIN,
            f"{direction.decision} probability "
            f"{direction.probability:.3f} < probMin {thresholds.prob_min:g}",
        )
    if direction.expected_return < least_return(thresholds):
        return (
            DecisionReason.RETURN_BELOW_MIN,
            f"{direction.decision} return "
            f"{direction.expected_return:.5f} < {least_return(thresholds):.5f} "
            f"(minExpectedReturn + 2 * feesBps)",
        )
    return None
