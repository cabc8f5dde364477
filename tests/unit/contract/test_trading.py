"""What a bot may stake and lose: the defaults of the design's tables, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot_runtime.contract.execution import ExecutionSpec
from bot_runtime.contract.explanations import explain
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import (
    DEFAULT_REGIMES,
    REGIMES,
    LossStreakSpec,
    RegimeSpec,
    RiskSpec,
    StopLossSpec,
    TradingSettings,
)
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.resources import EXAMPLES, bot, example


def refusal_of(**settings: Any) -> str:
    with pytest.raises(ValidationError) as e:
        TradingSettings.model_validate(settings)
    return explain(e.value, prefix="spec")


def test_the_defaults_of_capital_and_risk() -> None:
    assert TradingSettings().capital == "10000"
    assert RiskSpec().model_dump() == {
        "kelly_fraction": 0.25,
        "max_position": 0.25,
        "max_exposure": 0.5,
        "position_volatility": 0.005,
        "cvar_max": 0.01,
        "daily_loss_cap": 0.03,
        "weekly_loss_cap": 0.08,
        "max_drawdown": 0.15,
        "loss_streak": {"trades": 4, "cooldown_candles": 12},
        "stop_cooldown_candles": 2,
        "stop_loss": {"volatilities": 2.0, "min": 0.005, "max": 0.1},
        "take_profit": None,
        "max_holding_candles": None,
        "resume_after": None,
    }


def test_the_default_table_of_regimes() -> None:
    rows = [(r.name, r.size, r.prob_min_add, r.entries) for r in TradingSettings().regime_table]
    assert rows == [
        ("BULL_TREND", 1.0, 0.0, True),
        ("RANGE_SIDEWAYS", 0.7, 0.02, True),
        ("BEAR_TREND", 0.5, 0.03, True),
        ("CRISIS_HIGH_VOL", 0.0, 0.0, False),
    ]
    assert tuple(row[0] for row in rows) == REGIMES


def test_a_regime_that_is_listed_replaces_its_row_alone() -> None:
    """In whatever order they are listed; what a row leaves out is no factor and no addition."""
    own = [{"name": "CRISIS_HIGH_VOL", "size": 0.2}, {"name": "BULL_TREND", "probMinAdd": 0.01}]
    table = TradingSettings.model_validate({"regimes": own}).regime_table
    assert [r.name for r in table] == list(REGIMES)
    assert table[0] == RegimeSpec(name="BULL_TREND", prob_min_add=0.01)
    assert table[1:3] == DEFAULT_REGIMES[1:3]
    assert table[3] == RegimeSpec(name="CRISIS_HIGH_VOL", size=0.2, entries=True)


@pytest.mark.parametrize("capital", ["1", "0.00000001", "999999999999.99999999", "1000.50", "0.10"])
def test_an_amount_of_money_is_kept_to_the_letter(capital: str) -> None:
    assert TradingSettings(capital=capital).capital == capital


NO_MONEY = "is not an amount of money: write digits in quotes"


@pytest.mark.parametrize(
    ("capital", "message"),
    [
        ("0", "found '0'; is nothing: write an amount above 0, such as '1000'"),
        ("0.00000000", "is nothing"),
        ("-1", NO_MONEY),
        ("+1", NO_MONEY),
        ("1e30", NO_MONEY),
        ("1e3", NO_MONEY),
        ("1000000000000", NO_MONEY),
        ("1" + "0" * 30, "at most 21 characters"),
        ("0.000000001", NO_MONEY),
        ("01", NO_MONEY),
        ("1,000", NO_MONEY),
        ("1 000", NO_MONEY),
        (".5", NO_MONEY),
        ("5.", NO_MONEY),
        ("NaN", NO_MONEY),
        ("\u0661", NO_MONEY),
        ("1000\n", NO_MONEY),
        ("", NO_MONEY),
        (1000, "found 1000; input should be text: write it in quotes"),
        (1e30, "found 1e+30; input should be text: write it in quotes"),
        (-1, "found -1; input should be text: write it in quotes"),
        (0, "found 0; input should be text: write it in quotes"),
        (True, "found true; input should be text"),
        (None, "found null; input should be text"),
    ],
)
def test_capital_that_is_none_is_refused(capital: Any, message: str) -> None:
    refused = refusal_of(capital=capital)
    assert refused.startswith("spec.capital: found ")
    assert message in refused


@pytest.mark.parametrize(
    ("risk", "field", "message"),
    [
        ({"dailyLossCap": 0.09}, "dailyLossCap", "is above risk.weeklyLossCap"),
        ({"weeklyLossCap": 0.2}, "weeklyLossCap", "is above risk.maxDrawdown"),
        ({"maxDrawdown": 0.05}, "weeklyLossCap", "is above risk.maxDrawdown"),
        ({"maxPosition": 0.6}, "maxPosition", "is above risk.maxExposure"),
        ({"maxExposure": 0.2}, "maxPosition", "is above risk.maxExposure"),
        ({"stopLoss": {"min": 0.2}}, "stopLoss.min", "is above stopLoss.max"),
        ({"stopLoss": {"max": 0.001}}, "stopLoss.min", "is above stopLoss.max"),
        ({"stopLoss": {"max": 0.95}}, "stopLoss.max", "less than or equal to 0.9"),
        ({"stopLoss": {"volatilities": 0}}, "stopLoss.volatilities", "greater than 0"),
        ({"kellyFraction": 0}, "kellyFraction", "greater than 0"),
        ({"kellyFraction": 1.1}, "kellyFraction", "less than or equal to 1"),
        ({"cvarMax": float("nan")}, "cvarMax", "finite number"),
        ({"cvarMax": float("inf")}, "cvarMax", "finite number"),
        ({"maxDrawdown": "much"}, "maxDrawdown", "valid number"),
        ({"lossStreak": {"trades": 0}}, "lossStreak.trades", "greater than or equal to 1"),
        ({"takeProfit": {}}, "takeProfit.volatilities", "is missing"),
        ({"maxHoldingCandles": 0}, "maxHoldingCandles", "greater than or equal to 1"),
        ({"resumeAfter": "2026-01-02"}, "resumeAfter", "with a time zone"),
        ({"dailyLoss": 0.1}, "dailyLoss", "is not a field of the contract"),
    ],
)
def test_a_wrong_limit_is_named_by_its_field(risk: Any, field: str, message: str) -> None:
    refused = refusal_of(risk=risk)
    assert refused.startswith(f"spec.risk.{field}: ")
    assert message in refused


@pytest.mark.parametrize(
    ("regimes", "field", "message"),
    [
        ([{"name": "BULL"}], "0.name", "input should be 'BULL_TREND', 'RANGE_SIDEWAYS'"),
        ([{"name": "bull_trend"}], "0.name", "input should be 'BULL_TREND'"),
        ([{"size": 0.5}], "0.name", "is missing; add it"),
        ([{"name": "BULL_TREND", "size": 1.1}], "0.size", "less than or equal to 1"),
        ([{"name": "BULL_TREND", "size": -0.1}], "0.size", "greater than or equal to 0"),
        ([{"name": "BULL_TREND", "probMinAdd": 0.4}], "0.probMinAdd", "or equal to 0.3"),
        ([{"name": "BULL_TREND"}, {"name": "BULL"}], "1.name", "input should be"),
    ],
)
def test_a_wrong_regime_is_named_by_its_place(regimes: Any, field: str, message: str) -> None:
    refused = refusal_of(regimes=regimes)
    assert refused.startswith(f"spec.regimes.{field}: ")
    assert message in refused


def test_a_regime_is_listed_once() -> None:
    twice = [{"name": "BULL_TREND"}, {"name": "BEAR_TREND"}, {"name": "BULL_TREND", "size": 0.5}]
    refused = refusal_of(regimes=twice)
    assert refused.startswith("spec.regimes: ")
    assert "regimes names one twice: list each regime once" in refused


def test_limits_may_be_equal() -> None:
    same = {"dailyLossCap": 0.1, "weeklyLossCap": 0.1, "maxDrawdown": 0.1}
    RiskSpec.model_validate({**same, "maxPosition": 1, "maxExposure": 1})
    StopLossSpec(min=0.1, max=0.1)


def test_the_example_in_full_has_every_field_at_its_default() -> None:
    spec = TradingBotSpec.model_validate(example("trading.yaml")["spec"])
    plain = TradingBotSpec.model_validate(bot()["spec"])
    assert spec == plain.model_copy(update={"regimes": DEFAULT_REGIMES})
    text = (EXAMPLES / "trading.yaml").read_text(encoding="utf-8")
    parts = (RiskSpec, StopLossSpec, LossStreakSpec, RegimeSpec, ExecutionSpec, DecisionSpec)
    names = {field.alias for part in parts for field in part.model_fields.values()}
    assert {name for name in names if f"{name}:" not in text} == set()
