"""Joins the node's network namespace to this machine, and lets its pods reach the outside.

All that the pods need (bridge, addresses, kube-proxy's rules, forwarding) is inside the namespace
and goes with it. On this machine there are one end of a pair of interfaces, a route, one nftables
table, and the kernel's forwarding switched on.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from tests.cluster import processes
from tests.cluster.claims import Claims
from tests.cluster.errors import ClusterError
from tests.cluster.layout import SLOTS, Layout, Network
from tests.cluster.processes import run

FORWARDING = "net.ipv4.ip_forward"


def free_slots(preferred: int, routes: Sequence[IPv4Network]) -> Iterator[int]:
    """Yield the slots from `preferred` on whose networks none of `routes` leads to."""
    for step in range(SLOTS):
        slot = (preferred + step) % SLOTS
        network = Network(slot)
        ours = [IPv4Network(c) for c in (network.link_cidr, network.pod_cidr, network.service_cidr)]
        if not any(route.overlaps(own) for route in routes for own in ours):
            yield slot


def routes() -> list[IPv4Network]:
    """Return the networks that this machine has routes to, the default route left out."""
    if processes.which("ip") is None:
        return []
    found = json.loads(run(["ip", "-4", "-j", "route", "show"]) or "[]")
    return [IPv4Network(r["dst"], strict=False) for r in found if r["dst"] != "default"]


def connect(layout: Layout, init: int) -> None:
    """Join the namespace of the process `init` to this machine."""
    network, name = layout.network, layout.interface
    inside = ["nsenter", f"--net=/proc/{init}/ns/net", "ip"]
    run(["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(init)])
    run(["ip", "address", "add", f"{network.host}/24", "dev", name])
    run(["ip", "link", "set", name, "up"])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "address", "add", f"{network.node}/24", "dev", "eth0"])
    run([*inside, "link", "set", "eth0", "up"])
    run([*inside, "route", "add", "default", "via", network.host])
    run(["ip", "route", "add", network.pod_cidr, "via", network.node, "dev", name])


def open_outside(layout: Layout, claims: Claims) -> None:
    """Let the pods reach what this machine reaches: forwarding and address translation."""
    claims.set_sysctl(FORWARDING, "1")
    table, interface = layout.packet_filter, layout.interface
    run(["nft", "-f", "-"], stdin=packet_filter(table, interface, layout.network))
    for rule in _forward_rules(layout):
        run(["iptables", "--wait", "--insert", "FORWARD", *rule])


def packet_filter(table: str, interface: str, network: Network) -> str:
    """Return the nftables table that translates the node's and its pods' addresses."""
    sources = f"{{ {network.link_cidr}, {network.pod_cidr} }}"
    return f"""\
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {sources} oifname != "{interface}" masquerade
    }}
}}
"""


def _forward_rules(layout: Layout) -> list[list[str]]:
    """Return what must be allowed where another program, such as Docker, forbids forwarding."""
    if processes.which("iptables") is None:
        return []
    listing = run(["iptables", "--wait", "--list-rules", "FORWARD"])
    if "-P FORWARD ACCEPT" in listing.splitlines():
        return []
    comment = ["-m", "comment", "--comment", layout.packet_filter, "-j", "ACCEPT"]
    return [["-i", layout.interface, *comment], ["-o", layout.interface, *comment]]


def remove(layout: Layout) -> None:
    """Remove everything that `connect` and `open_outside` left on this machine, also in part."""
    if processes.which("ip") and Path("/sys/class/net", layout.interface).exists():
        # It may go by itself in between: the kernel clears a dead namespace in the background.
        with contextlib.suppress(ClusterError):
            run(["ip", "link", "delete", layout.interface])
    if processes.which("nft") and f"table ip {layout.packet_filter}" in run(
        ["nft", "list", "tables"]
    ):
        run(["nft", "delete", "table", "ip", layout.packet_filter])
    if processes.which("iptables"):
        _remove_forward_rules(layout)


def _remove_forward_rules(layout: Layout) -> None:
    for line in run(["iptables", "--wait", "--list-rules", "FORWARD"]).splitlines():
        words = line.replace('"', "").split()
        if layout.packet_filter in words:
            run(["iptables", "--wait", "--delete", *words[1:]])
