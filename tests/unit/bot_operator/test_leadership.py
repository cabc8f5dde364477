"""The Lease: one holder at a time, by each candidate's own clock."""

from dataclasses import replace

import pytest

from bot_operator.api.resources import LEASES, Manifest, Ref
from bot_operator.leadership import LEASE_NAME, Lease
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


async def test_certainty_is_counted_from_before_the_question() -> None:
    kube, clock = SlowKube(lambda: ""), Clock()
    kube.clock = clock
    lease = candidate(kube, "first", clock)
    assert await lease.try_hold()
    assert clock.seconds == 4
    assert lease.sure_until == 10  # two thirds of 15 s, though the answer came at 4 s
    assert not await candidate(kube, "second", clock).try_hold()


async def test_another_s_lease_is_waited_for_to_its_end_and_not_a_pause_longer() -> None:
    kube, clock = FakeKube(lambda: ""), Clock()
    first, second = candidate(kube, "first", clock), candidate(kube, "second", clock)
    assert await first.try_hold()
    assert not await second.try_hold()
    assert second.seconds_to_wait() == second.pause == 2
    clock.seconds = 14.5
    assert not await second.try_hold()
    assert second.seconds_to_wait() == 0.5
    clock.seconds = 15
    assert await second.try_hold()


@pytest.mark.parametrize("spec", [None, {}, {"leaseDurationSeconds": 15}])
async def test_an_empty_lease_is_taken(spec: dict[str, int] | None) -> None:
    kube, clock = FakeKube(lambda: ""), Clock()
    metadata = {"name": LEASE_NAME, "namespace": SETTINGS.own_namespace}
    kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
    kube.put({**kind, "metadata": metadata, **({} if spec is None else {"spec": spec})})
    assert await candidate(kube, "first", clock).try_hold()
    assert kube.one(LEASES, LEASE_NAME)["spec"]["holderIdentity"] == "first"


async def test_whatever_goes_wrong_is_a_lease_not_renewed() -> None:
    kube, clock = BrokenKube(lambda: ""), Clock()
    lease = candidate(kube, "first", clock)
    assert not await lease.try_hold()
    assert lease.sure_until < 0


class SlowKube(FakeKube):
    clock: Clock

    async def get(self, ref: Ref) -> Manifest | None:
        self.clock.seconds += 4
        return await super().get(ref)


class BrokenKube(FakeKube):
    async def get(self, ref: Ref) -> Manifest | None:
        raise ValueError(f"a bug, asked for {ref.name}")
