"""What both sides of a training benchmark learn from: the same rows, in a file.

DATA=dir: the first candle file there in alphabetical order; else the generated market.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.learning.datasets import TrainingData, build_training_data
from bot_runtime.learning.labels import to_target
from bot_runtime.market.candles import Candles
from bot_runtime.market.own_candles import read_own_candles

BARS = 50_000
FEATURES = 40
HORIZON = 5
ENCODER = 60
INTERVAL_MS = 300_000
START_MS = 1_700_000_100_000 // INTERVAL_MS * INTERVAL_MS
SUFFIXES = (".csv", ".feather", ".parquet")


@dataclass(frozen=True, slots=True, eq=False)
class LearningRows:
    """Features (n, F), weights (n,), targets (n,) of each objective, rows to fit to and stop by."""

    features: Values
    weight: Values
    targets: dict[Objective, Values]
    fit: Rows
    selection: Rows

    def save(self, path: Path) -> None:
        """Write them as numpy's archive."""
        columns = {f"target_{name}": values for name, values in self.targets.items()}
        names = ("features", "weight", "fit", "selection")
        columns |= {name: getattr(self, name) for name in names}
        np.savez(path, **columns)  # type: ignore[arg-type]  # its stub takes them for allow_pickle

    @classmethod
    def load(cls, path: Path) -> "LearningRows":
        """Return what `save` wrote."""
        with np.load(path) as file:
            targets = {name: file[f"target_{name}"] for name in OBJECTIVES}
            return cls(file["features"], file["weight"], targets, file["fit"], file["selection"])


def learning_rows() -> tuple[str, LearningRows]:
    """Return where the candles are from, and the rows of 50,000 of them with 40 features."""
    source, candles = _candles()
    data = build_training_data({"BTC/USDT": candles}, HORIZON, ENCODER)
    targets = {o: to_target(o, data.labels, data.volatility, HORIZON) for o in OBJECTIVES}
    splits = data.splits
    fit = splits.fit[1:]  # the first row's window has no candle before it
    return source, LearningRows(_forty(data), data.weight, targets, fit, splits.selection)


def _forty(data: TrainingData) -> Values:
    """Return 40 columns: the product's features, and the first of them one candle earlier."""
    own = data.features
    return np.column_stack([own, np.roll(own, 1, axis=0)])[:, :FEATURES]


def _candles() -> tuple[str, Candles]:
    folder = os.environ.get("DATA")
    if folder:
        files = sorted(path for path in Path(folder).iterdir() if path.suffix in SUFFIXES)
        chosen = [path for path in files if "5m" in path.name] or files
        if not chosen:
            raise SystemExit(f"DATA={folder}: no candle file (csv, feather, parquet) in it")
        return chosen[0].name, _last(read_own_candles([chosen[0]], interval_ms=INTERVAL_MS).candles)
    market = GeneratedMarket(symbols=("BTC/USDT",), timeframe_seconds=INTERVAL_MS // 1000)
    bars = market.candles("BTC/USDT", START_MS, START_MS + BARS * INTERVAL_MS)
    columns = (bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return "the generated market", Candles(INTERVAL_MS, *columns)


def _last(candles: Candles) -> Candles:
    part = slice(-BARS, None)
    return Candles(
        candles.interval_ms,
        candles.open_time_ms[part],
        candles.open[part],
        candles.high[part],
        candles.low[part],
        candles.close[part],
        candles.volume[part],
    )
