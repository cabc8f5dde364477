"""`trade-cold`: process start to the commit of an entry, against imports alone.

The bot's journal has settled one candle. At the close of the next one its signal says LONG: the run
settles that candle on the test exchange, plans the entry and commits it. Every run has a copy of
the same store; it and the imports run in turn, page cache warm for both.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from benchmarks.figures import Figure, Run, median_mib, median_seconds, run_process
from bot_runtime.contract.names import ENV_CONFIG, ENV_POD_UID, ENV_STORE, ENV_TERMINATION
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration, inference_run
from bot_runtime.contract.signal import Calibration, Signal, SignalVersion
from bot_runtime.contract.steps import COMMANDS
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.market.candles import utc
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from bot_runtime.store.marker import Marker, save_marker
from tests.exchanges import MINUTE_MS, Exchange, exchange_with

ROUNDS = 10
IMPORTS = "import ccxt, pydantic, numpy"
SYMBOL, VERSION = "BTC/USDT", "bench-00000000-00000000"
CALM, RISING = 0.5, 0.9
"""Probabilities of a rise of which no entry and one follows."""


def measure() -> list[Figure]:
    """Return time and memory of a run that trades, beside the imports'."""
    with (
        tempfile.TemporaryDirectory() as folder,
        exchange_with("--timeframe=1m", "--seed=7") as exchange,
    ):
        trades, imports = _race(Path(folder), exchange)
    for name, runs in (("trade", trades), (IMPORTS, imports)):
        print(f"{median_seconds(runs):6.2f} s {median_mib(runs):6.0f} MiB  {name}")
    over = median_seconds(trades) / median_seconds(imports)
    return [
        Figure("trade's time / imports' time", over, 2.5, at_least=False),
        Figure("trade's memory, MiB", median_mib(trades), 160, at_least=False),
    ]


def _race(folder: Path, exchange: Exchange) -> tuple[list[Run], list[Run]]:
    """Run both in turn, once for the page cache and then for the figures."""
    configuration = inference_run("bench", "bench", _bot(exchange.url), VERSION)
    (folder / "run.json").write_text(json.dumps(configuration.to_json()), encoding="utf-8")
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    settled = folder / "settled"
    _trade(settled, configuration, now_ms, CALM)
    exchange.set_clock(now_ms + MINUTE_MS + MINUTE_MS // 2)
    trades, imports = [], []
    for n in range(1 + ROUNDS):
        store = folder / f"store-{n}"
        shutil.copytree(settled, store)
        trades.append(_trade(store, configuration, now_ms + MINUTE_MS, RISING))
        imports.append(run_process([sys.executable, "-c", IMPORTS], os.environ))
    return trades[1:], imports[1:]


def _bot(endpoint: str) -> TradingBotSpec:
    return TradingBotSpec.model_validate(
        {
            "exchange": {"id": "binance", "endpoint": endpoint},
            "symbols": [SYMBOL],
            "timeframe": "1m",
            "mode": "Paper",
        }
    )


def _trade(folder: Path, configuration: RunConfiguration, close_ms: int, prob_up: float) -> Run:
    """Run once on the signal of a candle; an entry follows where the price is told to rise."""
    store, pod_uid = Store(folder), str(uuid4())
    signal = _signal(configuration, close_ms, prob_up)
    save_json(store.signal(SYMBOL), signal.model_dump(mode="json"))
    marker = Marker(pod_uid=pod_uid, run_digest=configuration.digest, candle_ms=close_ms)
    save_marker(store, marker)
    message = folder / "message.json"
    environment = {
        **os.environ,
        ENV_STORE: str(folder),
        ENV_CONFIG: str(folder.parent / "run.json"),
        ENV_TERMINATION: str(message),
        ENV_POD_UID: pod_uid,
    }
    run = run_process([sys.executable, "-m", "bot_runtime", *COMMANDS["Trade"]], environment)
    result = StepResult.model_validate_json(message.read_bytes()).trade
    assert result is not None, "a run that ends well tells its result"
    assert result.state.totals.orders == int(prob_up == RISING), result
    return run


def _signal(configuration: RunConfiguration, close_ms: int, prob_up: float) -> Signal:
    return Signal(
        ts=utc(close_ms),
        symbol=SYMBOL,
        timeframe=configuration.timeframe,
        horizon_steps=configuration.model.horizon_steps,
        bar_close_ts=utc(close_ms),
        decision="LONG" if prob_up == RISING else "NO_TRADE",
        reason="LongSignal" if prob_up == RISING else "ProbBelowMin",
        prob_up=prob_up,
        expected_return=0.01,
        p10=0.002,
        p50=0.01,
        p90=0.03,
        risk_score=0.1,
        volatility=0.001,
        regime="BULL_TREND",
        position_size=0.1,
        calibration=Calibration(method="platt", n=500),
        run_digest=configuration.digest,
        version=SignalVersion(model_version=VERSION, git_commit="0" * 40),
    )
