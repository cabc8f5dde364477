from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest

from tests.cluster.layout import (
    SLOTS,
    Layout,
    Network,
    cluster_id,
    clusters_folder,
    preferred_slot,
)

HERE = Path("/somewhere/checkout")
FIRST_OUTGOING_PORT = 32768
LONGEST_INTERFACE_NAME = 15


def layout(name: str = "") -> Layout:
    identity = cluster_id(HERE, name)
    network = Network(preferred_slot(identity))
    return Layout(identity, Path("/state") / identity, network, control_plane_only=False)


def test_checkouts_and_names_have_ids_of_their_own() -> None:
    places = [
        (HERE, ""),
        (HERE, "integration"),
        (HERE.parent, ""),
        (HERE.parent, "checkout"),
    ]
    assert len({cluster_id(*place) for place in places}) == len(places)


def test_an_id_follows_from_checkout_and_name_alone() -> None:
    assert cluster_id(HERE, "a") == cluster_id(Path(str(HERE)), "a")


def test_no_two_slots_share_a_port_or_a_network() -> None:
    slots = [Network(slot) for slot in range(SLOTS)]
    ports = [port for slot in slots for port in slot.ports]
    assert len(set(ports)) == len(ports)
    assert max(ports) < FIRST_OUTGOING_PORT
    networks = [
        IPv4Network(cidr)
        for slot in slots[:5]
        for cidr in (slot.link_cidr, slot.pod_cidr, slot.service_cidr)
    ]
    assert not any(a.overlaps(b) for a, b in combinations(networks, 2))


def test_the_ports_of_one_slot_differ() -> None:
    slot = Network(3)
    used = [
        slot.api_port,
        slot.etcd_port,
        slot.etcd_peer_port,
        slot.controller_manager_port,
        slot.scheduler_port,
    ]
    assert len(set(used)) == len(used)
    assert set(used) <= set(slot.ports)


def test_the_interface_name_fits_the_kernel() -> None:
    assert len(layout("a name of any length whatever").interface) <= LONGEST_INTERFACE_NAME


def test_names_on_the_machine_carry_the_id() -> None:
    found = layout()
    assert all(found.identity in n for n in (found.interface, found.cgroup, found.packet_filter))


def test_state_lies_under_xdg_state_home_else_in_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert clusters_folder() == tmp_path / "state" / "botcripto" / "clusters"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert clusters_folder() == tmp_path / "cache" / "botcripto" / "clusters"
