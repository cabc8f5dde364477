"""The test exchange in this process: a market, a clock that stands, and a server in a thread."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from bot_exchange.market.generated import GeneratedMarket
from bot_exchange.market.symbols import rules_of
from bot_exchange.rest.app import build_app
from bot_exchange.venue.clock import Clock
from bot_exchange.venue.credentials import ApiKey
from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.faults import Faults
from bot_exchange.venue.limits import WeightLimiter
from bot_exchange.venue.view import Feed

MINUTE_MS = 60_000
NOW_MS = 1_790_000_040_000 + 30_000  # half a minute into a candle
KEY = ApiKey("test-key-of-a-trader", "test-secret-of-a-trader", balances={"USDT": "250.5"})
WITHDRAWER = ApiKey("test-key-of-an-owner", "test-secret-of-an-owner", can_withdraw=True)


def build_exchange(clock: Clock | None = None, weight_limit: int = 1_000_000) -> Exchange:
    """Return an exchange of BTC/USDT and ETH/USDT whose clock stands at NOW_MS."""
    market = GeneratedMarket()
    return Exchange(
        Feed(market, clock or Clock(speed=0, start_ms=NOW_MS), Faults()),
        {rules.market_id: rules for rules in map(rules_of, market.symbols)},
        WeightLimiter(weight_limit, lambda: 0.0),
        {key.api_key: key for key in (KEY, WITHDRAWER)},
    )


@contextmanager
def serving(exchange: Exchange) -> Iterator[str]:
    """Serve the exchange on loopback as long as the block lasts; gives the URL."""
    started: queue.SimpleQueue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]
    started = queue.SimpleQueue()

    async def serve() -> None:
        runner = web.AppRunner(build_app(exchange, control=True), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ended = asyncio.Event()
        started.put((int(runner.addresses[0][1]), asyncio.get_running_loop(), ended))
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    port, loop, ended = started.get(timeout=10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
