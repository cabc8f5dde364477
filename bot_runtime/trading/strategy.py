"""One bot's own strategy: its thresholds, its regimes, its risk, and the horizon of its models."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.intervals import Timeframe, seconds_of
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import DecisionSpec, ModelSpec
from bot_runtime.contract.trading import RegimeSpec, RiskSpec, TradingSettings
from bot_runtime.trading.precision import Costs

CHAIN: Final = 256
"""Candles after which a new chain of managed shares begins."""
MEMORY: Final = 2 * CHAIN
"""Candles up to and including one that its managed share depends on at most."""


@dataclass(frozen=True)
class Strategy:
    """What the core of trading reads of a bot's spec; the same on paper and in a backtest.

    Attributes:
        decision: thresholds, costs and the policy.
        settings: capital, regimes and risk.
        horizon_steps: candles that a prediction spans; `interval_ms` is the length of one.
    """

    decision: DecisionSpec
    settings: TradingSettings
    horizon_steps: int
    interval_ms: int

    @classmethod
    def of(
        cls,
        decision: DecisionSpec,
        model: ModelSpec,
        timeframe: Timeframe,
        settings: TradingSettings | None = None,
    ) -> "Strategy":
        """Return the strategy of a spec's parts; default settings where it has none."""
        interval_ms = seconds_of(timeframe) * 1000
        return cls(decision, settings or TradingSettings(), model.horizon_steps, interval_ms)

    @classmethod
    def of_run(cls, run: RunConfiguration) -> "Strategy":
        """Return the strategy of a run."""
        return cls.of(run.decision, run.model, run.timeframe, run.settings)

    def with_decision(self, **changes: object) -> "Strategy":
        """Return the strategy with other thresholds."""
        decision = self.decision.model_copy(update=changes)
        return Strategy(decision, self.settings, self.horizon_steps, self.interval_ms)

    @property
    def risk(self) -> RiskSpec:
        """Return the sizes of positions and the limits of losses."""
        return self.settings.risk

    @property
    def is_managed(self) -> bool:
        """Tell whether the position follows a wanted share instead of opening and closing."""
        return self.decision.policy == "VolatilityManaged"

    @property
    def memory(self) -> int:
        """Return how many candles up to the newest one a decision looks at."""
        return MEMORY if self.is_managed else 1

    @cached_property
    def holding_ms(self) -> int:
        """Return for how long a position is held; 0 where it follows a share."""
        if self.is_managed:
            return 0
        return (self.risk.max_holding_candles or self.horizon_steps) * self.interval_ms

    @property
    def costs(self) -> Costs:
        """Return what one side of a trade costs."""
        return Costs.of(self.decision.fees_bps, self.decision.slippage_bps)

    @cached_property
    def regimes(self) -> tuple[RegimeSpec, ...]:
        """Return what holds in every regime, in the order of REGIMES."""
        return self.settings.regime_table

    @property
    def round_trip(self) -> float:
        """Return what buying and selling costs, a share of the price: fees and slippage, twice."""
        return 2.0 * (self.decision.fees_bps + self.decision.slippage_bps) / 1e4

    def over_horizon(self, volatility: Values) -> Values:
        """Return one candle's volatility (n,) as that over the horizon."""
        return volatility * math.sqrt(self.horizon_steps)

    def of_regime(self, field: str, regimes: Rows) -> Values:
        """Return one number of the table for each regime (n,), given as positions in REGIMES."""
        return np.array([float(getattr(r, field)) for r in self.regimes])[regimes]
