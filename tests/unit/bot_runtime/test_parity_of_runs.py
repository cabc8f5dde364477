"""Paper run by run is the backtest: one fold, whose state lies in JSON between two candles.

Runs are killed: a lost step is repeated from what was written before it, or its candle is decided
on by nobody.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from bot_runtime.arrays import Rows
from bot_runtime.contract.signal import Calibration, Signal, SignalVersion
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.market.candles import utc
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Account, Track, follow
from bot_runtime.trading.account_state import AccountState
from bot_runtime.trading.decision import Views, views_of
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.precision import to_float
from bot_runtime.trading.signal_views import leg_of, views_of_signals
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.walk import Followed, Walk
from tests.unit.bot_runtime.markets import random_candles, without
from tests.unit.bot_runtime.resumed import closes_until, markets_of, times_of
from tests.unit.bot_runtime.strategies import strategy_with

N = 800
SYMBOLS = ("A/Q", "B/Q", "C/Q")
INTERVAL_MS = 60_000
RISK: dict[str, Any] = {
    "max_position": 0.5,
    "max_exposure": 0.8,
    "cvar_max": 0.2,
    "daily_loss_cap": 0.02,
    "weekly_loss_cap": 0.05,
    "max_drawdown": 0.3,
    "stop_loss": {"volatilities": 0.7, "min": 0.001},
    "take_profit": {"volatilities": 0.8},
    "max_holding_candles": 6,
}
POSITION_VOLATILITY = {"Thresholds": 0.01, "VolatilityManaged": 0.003}
KILLS = ("killed", "missed")


class Market(NamedTuple):
    """Three symbols, what was predicted at each candle, and which signals were decided on."""

    strategy: Strategy
    tracks: dict[str, Track]
    signals: dict[str, dict[int, Signal]]


def market_for(policy: str) -> Market:
    draw = np.random.default_rng(18)
    decision = DecisionSpec.model_validate(
        {"policy": policy, "riskMax": 0.9, "probMin": 0.5, "feesBps": 1, "slippageBps": 1}
    )
    risk = RISK | {"position_volatility": POSITION_VOLATILITY[policy]}
    strategy = strategy_with(decision, interval_ms=INTERVAL_MS, **risk)
    tracks, signals = {}, {}
    for place, name in enumerate(SYMBOLS):
        missing = draw.choice(np.arange(5, N), 25, replace=False)
        candles = without(random_candles(N, seed=place, interval_ms=INTERVAL_MS), *missing)
        n = len(candles)
        p50 = draw.normal(0.001, 0.004, n)
        width = draw.uniform(0.001, 0.004, (2, n))
        told = Predictions(
            np.clip(0.5 + np.sign(p50) * draw.uniform(0.0, 0.4, n), 0.0, 1.0),
            p50 - width[0],
            p50,
            p50 + width[1],
            draw.random(n),
            draw.uniform(0.002, 0.006, n),
        )
        rows = np.arange(n)
        regimes = draw.choice([0, 0, 1, 2, 3], n)
        tracks[name] = Track(candles, market_of(candles, strategy.costs), rows, told, regimes)
        signals[name] = _signals(name, tracks[name], strategy)
    return Market(strategy, tracks, signals)


def _signals(name: str, track: Track, strategy: Strategy) -> dict[int, Signal]:
    """Return what inference writes at every candle, by its opening time."""
    times = track.candles.open_time_ms
    views = views_of(track.predictions, strategy, track.regimes, times // INTERVAL_MS)
    return {
        open_ms: _signal(name, open_ms + INTERVAL_MS, views, row)
        for row, open_ms in enumerate(times.tolist())
    }


def _signal(name: str, close_ms: int, views: Views, row: int) -> Signal:
    view, told = views[row], views.predictions[row]
    signal = Signal(
        ts=utc(close_ms),
        symbol=name,
        timeframe="1m",
        horizon_steps=5,
        bar_close_ts=utc(close_ms),
        decision=view.decision,
        reason=view.text,
        prob_up=told.prob_up,
        p10=told.p10,
        p50=told.p50,
        p90=told.p90,
        risk_score=told.risk_score,
        volatility=told.volatility,
        regime=view.regime,
        position_size=view.intent.share,
        calibration=Calibration(method="Platt", n=1),
        run_digest="0",
        version=SignalVersion(model_version="bot-1-01234567", git_commit="x"),
    )
    return Signal.model_validate_json(json.dumps(signal.model_dump(mode="json")))


class Runs(NamedTuple):
    """What runs have left: rows of every candle that was settled, and which were decided on."""

    found: list[Followed]
    decided: dict[str, list[int]]
    killed: Counter[str]


def run_by_run(market: Market, kills: Sequence[str]) -> Runs:
    """Fold candle by candle, as one run after the other does, of which some are killed."""
    draw = np.random.default_rng(7)
    times = times_of(market.tracks)
    first = Walk(market.strategy, markets_of(market.tracks), times[0])
    written = json.dumps(first.state.to_json())
    runs = Runs([], {name: [] for name in market.tracks}, Counter())
    for open_ms in times:
        while True:
            killed = str(draw.choice(["", *kills], p=[1 - 0.1 * len(kills), *[0.1] * len(kills)]))
            runs.killed[killed] += 1
            followed, now = one_run(market, written, open_ms, is_missed=killed == "missed")
            if killed in ("", "missed"):
                break  # else it was killed before it could commit: all is done again
        written = now
        runs.found.append(followed)
        if killed != "missed":
            for name, signals in market.signals.items():
                runs.decided[name] += [open_ms] * (open_ms in signals)
    return runs


def one_run(market: Market, written: str, open_ms: int, *, is_missed: bool) -> tuple[Followed, str]:
    """Settle a candle and decide on it, from what was written before; return what is then."""
    strategy, tracks = market.strategy, market.tracks
    state = AccountState.of_json(json.loads(written))
    walk = Walk.resumed(state, strategy, markets_of(tracks), closes_until(tracks, open_ms - 1))
    legs = {}
    for name, track in tracks.items():
        first, last = np.searchsorted(track.candles.open_time_ms, (open_ms, open_ms + 1))
        signal = market.signals[name].get(open_ms)
        told = [signal] if signal is not None and not is_missed else []
        legs[name] = leg_of(track.candles[first:last], told, strategy)
    followed = walk.follow(legs, is_told=True)
    return followed, json.dumps(walk.state.to_json(), allow_nan=False)


def backtest_of(market: Market, decided: dict[str, list[int]]) -> Account:
    """Return the account that follows the predictions at the candles that were decided on."""
    tracks = {}
    for name, track in market.tracks.items():
        rows: Rows = np.searchsorted(track.candles.open_time_ms, decided[name])
        told = track.predictions.at(rows)
        tracks[name] = track._replace(rows=rows, predictions=told, regimes=track.regimes[rows])
    return follow(tracks, market.strategy)


def in_one_piece(market: Market, decided: dict[str, list[int]]) -> Followed:
    """Return what one walk makes of the same views."""
    legs = {
        name: leg_of(
            track.candles,
            [market.signals[name][open_ms] for open_ms in decided[name]],
            market.strategy,
        )
        for name, track in market.tracks.items()
    }
    times = times_of(market.tracks)
    return Walk(market.strategy, markets_of(market.tracks), times[0]).follow(legs, is_told=True)


@pytest.mark.parametrize(
    ("policy", "kills"),
    [("Thresholds", KILLS), ("VolatilityManaged", KILLS), ("VolatilityManaged", ["killed"])],
)
def test_runs_that_are_killed_now_and_then_give_the_rows_of_one_piece(
    policy: str, kills: Sequence[str]
) -> None:
    market = market_for(policy)
    runs = run_by_run(market, kills)
    one = in_one_piece(market, runs.decided)
    for name in ("close_ms", "equity", "cash"):
        column = np.concatenate([getattr(each, name) for each in runs.found])
        assert column.tolist() == getattr(one, name).tolist(), name
    for name in ("fills", "trades", "trips", "resets", "plans", "orders", "adjusted"):
        rows = [row for each in runs.found for row in getattr(each, name)]
        assert rows == getattr(one, name), name
    assert min(runs.killed[what] for what in kills) >= 50
    purposes = Counter(fill.purpose.name for _, fill in one.fills)
    asked = ("SIGNAL", "TIME", "STOP", "TARGET") if policy == "Thresholds" else ("DECREASE",)
    assert purposes["ENTRY"] >= 5
    assert min(purposes[name] for name in asked) >= 10, purposes
    assert one.trips
    # Of a managed share the backtest knows what was predicted at the candles that it is given.
    if policy == "Thresholds" or "missed" not in kills:
        assert_is_the_backtest(market, runs, one)


def assert_is_the_backtest(market: Market, runs: Runs, one: Followed) -> None:
    account = backtest_of(market, runs.decided)
    assert account.equity.tolist() == one.equity.tolist()
    assert account.cash.tolist() == one.cash.tolist()
    fills = [(SYMBOLS[fill["symbol"]], *fill.tolist()[1:5]) for fill in account.fills]
    assert fills == [(name, *fill[:4]) for name, fill in one.fills]
    profits = [to_float(trade.profit) for _, trade in one.trades]
    assert account.trades["profit"].tolist() == profits
    assert list(account.trips) == one.trips


def test_a_managed_share_is_the_signals_own() -> None:
    """It depends on candles before, whether anybody decided on them or not."""
    market = market_for("VolatilityManaged")
    signals = list(market.signals["A/Q"].values())[700:1000:7]
    views = views_of_signals(signals, market.strategy)
    assert views.share.tolist() == [signal.position_size for signal in signals]
    assert [views.decision(row) for row in range(len(views))] == [s.decision for s in signals]
