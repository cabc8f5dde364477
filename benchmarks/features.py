"""`features`: the whole set on 1,000,000 bars, in units of one pandas rolling mean per feature."""

import ctypes
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pandas as pd

from benchmarks.figures import Figure
from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.contract.spec import ModelSpec
from bot_runtime.features.indicators import FEATURES, WARM_UP, compute_features
from bot_runtime.market.candles import Candles

BARS = 1_000_000
INTERVAL_MS = 60_000
START_MS = 1_600_000_000_000 // INTERVAL_MS * INTERVAL_MS
ROUNDS = 7
INFERENCES = 100
SPAN = 20
COLUMN_BYTES = 32 * 2**20
"""The most that glibc takes: a column has 8 MB."""


def measure() -> list[Figure]:
    """Return the batch's cost per feature, and time and error of inference's few rows."""
    _keep_memory()
    candles = _candles()
    closes = pd.Series(candles.close)
    compute_features(candles)
    own, pandas = [], []
    for _ in range(ROUNDS):
        own.append(_seconds(lambda: compute_features(candles)))
        pandas.append(_seconds(lambda: closes.rolling(SPAN).mean()))
    whole = compute_features(candles)
    length = WARM_UP + ModelSpec().encoder_length
    window = candles[BARS - length :]
    alone = median(_seconds(lambda: compute_features(window)) for _ in range(INFERENCES))
    error = np.abs(compute_features(window)[WARM_UP:] - whole[BARS - length + WARM_UP :]).max()
    print(f"{len(FEATURES)} features of {BARS} bars {median(own):.3f} s")
    print(f"one pandas rolling mean of {BARS} bars {median(pandas):.4f} s")
    ratio = median(mine / other for mine, other in zip(own, pandas, strict=True))
    return [
        Figure("rolling means' time, all features", ratio, len(FEATURES), at_least=False),
        Figure(f"features of {length} candles, ms", alone * 1000, 20, at_least=False),
        Figure("inference against batch, 1e-9", float(error) / 1e-9, 1, at_least=False),
    ]


def _keep_memory() -> None:
    """Let glibc reuse the memory of a column instead of giving it back to the system.

    Whether it does so by itself depends on what was allocated before: one rolling mean took from
    10 to 18 ms.
    """
    trim_threshold, mmap_threshold = -1, -3  # names of mallopt(3)
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_threshold, COLUMN_BYTES)
    libc.mallopt(trim_threshold, 8 * COLUMN_BYTES)


def _candles() -> Candles:
    end_ms = START_MS + BARS * INTERVAL_MS
    bars = GeneratedMarket(symbols=("BTC/USDT",)).candles("BTC/USDT", START_MS, end_ms)
    return Candles(
        INTERVAL_MS, bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume
    )


def _seconds(work: Callable[[], object]) -> float:
    """Return the processor time that it takes: both sides use one thread and no file."""
    began = time.process_time()
    work()
    return time.process_time() - began
