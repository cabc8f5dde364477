"""Backtests made by hand: a minute's random candles, made-up predictions, the real account."""

from dataclasses import replace
from typing import Any

import numpy as np

from bot_runtime.backtest.result import Backtest, Shifted, Span
from bot_runtime.backtest.stretches import by_month, by_regime, hold
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Track, follow
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.performance import performance_of
from bot_runtime.trading.strategy import Strategy
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import random_candles
from tests.unit.bot_runtime.strategies import UNLIMITED, strategy_with

EAGER = DecisionSpec(prob_min=0.5, min_expected_return=0.0, fees_bps=1.0, slippage_bps=1.0)
"""Thresholds that let about every second prediction pass."""


def eager(**changes: Any) -> Strategy:
    """Return a strategy that trades much, with stops, targets and no limits."""
    risk = UNLIMITED | {"take_profit": {"volatilities": 2}, "max_holding_candles": 20}
    return by_minute(EAGER, **(risk | changes))


def by_minute(decision: DecisionSpec, **risk: Any) -> Strategy:
    """Return the strategy of a bot on candles of a minute."""
    return strategy_with(decision, interval_ms=MINUTE_MS, **risk)


def deep_candles(count: int, seed: int = 1) -> Candles:
    """Return random candles whose volume fills every order at once."""
    candles = random_candles(count, seed)
    return replace(candles, volume=1e6 * candles.volume)


def predictions_of(count: int, seed: int = 1) -> Predictions:
    """Return predictions without any skill."""
    draw = np.random.default_rng(seed)
    p50 = draw.normal(0.003, 0.002, count)
    up, risk = draw.uniform(0.3, 0.8, count), draw.uniform(0, 1, count)
    return Predictions(up, p50 - 0.005, p50, p50 + 0.005, risk, np.full(count, 0.002))


def track_of(
    candles: Candles, strategy: Strategy, predictions: Predictions | None = None, seed: int = 1
) -> Track:
    """Return a track with a prediction at every candle."""
    count = len(candles)
    regimes = np.random.default_rng(seed).integers(0, 3, count).astype(np.intp)
    told = predictions_of(count, seed) if predictions is None else predictions
    return Track(candles, market_of(candles, strategy.costs), np.arange(count), told, regimes)


def backtest_of(
    strategy: Strategy, tracks: dict[str, Track] | None = None, count: int = 1500, **changes: Any
) -> Backtest:
    """Return the backtest of tracks, of one symbol's random candles where there are none given."""
    if tracks is None:
        tracks = {"BTC/USDT": track_of(deep_candles(count), strategy)}
    account = follow(tracks, strategy)
    held = hold(account, tracks, strategy)
    times = account.close_ms
    told: dict[str, Any] = {
        "bot": "mybot",
        "spans": (Span("mybot-1-a1b2c3d4", int(times[0]), int(times[-1]), len(times)),),
        "months": by_month(account, held),
        "regimes": by_regime(account, held, tracks),
        "shifted": (Shifted(1, -0.01, -0.5), Shifted(-1, 0.02, 0.5)),
        "notes": ("BTC/USDT: 3 candles are missing; nothing was filled in them",),
    }
    return Backtest(
        strategy=strategy,
        tracks=tracks,
        account=account,
        performance=performance_of(account),
        held=held,
        **(told | changes),
    )
