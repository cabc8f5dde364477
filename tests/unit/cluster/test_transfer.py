"""What of an image a node has already."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.cluster import oci, stores, transfer
from tests.cluster.cluster import Cluster


def test_content_that_containerd_frees_meanwhile_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, freed = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    path = tmp_path / stores.CONTENT / oci.blob_path(kept)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"layer")
    cluster: Any = SimpleNamespace(store_folder=tmp_path, ctr=lambda *words: list(words))
    monkeypatch.setattr(transfer, "run", lambda *_, **__: f"{kept}\n{freed}\n")
    assert transfer._contents(cast("Cluster", cluster)) == {kept: 5}
