"""What every test tier shares: markers by folder, real candles, the release before this one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bot_runtime.store.layout import Store
from tests.cluster import previous_release
from tests.cluster.errors import ClusterError
from tests.exchanges import API_KEY, API_SECRET, Exchange, exchange_with

# A test's time says nothing about the code on a machine that is busy with other tests.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

TIERS = ("unit", "integration", "e2e")
TESTS = Path(__file__).resolve().parent
REAL_CANDLES_VARIABLE = "BOTCRIPTO_REAL_CANDLES"
REAL_CANDLES_PROPERTY = "real_candles"
"""In a report, marks the tests that may be skipped where there are no real candles."""


def real_candles_folder() -> Path | None:
    """Return the folder of real candles, or None where there is none.

    It is named by BOTCRIPTO_REAL_CANDLES, else `shared/data` beside the checkout.
    """
    configured = os.environ.get(REAL_CANDLES_VARIABLE)
    folder = Path(configured) if configured else TESTS.parent.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its tier's marker, and skip those on real candles where there are none."""
    absent = pytest.mark.skip(
        reason=f"no real candles: set {REAL_CANDLES_VARIABLE} to a folder of candle files"
    )
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        if tier in TIERS:
            item.add_marker(tier)
        if item.get_closest_marker("real_candles"):
            item.user_properties.append((REAL_CANDLES_PROPERTY, "yes"))
            if real_candles_folder() is None:
                item.add_marker(absent)


@pytest.fixture(scope="session")
def real_candles() -> Path:
    """Return the folder of real candles; for tests marked `real_candles`."""
    folder = real_candles_folder()
    if folder is None:
        pytest.fail("a test that uses real candles must be marked real_candles")
    return folder


@pytest.fixture(scope="session")
def previous_files() -> Path:
    """Return the files of the release before this one; skipped where git lacks it, failed in CI."""
    try:
        return previous_release.check_out()
    except ClusterError as e:
        if os.environ.get("CI") == "true":
            pytest.fail(str(e))
        pytest.skip(str(e))


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
