"""The guard finds whatever knows candles that came later, and nothing where nothing does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot_runtime.backtest import told
from bot_runtime.backtest.assemble import track_again
from bot_runtime.backtest.look_ahead import check_look_ahead, shift
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.features.panel import compute_panel
from bot_runtime.market.candles import Candles
from bot_runtime.process.errors import LookAheadError
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.layout import Store
from bot_runtime.trading.account import Track
from bot_runtime.trading.markets import market_of
from bot_runtime.trading.precision import Market
from tests.unit.bot_runtime.markets import bot_spec, publish_version, random_candles
from tests.unit.bot_runtime.strategies import UNLIMITED, strategy_with

EAGER = DecisionSpec(prob_min=0.5, min_expected_return=0.0, fees_bps=0.1, slippage_bps=0.1)
STRATEGIES = {
    "Thresholds": strategy_with(EAGER, interval_ms=60_000, max_position=0.5, **UNLIMITED),
    "VolatilityManaged": strategy_with(
        EAGER.model_copy(update={"policy": "VolatilityManaged"}), interval_ms=60_000
    ),
}
CANDLES = {"BTC/USDT": random_candles(1500, seed=4)}


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> ServedVersion:
    store = Store(tmp_path_factory.mktemp("store"))
    return load_version(store, publish_version(store, bot_spec(), score=0.1, slope=200.0))


def check(version: ServedVersion, policy: str = "Thresholds", seeds: int = 1) -> None:
    strategy = STRATEGIES[policy]
    markets = {s: market_of(part, strategy.costs) for s, part in CANDLES.items()}

    def tell(candles: Mapping[str, Candles]) -> dict[str, Track]:
        return track_again(version, candles, markets)

    for seed in range(seeds):
        moments = check_look_ahead(tell, CANDLES, strategy, version.memory_length, seed)
        assert len(moments) == 3


@pytest.mark.parametrize("policy", STRATEGIES)
def test_what_knows_no_later_candle_passes(version: ServedVersion, policy: str) -> None:
    check(version, policy, seeds=5)


def test_features_of_the_next_candle_are_found(
    version: ServedVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = compute_panel

    def leak(candles: Any, names: Any) -> Any:
        panel = honest(candles, names)
        return {s: np.concatenate([part[1:], part[-1:]]) for s, part in panel.items()}

    monkeypatch.setattr(told, "compute_panel", leak)
    with pytest.raises(LookAheadError, match=r"changes when the candles from .* on are there"):
        check(version)


def test_features_scaled_by_the_whole_history_are_found(
    version: ServedVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = compute_panel

    def leak(candles: Any, names: Any) -> Any:
        panel = honest(candles, names)
        return {s: part - np.nanmean(part, axis=0) for s, part in panel.items()}

    monkeypatch.setattr(told, "compute_panel", leak)
    with pytest.raises(LookAheadError, match="BTC/USDT at "):
        check(version)


def test_fills_by_the_next_candles_volume_are_found(
    version: ServedVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Market.lots

    def leak(market: Market, quantities: Any) -> Any:
        return honest(market, np.concatenate([quantities[1:], [0.0]]))

    monkeypatch.setattr(Market, "lots", leak)
    with pytest.raises(LookAheadError, match="the account: what is filled"):
        check(version, seeds=30)


def test_signals_that_know_the_next_candle_earn_more_when_they_come_early(tmp_path: Path) -> None:
    """Momentum of one candle: late it earns nothing, early it knows the candle it trades."""
    store = Store(tmp_path)
    served = load_version(store, publish_version(store, bot_spec(), score=0.01, slope=500.0))
    strategy = STRATEGIES["Thresholds"]
    markets = {s: market_of(part, strategy.costs) for s, part in CANDLES.items()}
    tracks = track_again(served, CANDLES, markets)
    late, early = (shift(tracks, strategy, candles) for candles in (1, -1))
    assert (late.candles, early.candles) == (1, -1)
    assert early.net_return > 5 * abs(late.net_return)
