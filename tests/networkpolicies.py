"""What NetworkPolicies allow: their semantics, for tests where no network enforces them.

https://kubernetes.io/docs/concepts/services-networking/network-policies/: a pod that no policy of a
direction selects is open in it; one that some select may do what any of their rules allows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

Object = dict[str, Any]
Protocol = Literal["TCP", "UDP"]


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a connection: a pod with labels, or an address outside the cluster."""

    address: str
    namespace: str | None = None
    """None outside the cluster."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that `source` opens."""

    source: Peer
    target: Peer
    port: int
    protocol: Protocol = "TCP"


def is_allowed(connection: Connection, policies: Iterable[Object]) -> bool:
    """Tell whether both ends' policies let the connection through.

    A namespace's labels are taken to be its name alone, as every cluster sets it.
    """
    given = list(policies)
    out = _rules(connection.source, "Egress", given)
    into = _rules(connection.target, "Ingress", given)
    return (out is None or any(_matches(r, "to", n, connection) for n, r in out)) and (
        into is None or any(_matches(r, "from", n, connection) for n, r in into)
    )


def _rules(pod: Peer, direction: str, policies: list[Object]) -> list[tuple[str, Object]] | None:
    """Return (namespace, rule) of the policies that select the pod; None where none does."""
    selecting = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and _selects(policy["spec"]["podSelector"], pod.labels)
    ]
    if not selecting:
        return None
    return [
        (policy["metadata"]["namespace"], rule)
        for policy in selecting
        for rule in policy["spec"].get(direction.lower()) or ()
    ]


def _matches(rule: Object, side: str, namespace: str, connection: Connection) -> bool:
    ports = rule.get("ports")
    wanted = (connection.protocol, connection.port)
    if ports and all((p.get("protocol", "TCP"), p.get("port", wanted[1])) != wanted for p in ports):
        return False
    peers = rule.get(side)
    other = connection.target if side == "to" else connection.source
    return not peers or any(_is_peer(peer, other, namespace) for peer in peers)


def _is_peer(peer: Object, other: Peer, namespace: str) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        within = _is_within(other.address, block["cidr"])
        return within and not any(_is_within(other.address, e) for e in block.get("except", ()))
    if other.namespace is None:
        return False
    names = {"kubernetes.io/metadata.name": other.namespace}
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], names):
            return False
    elif other.namespace != namespace:
        return False
    return _selects(peer.get("podSelector") or {}, other.labels)


def _is_within(address: str, block: str) -> bool:
    found, network = ip_address(address), ip_network(block)
    return found.version == network.version and found in network


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    equal = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in equal.items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    found = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return found in expression["values"]
        case "NotIn":
            return found not in expression["values"]
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
    raise ValueError(f"operator of a label selector: {expression['operator']}")
