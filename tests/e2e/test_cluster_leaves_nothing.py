"""A cluster that was taken down has left nothing, however it ended."""

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.cluster import cluster, lifecycle, node, processes
from tests.cluster.cluster import Cluster
from tests.cluster.errors import RequirementsMissing
from tests.cluster.layout import CHECKOUT, cluster_id
from tests.e2e import machine
from tests.eventually import eventually

NAME = "leaves-nothing"
IDENTITY = cluster_id(CHECKOUT, NAME)
pytestmark = pytest.mark.timeout(240)

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "sleeper"},
    "spec": {
        "volumes": [{"name": "memory", "emptyDir": {"medium": "Memory"}}],
        "containers": [
            {
                "name": "pause",
                "image": node.PAUSE_IMAGE,
                "volumeMounts": [{"name": "memory", "mountPath": "/memory"}],
            }
        ],
    },
}


@pytest.fixture(autouse=True)
def removed() -> Iterator[None]:
    yield
    lifecycle.down(print, NAME)


def bring_up() -> Cluster:
    """Return a cluster with a running pod that has a mount of its own."""
    try:
        running = lifecycle.up(cluster.Options(NAME), print)
    except RequirementsMissing as e:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no node: {e}")
    running.kubectl("create", "--filename=-", stdin=json.dumps(POD))
    running.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s", timeout=70)
    return running


def kill(*components: str) -> None:
    """Kill components as a crash would, without a chance to clean up."""
    running = processes.find(IDENTITY)
    for component in components:
        os.kill(running[component], signal.SIGKILL)
    eventually(lambda: not set(components) & set(processes.find(IDENTITY)))


def kill_nothing() -> None:
    """End in good order."""


def kill_runtime() -> None:
    """Leave the pods' shims orphaned."""
    kill("kubelet", "containerd")


def kill_everything() -> None:
    """Kill every component, one after another; the node's first process last."""
    components = sorted(processes.find(IDENTITY), key=lambda name: name == node.INIT)
    kill(*components)


@pytest.mark.parametrize("crash", [kill_nothing, kill_runtime, kill_everything])
def test_nothing_is_left_after_down(crash: Callable[[], None]) -> None:
    before = machine.snapshot()
    running = bring_up()
    during = machine.births(IDENTITY)
    assert len(during) > len(running.components), "the pod's own processes are seen"
    assert machine.snapshot() != before, "the snapshot sees a cluster"

    crash()
    lifecycle.down(print, NAME)

    # What was killed a moment ago may still be on its way out.
    eventually(lambda: not any(machine.start_time(p) == s for p, s in during.items()), timeout=5)
    assert not processes.is_alive(IDENTITY)
    after = machine.snapshot()
    assert {key: after[key] for key in after if after[key] != before[key]} == {}
    assert not running.state.exists()


@pytest.mark.parametrize("component", ["etcd", "kubelet", "pause"])
def test_up_replaces_a_cluster_that_lost_a_component(component: str) -> None:
    bring_up()
    kill(component)

    again = lifecycle.up(cluster.Options(NAME), print)

    assert set(processes.find(IDENTITY)) == set(again.components)
    assert again.kubectl("get", "pods", "--output=name") == ""


def test_up_finds_a_cluster_that_is_up() -> None:
    first = bring_up()
    before = processes.find(IDENTITY)

    second = lifecycle.up(cluster.Options(NAME), print)

    assert second == first
    assert processes.find(IDENTITY) == before


def test_a_cluster_that_lost_its_power_is_switched_on_again_as_it_stood() -> None:
    first = bring_up()
    uid = first.kubectl("get", "pod", "sleeper", "--output=jsonpath={.metadata.uid}")
    kill_everything()

    again = lifecycle.resume(print, NAME)

    restarts = "--output=jsonpath={.metadata.uid} {.status.containerStatuses[0].restartCount}"
    eventually(
        lambda: again.kubectl("get", "pod", "sleeper", restarts) == f"{uid} 1", timeout=60, every=1
    )
    ready = ("--for=condition=Ready", "pod/sleeper", "--timeout=60s")
    again.kubectl("wait", *ready, timeout=70)
