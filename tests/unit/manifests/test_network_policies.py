"""The NetworkPolicies, over a table of connections; nothing in the test cluster enforces them."""

from pathlib import Path

import pytest
import yaml

from bot_operator.children.child import build_labels
from bot_operator.tradingbot import objects as bots
from tests.networkpolicies import Connection, Object, Peer, Protocol, is_allowed

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "components" / "network-policies"
SPACE = "botcripto"
RUNTIME = "runtime"
OURS = {"app.kubernetes.io/name": "botcripto", "app.kubernetes.io/component": "operator"}
PODS = {
    "operator": Peer("10.244.0.5", SPACE, OURS),
    "inference": Peer("10.244.0.6", SPACE, bots.bot_labels("btc", bots.COMPONENT)),
    "training": Peer("10.244.0.7", SPACE, build_labels("training", training="btc-1", step="Data")),
    "stranger": Peer("10.244.0.8", SPACE),
    "other namespace": Peer("10.244.0.9", "team"),
    "prometheus": Peer("10.244.1.2", "monitoring"),
    "dns": Peer("10.244.1.3", "kube-system", {"k8s-app": "kube-dns"}),
    "node-local dns": Peer("169.254.20.10"),
    "binance": Peer("52.84.150.34"),
    "telegram": Peer("149.154.167.220"),
    "binance by IPv6": Peer("2600:9000:2490::1"),
    "metadata service": Peer("169.254.169.254"),
    "metadata service by IPv6": Peer("fd00:ec2::254"),
    "company 10": Peer("10.1.2.3"),
    "company 172": Peer("172.31.255.1"),
    "company 192": Peer("192.168.1.1"),
    "shared address": Peer("100.100.1.1"),
    "mapped private address": Peer("64:ff9b::a00:1"),
    "link-local IPv6": Peer("fe80::1"),
    "beside 172.16/12": Peer("172.32.0.1"),
    "API server": Peer("10.96.0.1"),
    "node": Peer("10.0.0.4"),
    "exchange of the tests": Peer("10.96.7.7"),
    "server of journals": Peer("10.96.8.8"),
    "pod with journals": Peer("10.244.0.4", SPACE, {"app.kubernetes.io/name": "postgresql"}),
}

ALLOWED: tuple[tuple[str, str, int, Protocol], ...] = (
    *((pod, "dns", 53, p) for pod in ("inference", "training") for p in ("UDP", "TCP")),
    ("inference", "node-local dns", 53, "UDP"),
    ("inference", "binance", 443, "TCP"),
    ("training", "binance", 443, "TCP"),
    ("inference", "telegram", 443, "TCP"),
    ("inference", "binance by IPv6", 443, "TCP"),
    ("inference", "beside 172.16/12", 443, "TCP"),
    ("operator", "API server", 443, "TCP"),
    ("operator", "node", 6443, "TCP"),
    ("prometheus", "operator", 8080, "TCP"),
    ("stranger", "other namespace", 80, "TCP"),
)
REFUSED: tuple[tuple[str, str, int, Protocol], ...] = (
    ("inference", "binance", 80, "TCP"),
    ("inference", "binance", 443, "UDP"),
    ("inference", "binance", 22, "TCP"),
    ("inference", "metadata service", 80, "TCP"),
    ("training", "metadata service", 443, "TCP"),
    ("inference", "metadata service by IPv6", 443, "TCP"),
    ("inference", "node-local dns", 443, "TCP"),
    ("inference", "company 10", 443, "TCP"),
    ("inference", "company 172", 443, "TCP"),
    ("inference", "company 192", 443, "TCP"),
    ("inference", "shared address", 443, "TCP"),
    ("inference", "mapped private address", 443, "TCP"),
    ("inference", "link-local IPv6", 443, "TCP"),
    ("inference", "API server", 443, "TCP"),
    ("training", "node", 6443, "TCP"),
    ("inference", "stranger", 443, "TCP"),
    ("inference", "training", 443, "TCP"),
    ("inference", "operator", 8080, "TCP"),
    ("inference", "dns", 443, "TCP"),
    ("inference", "exchange of the tests", 8080, "TCP"),
    ("stranger", "inference", 8080, "TCP"),
    ("other namespace", "training", 443, "TCP"),
    ("other namespace", "operator", 8080, "TCP"),
    ("stranger", "operator", 8080, "TCP"),
    ("prometheus", "operator", 22, "TCP"),
    ("operator", "binance", 80, "TCP"),
    ("operator", "dns", 53, "UDP"),
)


@pytest.fixture(scope="module")
def policies() -> list[Object]:
    texts = [(FOLDER / f"{name}.yaml").read_text("utf-8") for name in ("operator", "runtime")]
    found = [yaml.safe_load(text) for text in texts]
    return [{**p, "metadata": {**p["metadata"], "namespace": SPACE}} for p in found]


def _connection(source: str, target: str, port: int, protocol: Protocol) -> Connection:
    return Connection(PODS[source], PODS[target], port, protocol)


@pytest.mark.parametrize("row", ALLOWED, ids=str)
def test_what_is_needed_goes_through(
    policies: list[Object], row: tuple[str, str, int, Protocol]
) -> None:
    assert is_allowed(_connection(*row), policies)


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_all_else_is_stopped(policies: list[Object], row: tuple[str, str, int, Protocol]) -> None:
    assert not is_allowed(_connection(*row), policies)
    assert is_allowed(_connection(*row), [])  # by these policies, and by nothing else


def test_what_else_a_bot_has_to_reach_is_one_more_policy(policies: list[Object]) -> None:
    """As docs/security.md shows it."""
    text = (FOLDER.parents[2] / "docs" / "security.md").read_text("utf-8")
    example = text.split("```yaml\n# egress to an exchange")[1].partition("\n")[2].split("```")[0]
    extra = yaml.safe_load(example)
    extra["metadata"]["namespace"] = SPACE
    reached = _connection("inference", "exchange of the tests", 8080, "TCP")
    assert is_allowed(reached, [*policies, extra])
    assert not is_allowed(_connection("inference", "company 10", 8080, "TCP"), [*policies, extra])


@pytest.mark.parametrize("server", ["server of journals", "pod with journals"])
def test_a_server_of_journals_is_reached_by_the_pods_that_trade_alone(
    policies: list[Object], server: str
) -> None:
    extra = yaml.safe_load((FOLDER / "postgres.yaml").read_text("utf-8"))
    extra["metadata"]["namespace"] = SPACE
    given = [*policies, extra]
    assert not is_allowed(_connection("inference", server, 5432, "TCP"), policies)
    assert is_allowed(_connection("inference", server, 5432, "TCP"), given)
    assert not is_allowed(_connection("training", server, 5432, "TCP"), given)
    assert not is_allowed(_connection("inference", server, 22, "TCP"), given)
    assert not is_allowed(_connection("inference", "company 10", 5432, "TCP"), given)
