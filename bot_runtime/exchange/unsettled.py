"""The candles that a trading account has not settled yet, and what its markets take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.market.candles import Candles, leave_out_broken
from bot_runtime.market.filters import Filters

MOST_CANDLES: Final = 5_000
"""Candles that one run settles: a long pause is made good in several runs."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What the exchange has of closed candles from the newest settled one on.

    Attributes:
        newest_ms: close of the newest candle that should be there by the exchange's clock.
        went_back: whether the exchange's clock is behind the newest settled one.
        is_whole: whether these are all; False where a long pause is made good in several runs.
        candles: of every symbol, those after the newest settled one.
        settled: of every symbol, that one as the exchange gives it now; none where it has it not.
        filters: of the markets that the exchange told of.
    """

    newest_ms: int
    went_back: bool = False
    is_whole: bool = True
    candles: Mapping[str, Candles] = field(default_factory=dict)
    settled: Mapping[str, Candles] = field(default_factory=dict)
    filters: Mapping[str, Filters] = field(default_factory=dict)

    @property
    def has_candles(self) -> bool:
        """Tell whether there is something to settle."""
        return any(len(part) for part in self.candles.values())


def observe_unsettled(
    client: ExchangeClient, symbols: Sequence[str], settled_ms: int | None, until_ms: int | None
) -> Unsettled:
    """Return the candles that closed after a time, up to another where one is given.

    Before the first, `settled_ms` is None: the newest candle alone is taken.
    Raises ExchangeUnavailableError, and ConfigurationError where the exchange has no such market.
    """
    client.load_markets(symbols)
    interval_ms = client.interval_ms
    now_ms, _ = client.server_time_ms()
    newest_ms = now_ms // interval_ms * interval_ms
    wanted_ms = newest_ms if until_ms is None else min(newest_ms, until_ms)
    begin_ms = wanted_ms - interval_ms if settled_ms is None else settled_ms
    if now_ms < begin_ms:
        return Unsettled(newest_ms, went_back=True)
    end_ms = min(wanted_ms, begin_ms + MOST_CANDLES * interval_ms)
    if end_ms <= begin_ms:
        return Unsettled(newest_ms)
    found = {s: client.candles(s, begin_ms - interval_ms, end_ms) for s in symbols}
    found = {symbol: leave_out_broken(candles) for symbol, candles in found.items()}
    return Unsettled(
        newest_ms,
        is_whole=end_ms == wanted_ms,
        candles={s: part.between(begin_ms, end_ms) for s, part in found.items()},
        settled={s: part.between(begin_ms - interval_ms, begin_ms) for s, part in found.items()},
        filters=client.filters(symbols),
    )
