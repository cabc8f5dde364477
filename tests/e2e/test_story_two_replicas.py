"""Two replicas, as the high-availability overlay has them: the one that leads hangs."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_operator.leadership import LEASE_NAME
from tests.cluster.install import install_operator
from tests.e2e.world import World
from tests.eventually import eventually

TAKEOVER_SECONDS = 30
"""The Lease's 15 s and what a busy node adds. Under 20 s is shown in tests/integration."""
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
def test_the_second_replica_takes_over_a_training_whose_leader_hangs(world: World) -> None:
    bot = "handed-over"
    world.apply(world.bot(bot))
    training = eventually(
        lambda: world.status(bot).get("candidateTraining", {}).get("name"), timeout=60
    )
    eventually(lambda: world.job_creations(training), timeout=30)
    leader = _leader(world)
    hanging = _processes(world, leader)
    _signal(hanging, signal.SIGSTOP)
    eventually(lambda: _leader(world) not in {"", leader}, timeout=TAKEOVER_SECONDS)
    # It wakes up in the middle of what it was about to do, if the kubelet has not ended it before.
    _signal(hanging, signal.SIGCONT)
    world.wait(bot, "ModelAvailable", 300)
    world.wait(bot, "InferenceScheduled", 60)
    assert sorted(world.job_creations(training)) == sorted(f"{training}-{s}" for s in STEPS)
    world.delete("tradingbot", bot)


def _leader(world: World) -> str:
    """Return the name of the pod that holds the Lease, empty where none does."""
    lease = world.get("lease", LEASE_NAME)
    return str((lease or {}).get("spec", {}).get("holderIdentity") or "")


def _processes(world: World, pod: str) -> list[int]:
    """Return the numbers that this machine gives the operator's processes in a pod."""
    found = world.get("pod", pod)
    assert found is not None
    uid = found["metadata"]["uid"]
    numbers = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and uid in _text(entry / "cgroup")
        if "bot_operator" in _text(entry / "cmdline")
    ]
    assert numbers
    return numbers


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
