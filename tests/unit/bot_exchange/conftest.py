"""One served exchange for all tests of a module; each finds it without faults."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.faults import Faults
from tests.unit.bot_exchange.servers import NOW_MS, build_exchange, serving


@dataclass(frozen=True, slots=True)
class Served:
    """An exchange, and where it answers."""

    exchange: Exchange
    url: str


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    exchange = build_exchange()
    with serving(exchange) as url:
        yield Served(exchange, url)


@pytest.fixture
def served(server: Served) -> Served:
    """Give the exchange without faults, its clock standing at NOW_MS."""
    server.exchange.faults.adopt(Faults())
    server.exchange.clock.set(NOW_MS, speed=0)
    return server
