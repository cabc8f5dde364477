"""What a version is said to have said is what inference would have said at that candle."""

import numpy as np
import pytest

from bot_runtime.backtest import told as module
from bot_runtime.backtest.told import tell
from bot_runtime.contract.signal import Calibration, Signal, SignalVersion
from bot_runtime.contract.trading import REGIMES
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import compute_features
from bot_runtime.features.regime import regime_of
from bot_runtime.serving.served_band import BandState, follow
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import (
    COMBINATION,
    bot_spec,
    publish_version,
    random_candles,
    without,
)

CANDLES = without(random_candles(1_500, seed=9), 1_100, 1_101, 1_340)
FIRST = 1_000
HORIZON = bot_spec().model.horizon_steps


@pytest.fixture(scope="module", params=[None, COMBINATION], ids=["format 1", "format 2"])
def version(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> ServedVersion:
    store, spec = Store(tmp_path_factory.mktemp("store")), bot_spec()
    name = publish_version(store, spec, score=0.1, slope=200.0, combination=request.param)
    return load_version(store, name)


@pytest.mark.parametrize("block", [50_000, 97])
def test_each_row_is_what_inference_predicts_from_its_window(
    version: ServedVersion, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    done: list[int] = []
    begin_ms = int(CANDLES.open_time_ms[FIRST])
    told = tell(version, {"BTC/USDT": CANDLES}, begin_ms, done.append)["BTC/USDT"]
    assert sum(done) == (CANDLES.open_time_ms[-1] - begin_ms) // CANDLES.interval_ms + 1
    length = version.context_length
    whole = [
        row
        for row in range(FIRST, len(CANDLES))
        if CANDLES.open_time_ms[row] - CANDLES.open_time_ms[row - length + 1]
        == (length - 1) * CANDLES.interval_ms
    ]
    assert told.open_ms.tolist() == CANDLES.open_time_ms[whole].tolist()
    state = BandState()
    for place, row in enumerate(whole):
        end_ms = int(CANDLES.close_time_ms[row])
        memory_ms = version.memory_length * CANDLES.interval_ms
        window = CANDLES.between(end_ms - memory_ms, end_ms)
        features = compute_features(window)
        alone = version.predict(features, Closes.of(window))
        signal, state = follow(
            state, _signal(alone), CANDLES[: row + 1], version.unit(window.close)
        )
        found = told.predictions[place]
        assert (found.prob_up, found.p50, found.risk_score, found.volatility) == pytest.approx(
            (alone.prob_up, alone.p50, alone.risk_score, alone.volatility), rel=1e-6
        )
        assert (found.p10, found.p90) == pytest.approx((signal.p10, signal.p90), rel=1e-6)
        assert REGIMES[told.regimes[place]] == regime_of(features[-1])
    assert (state.lower, state.upper) != (0.0, 0.0), "the band has adapted"


def _signal(alone: object) -> Signal:
    return Signal(
        ts="2026-01-01T00:00:00Z",
        symbol="BTC/USDT",
        timeframe="1m",
        horizon_steps=HORIZON,
        bar_close_ts=None,
        decision="NO_TRADE",
        reason="ProbBelowMin: none",
        calibration=Calibration(method="Platt", n=1),
        run_digest="0",
        version=SignalVersion(model_version="bot-1-01234567", git_commit="unknown"),
        **{name: getattr(alone, name) for name in ("prob_up", "p10", "p50", "p90", "risk_score")},
    )


def test_too_few_candles_say_nothing(version: ServedVersion) -> None:
    short = CANDLES[:50]
    told = tell(version, {"BTC/USDT": short}, int(short.open_time_ms[0]), lambda _: None)
    assert len(told["BTC/USDT"].open_ms) == 0
    assert len(told["BTC/USDT"].predictions) == 0


def test_within_cuts_all_columns(version: ServedVersion) -> None:
    told = tell(version, {"BTC/USDT": CANDLES}, 0, lambda _: None)["BTC/USDT"]
    begin, end = int(told.open_ms[10]), int(told.open_ms[20])
    part = told.within(begin, end)
    assert len(part.open_ms) == len(part.predictions) == len(part.regimes) == 10
    np.testing.assert_array_equal(part.predictions.p10, told.predictions.p10[10:20])
