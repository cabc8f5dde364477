import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster import processes, stores
from tests.cluster.claims import Claims
from tests.eventually import eventually

LONG_AGO = (stores.UNUSED_DAYS + 1) * 86400


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Claims:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Claims.of_user()


@pytest.fixture
def living(tmp_path: Path) -> Iterator[str]:
    identity = uuid4().hex[:8]
    processes.start(f"{identity}/sleep", ["sleep", "600"], tmp_path / "log")
    eventually(lambda: processes.is_alive(identity))
    yield identity
    processes.kill(identity)


def used(number: int, seconds_ago: float) -> None:
    stores.folder(number).mkdir(parents=True)
    moment = time.time() - seconds_ago
    os.utime(stores.folder(number), (moment, moment))


def test_the_fullest_store_is_taken_first(shared: Claims) -> None:
    used(0, 60)
    used(1, 3600)
    blobs = stores.folder(1) / stores.CONTENT / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / "a").write_bytes(b"content")
    assert stores.take(shared, "newcomer") == 1


def test_clusters_side_by_side_have_a_store_each(shared: Claims, living: str) -> None:
    first = stores.take(shared, living)
    assert stores.take(shared, "newcomer") != first


def test_a_store_that_nobody_used_for_long_is_removed(shared: Claims, living: str) -> None:
    used(0, LONG_AGO)
    used(1, LONG_AGO)
    used(2, 60)
    shared.take("store", iter([1]), living)
    stores.prune(shared, "newcomer")
    assert sorted(stores.existing()) == [1, 2]
