"""Fixtures of the runtime's tests: the test exchange without faults, a store, a key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_runtime.store import Store
from tests.exchanges import API_KEY, API_SECRET, Exchange, exchange_with


@pytest.fixture(scope="session")
def exchange_process() -> Iterator[Exchange]:
    with exchange_with() as exchange:
        yield exchange


@pytest.fixture
def exchange(exchange_process: Exchange) -> Exchange:
    """Give the exchange without faults, its clock standing at the present."""
    exchange_process.order()
    exchange_process.stop_clock()
    return exchange_process


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def key_directory(tmp_path: Path) -> Path:
    """Give a directory as a mounted secret is one."""
    directory = tmp_path / "key"
    directory.mkdir()
    (directory / "apiKey").write_text(API_KEY, encoding="utf-8")
    (directory / "apiSecret").write_text(API_SECRET, encoding="utf-8")
    return directory
