"""A bot's strategy: what follows from its policy, its costs and its horizon."""

import numpy as np
import pytest

from bot_runtime.contract.spec import DecisionSpec, ModelSpec
from bot_runtime.contract.trading import RegimeSpec, TradingSettings
from bot_runtime.trading.precision import Costs
from bot_runtime.trading.strategy import MEMORY, Strategy
from tests.unit.bot_runtime.strategies import INTERVAL_MS, strategy_with

MANAGED = DecisionSpec(policy="VolatilityManaged")


def test_a_position_is_held_for_the_horizon_or_for_what_the_risk_says() -> None:
    assert strategy_with(horizon_steps=5).holding_ms == 5 * INTERVAL_MS
    assert strategy_with(horizon_steps=5, max_holding_candles=2).holding_ms == 2 * INTERVAL_MS
    assert strategy_with(MANAGED, max_holding_candles=2).holding_ms == 0, "it follows a share"


def test_only_a_managed_share_remembers() -> None:
    assert (strategy_with().memory, strategy_with(MANAGED).memory) == (1, MEMORY)


def test_a_round_trip_costs_fees_and_slippage_twice() -> None:
    strategy = strategy_with(DecisionSpec(fees_bps=7.5, slippage_bps=2.5))
    assert strategy.round_trip == pytest.approx(0.002)
    assert strategy.costs == Costs(fee=750_000_000, slippage=250_000_000)


def test_volatility_over_the_horizon_grows_with_its_root() -> None:
    assert strategy_with(horizon_steps=4).over_horizon(np.array([0.01])) == pytest.approx(0.02)


def test_regimes_are_the_default_table_but_for_those_that_are_named() -> None:
    own = RegimeSpec(name="BEAR_TREND", size=0.1, prob_min_add=0.3, entries=False)
    strategy = strategy_with(regimes=(own,))
    every = np.arange(4)
    assert strategy.of_regime("size", every).tolist() == [1.0, 0.7, 0.1, 0.0]
    assert strategy.of_regime("prob_min_add", every).tolist() == [0.0, 0.02, 0.3, 0.0]
    assert strategy.of_regime("entries", every[::-1]).tolist() == [0.0, 0.0, 1.0, 1.0]


def test_a_strategy_of_a_spec_has_its_timeframe_and_horizon_and_default_settings() -> None:
    model = ModelSpec(horizon_steps=3)
    strategy = Strategy.of(DecisionSpec(), model, "1h")
    assert (strategy.interval_ms, strategy.horizon_steps) == (3_600_000, 3)
    assert strategy.settings == TradingSettings()
