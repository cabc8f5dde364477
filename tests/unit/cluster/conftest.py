"""Fixtures of the cluster's tests: claims in a folder of their own, and a cluster that lives."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster import processes
from tests.cluster.claims import Claims
from tests.eventually import eventually


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
