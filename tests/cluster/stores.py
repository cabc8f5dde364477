"""Folders of containerd's images in the cache: a cluster holds one, and leaves its images there.

A store belongs to one containerd at a time, but to no checkout: the next cluster takes the fullest,
so that gigabytes are loaded once. Clusters side by side have one each.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.claims import Claims
from tests.cluster.errors import ClusterError
from tools.environment import cache_folder

UNUSED_DAYS = 14
MOST = 16
CONTENT = "io.containerd.content.v1.content"  # where containerd keeps what it was given


def folder(number: int) -> Path:
    """Return the folder of a store."""
    return cache_folder() / f"containerd-{number}"


def existing() -> list[int]:
    """Return the stores that there are, the fullest first."""
    paths = sorted(cache_folder().glob("containerd-*"), key=_bytes, reverse=True)
    return [int(path.name.rpartition("-")[2]) for path in paths]


def _bytes(store: Path) -> int:
    total = 0
    for blob in store.glob(f"{CONTENT}/blobs/*/*"):
        with contextlib.suppress(FileNotFoundError):  # a running containerd frees what it can
            total += blob.stat().st_size
    return total


def candidates() -> Iterator[int]:
    """Yield stores in the order in which a cluster wants them, new ones last."""
    found = existing()
    yield from found
    yield from (number for number in range(MOST) if number not in found)


def take(claims: Claims, identity: str) -> int:
    """Claim a store, and note that it is used; return its number."""
    number = claims.take("store", candidates(), identity)
    folder(number).mkdir(parents=True, exist_ok=True)
    os.utime(folder(number))
    return number


def prune(claims: Claims, identity: str) -> None:
    """Remove stores that no cluster used for a while."""
    limit = time.time() - UNUSED_DAYS * 86400
    for number in existing():
        if folder(number).stat().st_mtime < limit:
            with contextlib.suppress(ClusterError):  # its cluster has been up for that long
                claims.take("store", iter([number]), identity)
                shutil.rmtree(folder(number))
