from ipaddress import IPv4Network

import pytest

from tests.cluster import claims, network
from tests.cluster.claims import Claims
from tests.cluster.errors import ClusterError
from tests.cluster.layout import SLOTS


def test_a_number_held_by_a_living_cluster_is_passed_over(shared: Claims, living: str) -> None:
    assert shared.take("slot", iter([7, 8]), living) == 7
    assert shared.take("slot", iter([7, 8]), "newcomer") == 8


def test_a_claim_of_a_dead_cluster_is_void(shared: Claims) -> None:
    assert shared.take("slot", iter([7, 8]), "crashed") == 7
    assert shared.take("slot", iter([7, 8]), "newcomer") == 7


def test_a_cluster_that_is_being_started_holds_its_claim(shared: Claims) -> None:
    with claims.exclusive("starting"):
        assert shared.take("slot", iter([7, 8]), "starting") == 7
        assert shared.take("slot", iter([7, 8]), "newcomer") == 8


def test_a_cluster_keeps_the_number_that_it_holds(shared: Claims, living: str) -> None:
    shared.take("slot", iter([7, 8]), living)
    assert shared.take("slot", iter([7, 8]), living) == 7


def test_what_is_released_can_be_taken(shared: Claims, living: str) -> None:
    shared.take("slot", iter([7]), living)
    shared.release(living)
    assert shared.take("slot", iter([7]), "newcomer") == 7


def test_no_number_left_is_said(shared: Claims, living: str) -> None:
    shared.take("store", iter([0]), living)
    with pytest.raises(ClusterError, match="every store of this machine is taken"):
        shared.take("store", iter([0]), "newcomer")


def test_slots_begin_at_the_preferred_one_and_come_round() -> None:
    slots = list(network.free_slots(SLOTS - 1, []))
    assert slots[:2] == [SLOTS - 1, 0]
    assert sorted(slots) == list(range(SLOTS))


def test_slots_whose_networks_are_in_use_are_left_out() -> None:
    used = [
        IPv4Network("10.201.5.0/24"),
        IPv4Network("10.202.6.7/32"),
        IPv4Network("10.203.7.0/24"),
    ]
    assert {5, 6, 7} & set(network.free_slots(4, used)) == set()
