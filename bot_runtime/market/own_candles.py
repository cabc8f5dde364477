"""A user's own candles in the store: `candles/BTC-USDT-5m.csv`, or `.parquet`, or `.feather`.

They are taken first; what of the window they lack is asked of the exchange.
"""

from dataclasses import dataclass

import numpy as np

from bot_runtime.contract.intervals import Timeframe, seconds_of
from bot_runtime.market.candle_files import EXTENSIONS, load_candles
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.layout import Store

LARGEST_JUMP = 1.5
"""Times by which the price may change from the file's last candle to the exchange's next."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnCandles:
    """One symbol's file, at least one candle, checked."""

    file: str
    candles: Candles

    def check_joints(self, whole: Candles) -> None:
        """Refuse a file that the exchange's candles do not go on from: it is of another market.

        `whole` are the file's candles and those that were fetched. Raises DataUnusableError.
        """
        for edge in (self.candles.open_time_ms[0], self.candles.close_time_ms[-1]):
            i = int(np.searchsorted(whole.open_time_ms, edge))
            if not 0 < i < len(whole) or whole.close_time_ms[i - 1] != whole.open_time_ms[i]:
                continue
            before, after = float(whole.close[i - 1]), float(whole.open[i])
            if max(before / after, after / before) > LARGEST_JUMP:
                raise DataUnusableError(
                    f"{self.file}: at {utc(int(edge))} the price goes from {before:g} to {after:g} "
                    "between its candles and the exchange's: put the file of this market there"
                )


def load_own_candles(store: Store, timeframe: Timeframe, symbol: str) -> OwnCandles | None:
    """Return the user's own candles of a symbol; None where there is no file.

    Raises DataUnusableError for more than one file or for broken rows, by their numbers, and
    ArtifactInvalidError for one that cannot be read.
    """
    stem = store.own_candles(symbol, timeframe)
    found = [path for e in EXTENSIONS if (path := stem.with_name(stem.name + e)).is_file()]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataUnusableError(f"candles of {symbol} stand in several files: {names}; leave one")
    candles = load_candles(found[0], seconds_of(timeframe) * 1000)
    check_schema(candles, found[0].name)
    if len(candles) == 0:
        raise DataUnusableError(f"{found[0].name}: has no candles; fill it or remove it")
    return OwnCandles(found[0].name, candles)
