import os
import time

from tests.cluster import stores
from tests.cluster.claims import Claims

LONG_AGO = (stores.UNUSED_DAYS + 1) * 86400


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
