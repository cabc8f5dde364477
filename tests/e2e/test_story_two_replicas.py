"""Two replicas, as the high-availability overlay has them: the node kills the one that leads."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_operator.leadership import LEASE_NAME
from tests.cluster.install import install_operator
from tests.e2e.world import World
from tests.eventually import eventually

TAKEOVER_SECONDS = 20
STEPS = ("data", "trend", "return", "risk", "evaluation")


@pytest.fixture
def replicas(world: World) -> Iterator[None]:
    """The overlay in place of the base, while a test runs."""
    variant = "overlays/high-availability"
    install_operator(world.kubectl, world.namespace, world.images, variant=variant)
    yield
    world.delete("poddisruptionbudget", "botcripto-operator")
    install_operator(world.kubectl, world.namespace, world.images)


@pytest.mark.usefixtures("replicas")
def test_the_second_replica_takes_over_a_training_whose_leader_was_killed(world: World) -> None:
    bot = "handed-over"
    world.apply(world.bot(bot))
    training = eventually(
        lambda: world.status(bot).get("candidateTraining", {}).get("name"), timeout=60
    )
    eventually(lambda: world.job_creations(training), timeout=30)
    leader = _leader(world)
    _kill(world, leader)
    # The kubelet needs a moment to tell, and a busy node more.
    eventually(lambda: _leader(world) not in {"", leader}, timeout=TAKEOVER_SECONDS + 5)
    world.wait(bot, "Ready", 300)
    assert sorted(world.job_creations(training)) == sorted(f"{training}-{s}" for s in STEPS)
    world.delete("tradingbot", bot)


def _leader(world: World) -> str:
    """Return the name of the pod that holds the Lease, empty where none does."""
    lease = world.get("lease", LEASE_NAME)
    return str((lease or {}).get("spec", {}).get("holderIdentity") or "")


def _kill(world: World, pod: str) -> None:
    """Kill the processes of a pod from outside it, as its node does in need of memory."""
    found = world.get("pod", pod)
    assert found is not None
    uid = found["metadata"]["uid"]
    killed = 0
    for entry in Path("/proc").iterdir():
        if (
            entry.name.isdigit()
            and uid in _control_groups(entry)
            and "bot_operator" in _line(entry)
        ):
            os.kill(int(entry.name), signal.SIGKILL)
            killed += 1
    assert killed


def _control_groups(process: Path) -> str:
    try:
        return (process / "cgroup").read_text()
    except OSError:
        return ""


def _line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""
