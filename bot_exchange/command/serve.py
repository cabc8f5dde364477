"""Running the server: binding, the line that says where, and the end on a signal."""

import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass

from aiohttp import web

from bot_exchange.rest.app import build_app
from bot_exchange.venue.exchange import Exchange

_LOG = logging.getLogger(__name__)
_LAST_ANSWERS_SECONDS = 1.0


class ServeError(Exception):
    """The address cannot be had, or told; the program says so and ends."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int


def run(exchange: Exchange, address: Address, *, control: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises ServeError."""
    asyncio.run(_serve(exchange, address, control=control))


async def _serve(exchange: Exchange, address: Address, *, control: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    runner = web.AppRunner(
        build_app(exchange, control=control),
        access_log=None,
        shutdown_timeout=_LAST_ANSWERS_SECONDS,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as e:
            raise ServeError(f"{address.host}:{address.port}: {e.strerror or e}") from e
        host, port = runner.addresses[0][:2]
        _announce(host, port)
        await ended.wait()
        _LOG.info("stopping")
    finally:
        await runner.cleanup()


def _announce(host: str, port: int) -> None:
    """Print the first line of standard output, for who started the server to read."""
    shown = f"[{host}]" if ":" in host else host
    line = {"url": f"http://{shown}:{port}", "host": host, "port": port, "pid": os.getpid()}
    try:
        os.write(sys.stdout.fileno(), f"{json.dumps(line)}\n".encode())
    except OSError as e:
        raise ServeError(f"standard output: cannot be written: {e.strerror}") from e
