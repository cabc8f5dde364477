"""`noise`: how many models that were trained on pure noise the gate refuses, of 100 seeded runs.

Each is a generated market without a signal, 4,000 to 8,000 one-minute candles, trees with the
defaults of a training, and every duel that the gate asks for.
"""

import time

from benchmarks.figures import Figure
from benchmarks.quality_folds import HORIZON, predictions_of
from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.contract.spec import DecisionSpec, GateSpec, ModelSpec
from bot_runtime.evaluation.gate import STAYING_OUT, Evidence, check_gate
from bot_runtime.evaluation.judge import naive_duels, trading_duel
from bot_runtime.evaluation.tracks import follow_decisions
from bot_runtime.learning.datasets import build_training_data
from bot_runtime.market.candles import Candles
from bot_runtime.trading.strategy import Strategy

RUNS = 100
BARS = (4_000, 6_000, 8_000)
INTERVAL_MS = 60_000
STRATEGY = Strategy.of(DecisionSpec(), ModelSpec(horizon_steps=HORIZON), "1m")
START_MS = 1_760_000_000_000 // INTERVAL_MS * INTERVAL_MS


def measure() -> list[Figure]:
    """Return the share of refused models."""
    started = time.perf_counter()
    passed = [seed for seed in range(RUNS) if not _refusals(seed)]
    print(f"   {RUNS} runs in {time.perf_counter() - started:.0f} s; promoted seeds: {passed}")
    return [Figure("refused of 100 trained on noise", RUNS - len(passed), 99, at_least=True)]


def _refusals(seed: int) -> tuple[str, ...]:
    data = build_training_data({"BTC/USDT": _noise(seed)}, HORIZON, 1)
    rows = data.splits.test
    told = predictions_of("GradientBoosting", ModelSpec(seed=seed), data)
    account = follow_decisions(told, data, rows, STRATEGY)
    naive = naive_duels(told, data, rows)
    evidence = Evidence(
        parity=(),
        metrics={},
        naive=(naive["Trend"], naive["Return"]),
        volatility=(naive["Risk"],),
        trading=(trading_duel(account, None, STAYING_OUT, HORIZON),),
    )
    return check_gate(evidence, GateSpec())


def _noise(seed: int) -> Candles:
    market = GeneratedMarket(seed=seed, strength=0.0, symbols=("BTC/USDT",))
    count = BARS[seed % len(BARS)]
    bars = market.candles("BTC/USDT", START_MS, START_MS + count * INTERVAL_MS)
    columns = (bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Candles(INTERVAL_MS, *columns)
