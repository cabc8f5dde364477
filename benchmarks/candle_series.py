"""The candle series that models are judged on: a folder's, or the generated market's."""

import os
from pathlib import Path

from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.market.candles import Candles
from bot_runtime.market.own_candles import read_own_candles

SUFFIXES = (".csv", ".feather", ".parquet")
LEAST_BARS = 20_000
"""Shorter series have no fourth of 2,000 bars in each of five folds."""
GENERATED_BARS = 40_000
INTERVAL_MS = 300_000
START_MS = 1_700_000_100_000 // INTERVAL_MS * INTERVAL_MS


def candle_series(generated_bars: int = GENERATED_BARS) -> tuple[str, dict[str, Candles]]:
    """Return where the candles are from, and every series by its name.

    DATA=dir: its candle files of at least LEAST_BARS; else two generated markets of so many bars.
    """
    folder = os.environ.get("DATA")
    if not folder:
        generated = {f"seed {seed}": _generated(seed, generated_bars) for seed in (1, 2)}
        return "the generated market (no DATA)", generated
    files = sorted(path for path in Path(folder).iterdir() if path.suffix in SUFFIXES)
    found = {path.stem: _load(path) for path in files}
    long = {name: candles for name, candles in found.items() if len(candles) >= LEAST_BARS}
    if not long:
        raise SystemExit(f"DATA={folder}: no candle file of at least {LEAST_BARS:,} bars in it")
    return "candle files (DATA)", long


def _load(path: Path) -> Candles:
    """Return a file's candles; raises DataUnusableError where rows are broken."""
    return read_own_candles([path]).candles


def _generated(seed: int, count: int) -> Candles:
    market = GeneratedMarket(
        seed=seed, symbols=("BTC/USDT",), timeframe_seconds=INTERVAL_MS // 1000
    )
    bars = market.candles("BTC/USDT", START_MS, START_MS + count * INTERVAL_MS)
    columns = (bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Candles(INTERVAL_MS, *columns)
