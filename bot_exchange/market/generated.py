"""The generated market: candles from a seed, for any span of time, with a signal to be learned.

    market = GeneratedMarket(seed=7, strength=1.0, flavour="momentum", timeframe_seconds=60)
    candles = market.candles("BTC/USDT", start_ms, end_ms)

A candle is a function of (settings, symbol, open time) alone, so a server can show the history
that ends now, of any length, and shows the same one after a restart. `returns` has the model of
the returns, `signals` what there is to learn.

So that prices stay near the symbol's typical level for ever, a return is forgotten linearly over
the next 65,536 bars. At strength 0 this pull, about 1/250 of a bar's volatility, is all that
separates the market from a martingale.
"""

import functools
from dataclasses import dataclass, field

import numpy as np

from bot_exchange.market.candles import DAY_MS, Candles, Floats, join
from bot_exchange.market.noise import BLOCK, NoiseField
from bot_exchange.market.returns import ReturnModel
from bot_exchange.market.signals import FLAVOURS
from bot_exchange.market.symbols import SymbolRules, rules_of

LISTED_MS = 1_502_928_000_000  # 2017-08-17: a client that pages from 1970 starts here
STEPS = 12
"""Prices within a candle: its high and low come from them, and the open candle shows them."""

_MEMORY_BLOCKS = 64
_CACHED_BLOCKS = 256  # of 40 kB each, for one symbol
_STEP_STREAM = 20


class _PriceSeries:
    """One symbol: its return model, and the prices of one block at a time."""

    def __init__(self, model: ReturnModel, rules: SymbolRules) -> None:
        self._model = model
        self._rules = rules
        self._returns = functools.lru_cache(maxsize=2)(model.block)
        self._block_return = functools.lru_cache(maxsize=100_000)(self._find_block_return)
        self.steps = functools.lru_cache(maxsize=2)(self._find_steps)
        self.candles = functools.lru_cache(maxsize=_CACHED_BLOCKS)(self._find_candles)

    def _find_block_return(self, block: int) -> float:
        return float(np.sum(self._returns(block).log_return))

    def _start(self, block: int) -> tuple[float, float]:
        """Return the log price where the block starts, and what the pull adds until its end."""
        past = np.array([self._block_return(block - j) for j in range(1, _MEMORY_BLOCKS + 1)])
        weights = 1 - np.arange(_MEMORY_BLOCKS) / _MEMORY_BLOCKS
        level = np.log(self._rules.typical_price) + np.sum(weights * past)
        return float(level), float(-np.sum(past) / _MEMORY_BLOCKS)

    def _find_steps(self, block: int) -> tuple[Floats, Floats]:
        """Return prices within the candles, (BLOCK, STEPS + 1), and their volumes, (BLOCK,).

        Column 0 is the open, the last one the close; a Brownian bridge joins them.
        """
        returns = self._returns(block)
        level, pull = self._start(block)
        log_return = returns.log_return + pull / BLOCK
        wiggle = self._model.noise.normal(_STEP_STREAM, block, STEPS)
        wiggle *= returns.volatility[:, None] / np.sqrt(STEPS)
        wiggle += (log_return - wiggle.sum(axis=1))[:, None] / STEPS
        path = np.exp(np.append(level, level + np.cumsum(wiggle)))
        path = np.round(path, self._rules.price_decimals)
        prices = np.column_stack([path[:-1:STEPS], path[1:].reshape(BLOCK, STEPS)])
        volume = self._rules.typical_volume * np.exp(returns.log_volume)
        return prices, np.round(volume, self._rules.lot_decimals)

    def _find_candles(self, block: int) -> Candles:
        prices, volume = self.steps(block)
        return Candles(
            np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.int64),
            prices[:, 0].copy(),
            prices.max(axis=1),
            prices.min(axis=1),
            prices[:, -1].copy(),
            volume,
        )


@dataclass(frozen=True, kw_only=True)
class GeneratedMarket:
    """A market that needs no file; the module's text has the model.

    `strength` is 0 (nothing to learn) to 1, `flavour` a key of `signals.FLAVOURS`.
    `volatility_bps` is the standard deviation of a base candle's return: far above a real minute's,
    so that a move of five bars can pay for its fees.
    Raises ValueError naming the field that cannot be used.
    """

    seed: int = 7
    strength: float = 1.0
    flavour: str = "momentum"
    timeframe_seconds: int = 60
    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT")
    volatility_bps: float = 25.0
    _series: dict[str, _PriceSeries] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        _check(self)
        for symbol in self.symbols:
            noise = NoiseField(self.seed, symbol)
            model = ReturnModel(noise, self.flavour, self.strength, self.volatility_bps / 10_000)
            self._series[symbol] = _PriceSeries(model, rules_of(symbol))

    @property
    def timeframe_ms(self) -> int:
        """Length of a candle."""
        return self.timeframe_seconds * 1000

    @property
    def listed_ms(self) -> int:
        """Open time of the oldest candle."""
        return LISTED_MS

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Return the candles that open in [start_ms, end_ms), those of the future included."""
        first = -(-max(start_ms, LISTED_MS) // self.timeframe_ms)
        stop = -(-end_ms // self.timeframe_ms)
        series = self._series[symbol]
        parts = []
        for block in range(first // BLOCK, -(-stop // BLOCK) if stop > first else first // BLOCK):
            offset = block * BLOCK
            rows = slice(max(first - offset, 0), min(stop - offset, BLOCK))
            parts.append(series.candles(block).where(rows))
        bars = join(parts)
        return Candles(
            bars.open_ms * self.timeframe_ms,
            bars.open,
            bars.high,
            bars.low,
            bars.close,
            bars.volume,
        )

    def open_candle(self, symbol: str, now_ms: int) -> Candles:
        """Return the candle that is open at `now_ms` as far as it has come: one row."""
        bar, elapsed_ms = divmod(now_ms, self.timeframe_ms)
        block, row = divmod(bar, BLOCK)
        done = elapsed_ms * STEPS // self.timeframe_ms
        prices, volumes = self._series[symbol].steps(block)
        seen = prices[row, : done + 1]
        columns = (seen[0], seen.max(), seen.min(), seen[-1], volumes[row] * done / STEPS)
        open_ms = np.array([bar * self.timeframe_ms], dtype=np.int64)
        return Candles(open_ms, *(np.array([value]) for value in columns))


def _check(market: GeneratedMarket) -> None:
    problems = {
        "seed": market.seed < 0 and "a whole number from 0",
        "strength": not 0 <= market.strength <= 1 and "a number from 0 to 1",
        "flavour": market.flavour not in FLAVOURS and f"one of {', '.join(FLAVOURS)}",
        "timeframe_seconds": (
            (market.timeframe_seconds < 1 or DAY_MS % (market.timeframe_seconds * 1000 or 1))
            and "a divisor of a day in seconds"
        ),
        "symbols": (
            (not market.symbols or len(set(market.symbols)) < len(market.symbols))
            and "at least one symbol, each once"
        ),
        "volatility_bps": not 0 < market.volatility_bps <= 500 and "a number above 0, at most 500",
    }
    for name, expected in problems.items():
        if expected:
            raise ValueError(f"{name}: found {getattr(market, name)!r}; use {expected}")
