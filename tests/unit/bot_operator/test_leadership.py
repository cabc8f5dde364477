"""The Lease: one holder at a time, by each candidate's own clock."""

from dataclasses import replace

from bot_operator.leadership import LEASE_NAME, Lease
from bot_operator.resources import LEASES
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.world import SETTINGS


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def candidate(kube: FakeKube, identity: str, clock: Clock) -> Lease:
    return Lease(kube, replace(SETTINGS, identity=identity), clock)


async def test_the_first_holds_until_it_is_silent_for_the_whole_duration() -> None:
    kube, clock = FakeKube(lambda: ""), Clock()
    first, second = candidate(kube, "first", clock), candidate(kube, "second", clock)
    assert await first.try_hold()
    assert not await second.try_hold()
    clock.seconds = 14
    assert await first.try_hold()
    assert not await second.try_hold()
    clock.seconds = 28.9
    assert not await second.try_hold()
    clock.seconds = 29.1
    assert await second.try_hold()
    assert not await first.try_hold()


async def test_a_restarted_holder_goes_on_at_once() -> None:
    kube, clock = FakeKube(lambda: ""), Clock()
    assert await candidate(kube, "pod", clock).try_hold()
    assert await candidate(kube, "pod", clock).try_hold()


async def test_a_released_lease_is_taken_at_once() -> None:
    kube, clock = FakeKube(lambda: ""), Clock()
    first, second = candidate(kube, "first", clock), candidate(kube, "second", clock)
    assert await first.try_hold()
    await second.release()
    assert kube.one(LEASES, LEASE_NAME)["spec"]["holderIdentity"] == "first"
    await first.release()
    assert await second.try_hold()
