"""The newest closed candles of every symbol, waited for and judged."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot_runtime.contract.signal import DecisionReason
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import POLL_SECONDS
from bot_runtime.market.candles import Candles, leave_out_broken
from bot_runtime.market.feed_trouble import (
    Trouble,
    Window,
    judge_candles,
    judge_clock,
    newest_window,
)
from bot_runtime.process.errors import ExchangeUnavailableError


@dataclass(frozen=True, slots=True)
class Feed:
    """What the exchange gave for one symbol: candles, or why they cannot be decided on.

    Rows that cannot be candles are not among them: nothing may be learned from such an outcome.
    The candles begin a horizon before those that are decided on.
    """

    candles: Candles | None
    trouble: Trouble | None
    skew_ms: int = 0


def share_of(namespace: str, owner: str) -> float:
    """Return a bot's own share in [0, 1) of the jitter, the same in every run.

    A fleet behind one address asks over some seconds instead of in one instant.
    """
    digest = hashlib.sha256(f"{namespace}/{owner}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def observe_feeds(
    client: ExchangeClient, symbols: Sequence[str], lengths: tuple[int, int], wait_until: float
) -> dict[str, Feed]:
    """Return every symbol's newest candles, waiting until then for those just closed.

    `lengths`: how many are decided on, and how many are asked for before those.
    Raises ConfigurationError where the exchange has no such market.
    """
    try:
        client.load_markets(symbols)
        now_ms, skew_ms = client.server_time_ms()
    except ExchangeUnavailableError as e:
        return dict.fromkeys(symbols, Feed(None, _unavailable(e)))
    trouble = judge_clock(skew_ms, client.interval_ms)
    if trouble is not None:
        return dict.fromkeys(symbols, Feed(None, trouble, skew_ms))
    window = newest_window(now_ms, client.interval_ms, *lengths)
    return {s: _observe(client, s, window, wait_until, skew_ms) for s in symbols}


def _observe(
    client: ExchangeClient, symbol: str, window: Window, wait_until: float, skew_ms: int
) -> Feed:
    """Ask until the window is whole or the time is up; a hole is asked for once more only."""
    asked = 0
    while True:
        try:
            candles = client.candles(symbol, window.earliest_ms, window.close_ms)
        except ExchangeUnavailableError as e:
            return Feed(None, _unavailable(e), skew_ms)
        asked += 1
        trouble = judge_candles(candles, symbol, window)
        stale = trouble is not None and trouble.reason == DecisionReason.FEED_STALE
        again = stale or (trouble is not None and asked == 1)
        if not again or time.monotonic() + POLL_SECONDS > wait_until:
            return Feed(leave_out_broken(candles), trouble, skew_ms)
        time.sleep(POLL_SECONDS)


def _unavailable(error: ExchangeUnavailableError) -> Trouble:
    return Trouble(DecisionReason.EXCHANGE_UNAVAILABLE, str(error))
