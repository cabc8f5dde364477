"""The demo's market: the generated one, or the user's own candles (CANDLES=file)."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bot_exchange.market.candle_files import load_candles, save_candles
from bot_exchange.market.candles import Candles
from bot_runtime.contract.intervals import TIMEFRAMES, seconds_of
from bot_runtime.contract.names import BOT_NAME_MAX
from bot_runtime.contract.spec import ModelSpec
from bot_runtime.learning.datasets import needed_candles
from bot_runtime.market.candle_folder import market_of

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "demo.yaml"
DEFAULT_SYMBOL = "BTC/USDT"
CONFIG_MAP_LIMIT = 900_000
"""Bytes of a candle file that still fit a ConfigMap, with room for its base64 form."""
FUTURE_CANDLES = 500
"""Candles at the file's end that are yet to come while the demo's bot runs."""
FEWEST_CANDLES = FUTURE_CANDLES + needed_candles(ModelSpec()) + 60
"""What a training needs with the default settings, an hour of 1m that rounding takes, and those."""


@dataclass(frozen=True, slots=True)
class DemoMarket:
    """What is traded: the example's symbols on the generated market, or the one of a file."""

    symbol: str = DEFAULT_SYMBOL
    """Of the file."""
    timeframe: str = "1m"
    candles: Candles | None = None

    @classmethod
    def of_file(cls, path: Path) -> "DemoMarket":
        """Return the market of a candle file: csv, parquet or feather.

        The symbol is taken from the name (BTC_USDT-5m.parquet), the timeframe from the rows.
        Raises CandleFileError on a broken file and ValueError on a timeframe that no bot has.
        """
        symbol = market_of(path) or DEFAULT_SYMBOL
        candles = load_candles(path, symbol)
        timeframe = _timeframe_of(candles, path)
        if len(candles) < FEWEST_CANDLES:
            raise ValueError(
                f"{path}: {len(candles)} candles; the demo needs at least {FEWEST_CANDLES:,}: "
                f"{FEWEST_CANDLES - FUTURE_CANDLES} to learn from, {FUTURE_CANDLES} still to come"
            )
        return cls(symbol, timeframe, candles)

    @property
    def exchange(self) -> str:
        """The name of the test exchange of this market; the user's candles have their own."""
        return "test-exchange" if self.candles is None else "candles-exchange"

    def bot(self) -> dict[str, Any]:
        """Return examples/demo.yaml for this market; the endpoint is still to be put in.

        On the user's candles it is a bot of its own, beside the example's, and decides as a bot
        does that is given nothing: what makes the example trade soon would lose money there.
        """
        bot: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
        if self.candles is not None:
            spec = bot["spec"]
            pair = self.symbol.lower().replace("/", "-")
            bot["metadata"]["name"] = f"candles-{pair}-{self.timeframe}"[:BOT_NAME_MAX]
            spec["exchange"]["credentialsSecret"] = f"{self.exchange}-login"
            del spec["decision"], spec["risk"], spec["model"]["horizonSteps"]
            spec["symbols"], spec["timeframe"] = [self.symbol], self.timeframe
            known = max(len(self._tail(self.candles)) - FUTURE_CANDLES, 1)
            minutes = known * seconds_of(self.timeframe) // 60
            spec["training"]["lookback"] = f"{max(minutes // 60, 1)}h"
        return bot

    def arguments(self, file: str) -> list[str]:
        """Return the test exchange's arguments; `file` is where it finds the candle file."""
        symbols = ",".join(self.bot()["spec"]["symbols"])
        common = [f"--timeframe={self.timeframe}", f"--symbols={symbols}"]
        if self.candles is None:
            return [*common, "--flavour=threshold", "--strength=1", "--seed=7"]
        return [*common, f"--candles={self.symbol}={file}", f"--replay-now=end-{FUTURE_CANDLES}"]

    def to_parquet(self) -> bytes | None:
        """Return the newest candles of the file as parquet that fits a ConfigMap."""
        if self.candles is None:
            return None
        candles = self._tail(self.candles)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candles.parquet"
            save_candles(candles, path)
            while path.stat().st_size > CONFIG_MAP_LIMIT:
                candles = candles.where(slice(len(candles) // 10, None))
                save_candles(candles, path)
            return path.read_bytes()

    @staticmethod
    def _tail(candles: Candles) -> Candles:
        return candles.where(slice(-15_000, None))


def _timeframe_of(candles: Candles, path: Path) -> str:
    steps = np.diff(candles.open_ms)
    step = int(np.median(steps)) // 1000 if len(steps) else 0
    for timeframe in TIMEFRAMES:
        if seconds_of(timeframe) == step:
            return timeframe
    raise ValueError(f"{path}: candles are {step} s apart; a bot takes {', '.join(TIMEFRAMES)}")
