"""A window that a training has learned, made once for all tests of a process."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.quality_windows import Learned, Window, learn, windows_of
from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.market.candles import Candles
from bot_runtime.store.layout import Store

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000
LEARNED_DAYS = 60


def hourly_candles(days: int) -> Candles:
    """Return generated candles of an hour."""
    market = GeneratedMarket(symbols=("BTC/USDT",), timeframe_seconds=HOUR_MS // 1000)
    bars = market.candles("BTC/USDT", START_MS, START_MS + days * DAY_MS)
    columns = (bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Candles(HOUR_MS, *columns)


CANDLES = hourly_candles(LEARNED_DAYS + 40)


def the_window() -> Window:
    """Return the only window of CANDLES."""
    (window,) = windows_of(CANDLES, LEARNED_DAYS)
    return window


@cache
def the_learned() -> Learned:
    """Return what a training of the window has learned; its store lies there to the end."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return learn(CANDLES, the_window(), Store(Path(folder.name)))
