"""Paper is the backtest: over thousands of candles, with kills, restarts and candles left out."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot_runtime.arrays import Values
from bot_runtime.backtest.journal_differences import compare_with_replay
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RiskSpec, TradingSettings
from bot_runtime.journal.entries import DecisionRow, LimitRow
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import FillRow, OrderEventRow, OrderRow
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.market.candle_files import load_candles
from bot_runtime.market.candles import PRICE_COLUMNS, Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Track
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.symbol import Leg
from bot_runtime.trading.walk import Followed
from tests.unit.bot_runtime.markets import random_candles, without
from tests.unit.bot_runtime.paper_accounts import (
    BEGUN,
    COMMITTING,
    TAKEN,
    PaperAccount,
    named,
    outcome_of,
)
from tests.unit.bot_runtime.random_markets import RandomMarket

INTERVAL_MS = 300_000
CANDLES = 5_000
AT_ONCE = 10
"""Candles that a journal stays open for, where no run is killed."""
POLICIES = ("Thresholds", "VolatilityManaged")
RISK: dict[str, Any] = {
    "max_position": 0.5,
    "max_exposure": 0.8,
    "cvar_max": 0.2,
    "daily_loss_cap": 0.01,
    "weekly_loss_cap": 0.05,
    "max_drawdown": 0.9,
    "stop_loss": {"volatilities": 0.5, "min": 0.001},
    "take_profit": {"volatilities": 0.6},
    "max_holding_candles": 4,
    "position_volatility": 0.004,
}


def strategy_for(policy: str) -> Strategy:
    decision = DecisionSpec.model_validate(
        {"policy": policy, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 1, "slippageBps": 1}
    )
    settings = TradingSettings(capital="100000", risk=RiskSpec(**RISK))
    return Strategy(decision, settings, 5, INTERVAL_MS)


def track_of(candles: Candles, strategy: Strategy, market: Market, seed: int) -> Track:
    """Return candles with predictions that know nothing, and volumes that now and then are few."""
    draw, n = np.random.default_rng(seed), len(candles)
    p50 = draw.normal(0.0005, 0.004, n)
    width = draw.uniform(0.001, 0.004, (2, n))
    predictions = Predictions(
        np.clip(0.5 + np.sign(p50) * draw.uniform(0.0, 0.4, n), 0.0, 1.0),
        p50 - width[0],
        p50,
        p50 + width[1],
        draw.random(n),
        draw.uniform(0.001, 0.004, n),
    )
    few = np.where(draw.random(n) < 0.2, draw.uniform(0.5, 3.0, n) * 100_000 / candles.close, 1e9)
    volume = np.asarray(np.minimum(candles.volume * 1e6, few))
    whole = replace(candles, volume=volume)
    rows = np.flatnonzero(draw.random(n) < 0.95)
    return Track(whole, market, rows, predictions.at(rows), draw.choice([0, 0, 1, 2, 3], len(rows)))


def generated(policy: str) -> RandomMarket:
    strategy, tracks = strategy_for(policy), {}
    for seed, name in enumerate(("A", "B")):
        candles = random_candles(CANDLES, seed=seed, interval_ms=INTERVAL_MS)
        missing = np.random.default_rng(seed).choice(np.arange(5, CANDLES), 60, replace=False)
        market = Market.of(
            Decimal("0.01"), Decimal("0.001"), strategy.costs, min_notional=Decimal(5)
        )
        candles = without(on_grid(candles, 0.01), *missing)
        tracks[name] = track_of(candles, strategy, market, seed)
    return RandomMarket(strategy, tracks)


def on_grid(candles: Candles, tick: float) -> Candles:
    """Return candles whose prices are whole ticks."""

    def rounded(prices: Values) -> Values:
        return np.rint(prices / tick) * tick

    prices: dict[str, Any] = {name: rounded(getattr(candles, name)) for name in PRICE_COLUMNS}
    return replace(candles, **prices)


def real(folder: Path, policy: str) -> RandomMarket:
    strategy, tracks = strategy_for(policy), {}
    parts = {n: load_candles(folder / f"{n}_USDT-5m.parquet", INTERVAL_MS) for n in ("BTC", "ETH")}
    end_ms = min(int(part.close_time_ms[-1]) for part in parts.values())
    for seed, (name, part) in enumerate(parts.items()):
        candles = part.between(end_ms - CANDLES * INTERVAL_MS, end_ms)
        tracks[name] = track_of(candles, strategy, market_of(candles, strategy.costs), seed)
    return RandomMarket(strategy, tracks)


def run_by_run(account: PaperAccount) -> None:
    """Run at most of the closes; some runs are killed, and some are repeated."""
    draw = np.random.default_rng(18)
    closes = account.closes
    for begin in range(0, len(closes), AT_ONCE):
        part = closes[begin : begin + AT_ONCE]
        if draw.random() < 0.8:
            with account.kept_open():
                for close_ms in part:
                    if draw.random() < 0.95:
                        account.run(close_ms, decided=draw.random() < 0.97)
            continue
        for close_ms in part:
            point = str(draw.choice([BEGUN, TAKEN, COMMITTING]))
            if draw.random() < 0.1:
                account.run_killed(close_ms, point)
            else:
                account.run(close_ms, kill_at=point)
            if draw.random() < 0.5:
                account.run(close_ms)
                if draw.random() < 0.1:
                    check_second_run(account, close_ms)


def check_second_run(account: PaperAccount, close_ms: int) -> None:
    before = account.bytes()
    account.run(close_ms)
    assert account.bytes() == before


def counted(account: PaperAccount) -> Counter[str]:
    """Return how often each thing that parity is about has happened."""
    with read_journal(account.database) as journal:
        kinds = {order.client_order_id: order.purpose for order in journal.all(OrderRow)}
        filled = {fill.client_order_id for fill in journal.all(FillRow)}
        found = Counter(kinds[name] for name in filled)
        events = list(journal.all(OrderEventRow))
        found["partial"] = sum(
            event.state == "Partial" or (event.state == "Expired" and event.executed > 0)
            for event in events
        )
        found["tripped"] = sum(row.event == "Tripped" for row in journal.all(LimitRow))
        found.update(row.outcome for row in journal.all(DecisionRow))
        found["killed"] = sum(run.ended_verdict is None for run in journal.all(RunRow))
    return found


ENOUGH = {
    "Thresholds": {
        "Entry": 200,
        **dict.fromkeys(("Stop", "Target", "Time", "Signal", "partial", "tripped"), 20),
    },
    "VolatilityManaged": {
        "Entry": 200,
        **dict.fromkeys(("Increase", "Signal", "partial", "tripped"), 20),
    },
}
"""What has to happen at least so often, so that parity is proven of it."""


def in_one_piece(account: PaperAccount) -> list[Followed]:
    """Return what comes of the market where the views are left out that no run has decided by."""
    with read_journal(account.database) as journal:
        told = {(d.symbol, d.candle_ms) for d in journal.all(DecisionRow) if d.prob_up is not None}
    legs = {}
    for name, track in account.market.tracks.items():
        views = account.market.views(name)
        closes = track.candles.close_time_ms[track.rows].tolist()
        is_told = np.array([(f"{name}/USDT", close_ms) in told for close_ms in closes])
        side, share = np.where(is_told, views.side, 0), np.where(is_told, views.share, 0.0)
        legs[name] = Leg(track.candles, replace(views, side=side, share=share), track.rows)
    return [named(account.market.walk().follow(legs))]


def check_parity(account: PaperAccount, policy: str) -> None:
    """Check that the journal is the replay, and that both are the backtest."""
    run_by_run(account)
    found = counted(account)
    lacking = {n: found[n] for n, least in ENOUGH[policy].items() if found[n] < least}
    assert not lacking, found
    assert min(found["killed"], found["Missed"], found["NoSignal"]) > 100
    markets = {symbol: track.market for symbol, track in account.tracks.items()}
    expected = outcome_of(in_one_piece(account), markets)
    assert account.rows() == expected
    with read_journal(account.database) as journal:
        assert compare_with_replay(journal).differences == ()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("policy", POLICIES)
def test_runs_on_a_generated_market_leave_the_rows_of_one_piece(
    tmp_path: Path, policy: str
) -> None:
    check_parity(PaperAccount(tmp_path / "journal.db", generated(policy)), policy)


@pytest.mark.timeout(900)
@pytest.mark.real_candles
@pytest.mark.parametrize("policy", POLICIES)
def test_runs_on_real_candles_leave_the_rows_of_one_piece(
    tmp_path: Path, real_candles: Path, policy: str
) -> None:
    check_parity(PaperAccount(tmp_path / "journal.db", real(real_candles, policy)), policy)
