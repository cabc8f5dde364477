"""Candles that closed since a bot's last training: asked for once, and kept for the next time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.market.candle_files import load_candles, save_candles
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import Candles, leave_out_broken, merge, utc
from bot_runtime.process.errors import (
    ArtifactInvalidError,
    ConfigurationError,
    DataUnusableError,
    ExchangeUnavailableError,
)
from bot_runtime.store.layout import Store, file_stem

POLICY: Final = RetryPolicy(attempts=3, budget_seconds=600)
STRETCH: Final = 20_000
"""Candles that are asked for between two savings."""


@dataclass(frozen=True, slots=True)
class NewerCandles:
    """What a store keeps of candles that no training has fetched, and what the exchange has more.

    `notes` says what kept some of them away: those that are known are enough to go on with.
    """

    store: Store
    spec: TradingBotSpec
    notes: list[str] = field(default_factory=list)

    def add_to(
        self, known: Mapping[str, Candles], report: Callable[[str, float], None]
    ) -> dict[str, Candles]:
        """Return the candles of every symbol up to now."""
        found = {symbol: self._with_kept(symbol, part) for symbol, part in known.items()}
        exchange, timeframe = self.spec.exchange, self.spec.timeframe
        try:
            client = ExchangeClient(exchange, timeframe, POLICY, lambda *_, **__: None)
            client.load_markets(tuple(found))
            end_ms = client.server_time_ms()[0] // client.interval_ms * client.interval_ms
            for symbol in known:
                found[symbol] = self._ask(client, symbol, found[symbol], end_ms, report)
        except (ExchangeUnavailableError, ConfigurationError) as e:
            newest = utc(min(int(part.close_time_ms[-1]) for part in found.values()))
            self.notes.append(f"candles after {newest} could not be asked for: {e}")
        return found

    def _ask(
        self,
        client: ExchangeClient,
        symbol: str,
        known: Candles,
        end_ms: int,
        report: Callable[[str, float], None],
    ) -> Candles:
        begin_ms = int(known.close_time_ms[-1])
        length_ms = STRETCH * client.interval_ms
        for from_ms in range(begin_ms, end_ms, length_ms):
            report(f"asking {client.name} for {symbol}", (from_ms - begin_ms) / (end_ms - begin_ms))
            until_ms = min(from_ms + length_ms, end_ms)
            more = leave_out_broken(client.candles(symbol, from_ms, until_ms))
            if len(more):
                known = merge([known, more])
                save_candles(self._path(symbol), merge([*self._kept(symbol, known), more]))
        return known

    def _with_kept(self, symbol: str, known: Candles) -> Candles:
        return merge([*self._kept(symbol, known), known])

    def _kept(self, symbol: str, like: Candles) -> list[Candles]:
        """Return the candles that were kept; none where they cannot be trusted."""
        path = self._path(symbol)
        if not path.is_file():
            return []
        try:
            candles = load_candles(path, like.interval_ms)
            check_schema(candles, symbol)
        except (ArtifactInvalidError, DataUnusableError):
            return []
        return [candles]

    def _path(self, symbol: str) -> Path:
        """Return the file of one symbol's candles of this exchange, at this address."""
        return self.store.root / "newer-candles" / _feed(self.spec) / f"{file_stem(symbol)}.parquet"


def _feed(spec: TradingBotSpec) -> str:
    exchange: ExchangeSpec = spec.exchange
    feed = {"exchange": exchange.id, "endpoint": exchange.endpoint, "timeframe": spec.timeframe}
    return f"{exchange.id}-{spec.timeframe}-{digest_of(feed)[:8]}"
