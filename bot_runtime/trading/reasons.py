"""The sentence of a decision: its reason, and the numbers that were found."""

from typing import Final

from bot_runtime.contract.signal import Decision, DecisionReason
from bot_runtime.contract.trading import Regime, RuleName
from bot_runtime.serving.predictions import Prediction
from bot_runtime.trading.rule_results import RuleResult, binding

_REFUSALS: Final = {
    RuleName.RISK_MAX: DecisionReason.RISK_ABOVE_MAX,
    RuleName.REGIME: DecisionReason.REGIME_REFUSES,
    RuleName.PROB_MIN: DecisionReason.PROB_BELOW_MIN,
    RuleName.MIN_EXPECTED_RETURN: DecisionReason.RETURN_BELOW_MIN,
}


def tell_thresholds(
    rules: tuple[RuleResult, ...], direction: Decision, regime: Regime, prediction: Prediction
) -> tuple[DecisionReason, str]:
    """Return the first rule that refuses the direction, or the numbers that let it pass."""
    refusal = binding(rules)
    if refusal is None:
        probability, promised = (rule.value for rule in rules[2:])
        is_long = direction == "LONG"
        return (
            DecisionReason.LONG_SIGNAL if is_long else DecisionReason.SHORT_SIGNAL,
            f"probability {probability:.3f}, return {promised:.5f}, "
            f"risk {prediction.risk_score:.3f}",
        )
    value, asked = refusal.value, refusal.threshold
    found = {
        RuleName.RISK_MAX: f"risk {value:.3f} > riskMax {asked:g}",
        RuleName.REGIME: f"no entries in {regime}",
        RuleName.PROB_MIN: f"{direction} probability {value:.3f} < probMin {asked:g}",
        RuleName.MIN_EXPECTED_RETURN: (
            f"{direction} return {value:.5f} < {asked:.5f} (minExpectedReturn + 2 * feesBps)"
        ),
    }
    return _REFUSALS[refusal.rule], found[refusal.rule]


def tell_managed(
    rules: tuple[RuleResult, ...], bounds: tuple[RuleResult, ...], share: float
) -> tuple[DecisionReason, str]:
    """Return why a share is held, or none."""
    refusal = binding(rules)
    if refusal is not None:
        found = f"risk {refusal.value:.3f} > riskMax {refusal.threshold:g}: nothing is held"
        return DecisionReason.RISK_ABOVE_MAX, found
    least = min(bounds, key=lambda bound: bound.value)
    return (
        DecisionReason.VOLATILITY_TARGET,
        f"share {share:.3f}, wanted {least.value:.3f} by {least.rule}",
    )
