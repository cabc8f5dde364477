"""Strategies, predictions and candles that tests of trading share."""

from typing import Any

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RegimeSpec, RiskSpec, TradingSettings
from bot_runtime.serving.predictions import Prediction
from bot_runtime.trading.decision import View, decide
from bot_runtime.trading.strategy import Strategy

INTERVAL_MS = 300_000
GOOD = Prediction(prob_up=0.7, p10=-0.01, p50=0.01, p90=0.03, risk_score=0.3, volatility=0.002)
"""A prediction that every threshold lets pass."""
UNLIMITED: dict[str, Any] = {
    "daily_loss_cap": 1,
    "weekly_loss_cap": 1,
    "max_drawdown": 1,
    "loss_streak": {"trades": 1000},
    "stop_cooldown_candles": 0,
}
"""Limits that nothing trips."""


def strategy_with(
    decision: DecisionSpec | None = None,
    *,
    capital: str = "10000",
    regimes: tuple[RegimeSpec, ...] = (),
    horizon_steps: int = 5,
    interval_ms: int = INTERVAL_MS,
    **risk: Any,
) -> Strategy:
    """Return a strategy; what is not named has its default."""
    settings = TradingSettings(capital=capital, regimes=regimes, risk=RiskSpec(**risk))
    return Strategy(decision or DecisionSpec(), settings, horizon_steps, interval_ms)


def decide_by(prediction: Prediction, decision: DecisionSpec) -> View:
    """Return the view of a prediction in a rising market, which changes no threshold."""
    return decide(prediction, strategy_with(decision), "BULL_TREND")


def prediction_of(prob_up: float, p50: float, risk: float) -> Prediction:
    """Return a prediction whose quantiles lie a hundredth apart."""
    return Prediction(prob_up, p50 - 0.01, p50, p50 + 0.01, risk, 0.002)
