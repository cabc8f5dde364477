"""The rules that `backtest` compares: candles, one strategy, and a plain loop of the same.

A quarter of the equity is bought at the open after a probability of at least PROBABILITY; it is
sold at a stop or a target a 128th away, or after HOLDING candles. Both models of fills mean the
same by this on candles like these:

- Each candle opens at the close before it. The distances from the open, ours, are then those from
  the close that was decided on, which backtesting.py asks for. No candle opens beyond a target,
  where it would pay the better open; a stop that is hit is sold at its own price by both.
- No slippage: backtesting.py has a spread, which the buyer alone pays.
- Fees come out even in 10^-8 of the quote asset, to which ours are rounded up.
- Sizes are whole lots by the equity at the close that was decided on. backtesting.py takes whole
  units alone, and a share of the equity by the open; its strategy therefore counts in ticks and
  lots, and computes the size itself.
- No volume share, no limit and no missing candle: backtesting.py knows none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Times, Values
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import (
    LossStreakSpec,
    RiskSpec,
    StopLossSpec,
    TakeProfitSpec,
    TradingSettings,
)
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Track
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy

TICK: Final = Decimal("0.1")
LOT: Final = Decimal("0.01")
UNIT: Final = float(TICK * LOT)
"""What one lot is worth at a price of one tick: money in the loop and in backtesting.py."""
CAPITAL: Final = 1_000_000
SHARE: Final = 0.25
DISTANCE: Final = 1 / 128
"""Of stop and target from the entry: a float that is exact."""
HOLDING: Final = 64
PROBABILITY: Final = 0.7
FEE: Final = 1e-5
FEE_STEP: Final = 1e-8 / UNIT
"""Kept back when a size is computed, as ours does for the rounding of fees."""
INTERVAL_MS: Final = 60_000
START_MS: Final = 1_600_000_020_000
CHUNK: Final = 100_000
LOWEST: Final = 10_000.0
SPAN: Final = 1.4
"""Prices lie within LOWEST and e^SPAN times as much, however many candles there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Candles in whole ticks and the probability at each close, (n,)."""

    open: Values
    high: Values
    low: Values
    close: Values
    probability: Values

    def __len__(self) -> int:
        return len(self.close)

    @classmethod
    def made(cls, bars: int) -> "Series":
        """Return a walk that is reflected at both ends of its span; made in chunks."""
        series = cls(*(np.empty(bars) for _ in range(5)))
        draw, log, before = np.random.default_rng(7), SPAN / 2, 0.0
        for begin in range(0, bars, CHUNK):
            part = slice(begin, min(bars, begin + CHUNK))
            n = part.stop - begin
            walk = log + np.cumsum(draw.normal(0.0, 0.0012, n))
            log = float(walk[-1])
            folded = np.abs((walk + SPAN) % (2.0 * SPAN) - SPAN)
            close = np.rint(LOWEST * np.exp(folded) / float(TICK))
            opens = np.concatenate([[before or close[0]], close[:-1]])
            before = float(close[-1])
            beyond = np.abs(draw.normal(0.0, 0.0005, (2, n)))
            series.open[part], series.close[part] = opens, close
            series.high[part] = np.rint(np.maximum(opens, close) * (1.0 + beyond[0]))
            series.low[part] = np.rint(np.minimum(opens, close) * (1.0 - beyond[1]))
            series.probability[part] = draw.uniform(0.4, 0.8, n)
        return series

    @property
    def times(self) -> Times:
        """Return when the candles open."""
        return START_MS + np.arange(len(self), dtype=np.int64) * INTERVAL_MS


class Traded(NamedTuple):
    """One trade: the bars of its entry and its exit, its lots, and both prices in ticks."""

    entered: int
    left: int
    lots: int
    bought: float
    sold: float


class Outcome(NamedTuple):
    """What came of a series: every trade, and the equity at the last close in the quote asset."""

    trades: list[Traded]
    equity: float


def strategy() -> Strategy:
    """Return the strategy as a bot would have it: no other bound or limit is reached."""
    risk = RiskSpec(
        kelly_fraction=1.0,
        max_position=SHARE,
        max_exposure=1.0,
        position_volatility=1.0,
        cvar_max=1.0,
        daily_loss_cap=1.0,
        weekly_loss_cap=1.0,
        max_drawdown=1.0,
        loss_streak=LossStreakSpec(trades=1000),
        stop_cooldown_candles=0,
        stop_loss=StopLossSpec(min=DISTANCE, max=DISTANCE),
        take_profit=TakeProfitSpec(volatilities=1.0),
        max_holding_candles=HOLDING,
    )
    decision = DecisionSpec(
        prob_min=PROBABILITY, min_expected_return=0.0, fees_bps=FEE * 1e4, slippage_bps=0.0
    )
    return Strategy(decision, TradingSettings(capital=str(CAPITAL), risk=risk), 1, INTERVAL_MS)


def track_of(series: Series) -> Track:
    """Return the series with its predictions, of which the probability alone changes."""
    n = len(series)

    def constant(value: float) -> Values:
        return np.broadcast_to(np.float64(value), n)

    return Track(
        candles=candles_of(series),
        market=Market.of(TICK, LOT, strategy().costs),
        rows=np.arange(n),
        predictions=Predictions(
            prob_up=series.probability,
            p10=constant(-0.001),
            p50=constant(0.004),
            p90=constant(0.008),
            risk_score=constant(0.2),
            volatility=constant(DISTANCE),
        ),
        regimes=np.broadcast_to(np.intp(0), n),
    )


def candles_of(series: Series) -> Candles:
    """Return the series as candles, with more volume than is ever asked for."""
    prices = (series.open, series.high, series.low, series.close)
    volume = np.broadcast_to(np.float64(1e9), len(series))
    opens, high, low, close = (price * float(TICK) for price in prices)
    return Candles(INTERVAL_MS, series.times, opens, high, low, close, volume)


def size_of(equity: float, close: float) -> float:
    """Return the lots that a share of the equity pays for, fee included; money in UNIT."""
    return (equity * SHARE - FEE_STEP) // (close * (1.0 + FEE))


def stop_of(price: float) -> float:
    """Return the stop of an entry, in ticks."""
    return price * (1.0 - DISTANCE) // 1


def target_of(price: float) -> float:
    """Return the target of an entry, in ticks."""
    return -(-price * (1.0 + DISTANCE) // 1)


class Plain(NamedTuple):
    """What the plain loop gives: trades, and the equity at every close in UNIT."""

    trades: list[Traded]
    equity: list[float]


def plain_loop(bars: Iterator[tuple[float, float, float, float, float]]) -> Plain:
    """Follow the rules over bars (open, high, low, close, probability), without limits."""
    cash, lots, wanted, leaves = CAPITAL / UNIT, 0.0, 0.0, False
    bought = stop = target = 0.0
    entered, trades, equity = 0, [], []
    for i, (opens, high, low, close, probability) in enumerate(bars):
        if wanted:
            lots, wanted, bought, entered = wanted, 0.0, opens, i
            cash -= lots * bought * (1.0 + FEE)
            stop, target = stop_of(bought), target_of(bought)
        if lots:
            if leaves:
                sold = opens
            elif low <= stop:
                sold = min(opens, stop)
            elif high >= target:
                sold = target
            else:
                sold = 0.0
            if sold:
                cash += lots * sold * (1.0 - FEE)
                trades.append(Traded(entered, i, int(lots), bought, sold))
                lots, leaves = 0.0, False
        value = cash + lots * close
        equity.append(value)
        if lots:
            leaves = i - entered >= HOLDING - 1
        elif probability >= PROBABILITY:
            wanted = size_of(value, close)
    return Plain(trades, equity)
