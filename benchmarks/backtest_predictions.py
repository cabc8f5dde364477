"""Predictions of many rows by a stored version: `python -m benchmarks.backtest_predictions`.

Takes a store, a version, a number of bars and of threads; the last line is the seconds on the clock
that predict_rows took. Features are made before.
"""

import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.backtest_rules import Series, candles_of
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import WARM_UP, compute_features
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store


def seconds_of(store: Path, name: str, bars: int, threads: int) -> float:
    """Return how long a version takes for all three objectives at every one of `bars`."""
    version = load_version(Store(store), name, threads)
    before = WARM_UP + version.memory_length
    candles = candles_of(Series.made(before + bars))
    features = compute_features(candles)
    closes = Closes.of(candles)
    rows = np.arange(before, before + bars)
    began = time.perf_counter()
    version.predict_rows(features, closes, rows)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(seconds_of(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
