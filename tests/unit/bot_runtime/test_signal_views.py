"""Views that are read off signals are those that inference decided by, to the last bit."""

from collections.abc import Iterator
from dataclasses import fields
from io import StringIO
from typing import Any, NamedTuple

import numpy as np
import pytest

from bot_runtime.contract.signal import Signal
from bot_runtime.exchange.retries import Patience
from bot_runtime.market.candles import Candles, ms_of, utc
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.served_band import BandState, save_band
from bot_runtime.steps.infer import infer
from bot_runtime.store.layout import Store
from bot_runtime.trading import signals as module
from bot_runtime.trading.decision import Views, views_of
from bot_runtime.trading.signal_views import leg_of, views_of_signals
from bot_runtime.trading.strategy import Strategy
from tests.exchanges import MINUTE_MS, Exchange, exchange_with
from tests.unit.bot_runtime.markets import bot_spec, inference_configuration, publish_version

DECISION = {"probMin": 0.5, "riskMax": 1, "feesBps": 1, "minExpectedReturn": 0}
COLUMNS = ("up", "side", "share", "growth", "stop", "target", "regimes")
QUICK = Patience(wait_seconds=2.0, jitter_seconds=0.0, timeout_seconds=2.0)
SYMBOLS = ["BTC/USDT", "ETH/USDT", "BNB/USDT", "SOL/USDT", "XRP/USDT"]
POLICIES = ("Thresholds", "VolatilityManaged")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_with("--symbols", ",".join(SYMBOLS)) as one:
        yield one


class Decided(NamedTuple):
    """What one run of inference has written, as files have it, and the views it decided by."""

    strategy: Strategy
    signals: list[Signal]
    views: list[Views]


def decide(
    exchange: Exchange, store: Store, patch: pytest.MonkeyPatch, policy: str, timeframe: str = "1m"
) -> Decided:
    """Run inference once, on bands that have adapted."""
    changes = {"symbols": SYMBOLS, "timeframe": timeframe}
    spec = bot_spec(exchange.url, decision={"policy": policy, **DECISION}, **changes)
    version = publish_version(store, spec, score=0.3, slope=300.0)
    configuration = inference_configuration(spec, version)
    for place, symbol in enumerate(SYMBOLS):
        save_band(store, version, symbol, BandState(lower=-0.37 + place / 7, upper=0.211))
    views: list[Views] = []

    def seen(*arguments: Any) -> Views:
        views.append(views_of(*arguments))
        return views[-1]

    with patch.context() as patched:
        patched.setattr(module, "views_of", seen)
        infer(configuration, store, Reporter("Inference", stream=StringIO()), QUICK)
    files = [store.signal(symbol).read_text(encoding="utf-8") for symbol in SYMBOLS]
    signals = [Signal.model_validate_json(file) for file in files]
    return Decided(Strategy.of_run(configuration), signals, views)


def row_of(views: Views, row: int) -> tuple[Any, ...]:
    """Return everything that a view is, without the candles before it."""
    view = views[row]
    columns = tuple(getattr(views, name)[row].item() for name in COLUMNS)
    told = views.predictions
    predicted = tuple(float(getattr(told, f.name)[row]) for f in fields(told))
    return (*columns, *predicted, view.intent, view.rules, view.bounds, view.decision, view.text)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("timeframe", ["1m", "15m", "1h"])
def test_a_signal_has_all_that_its_view_was_made_of(
    exchange: Exchange,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    timeframe: str,
) -> None:
    found = decide(exchange, store, monkeypatch, policy, timeframe)
    together = views_of_signals(found.signals, found.strategy)
    assert len({signal.p10 for signal in found.signals}) == len(SYMBOLS), "predictions differ"
    for place, (signal, seen) in enumerate(zip(found.signals, found.views, strict=True)):
        expected = row_of(seen, len(seen) - 1)
        assert row_of(views_of_signals([signal], found.strategy), 0) == expected
        assert row_of(together, place) == expected
        assert signal.position_size == together.share[place]


def test_a_leg_has_the_views_of_its_own_candles(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = decide(exchange, store, monkeypatch, "Thresholds")
    first, second, silent, nowhere, other = found.signals
    end_ms = ms_of(str(first.bar_close_ts))
    before = utc(end_ms - 2 * MINUTE_MS)
    told = [
        first,
        second.model_copy(update={"bar_close_ts": before}),
        silent.model_copy(update={"prob_up": None}),
        nowhere.model_copy(update={"bar_close_ts": None}),
        other.model_copy(update={"bar_close_ts": utc(end_ms + MINUTE_MS)}),
    ]
    times = np.arange(end_ms - 10 * MINUTE_MS, end_ms, MINUTE_MS)
    part = Candles(MINUTE_MS, times, *([np.ones(10)] * 5))
    leg = leg_of(part, told, found.strategy)
    assert leg.rows.tolist() == [7, 9], "in the order of time"
    assert row_of(leg.views, 0) == row_of(found.views[1], 0)
    assert row_of(leg.views, 1) == row_of(found.views[0], 0)
    none = leg_of(part, [], found.strategy)
    assert (len(none.rows), len(none.views)) == (0, 0)


def test_a_time_is_read_as_it_was_written() -> None:
    for time_ms in np.arange(1_700_000_000_000, 1_700_000_090_000, 1000).tolist():
        assert ms_of(utc(time_ms)) == time_ms
