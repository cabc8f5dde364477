"""Two replicas, as the high-availability overlay has them: the one that leads hangs."""

from collections.abc import Iterator

import pytest

from bot_operator.leadership import LEASE_NAME
from tests.cluster.install import MANIFESTS, install_operator
from tests.e2e import pod_processes
from tests.e2e.world import World
from tests.eventually import eventually

TAKEOVER_SECONDS = 30
"""The Lease's 15 s and what a busy node adds. Under 20 s is shown in tests/integration."""
STEPS = ("data", "trend", "return", "risk", "evaluation")


@pytest.fixture
def replicas(world: World) -> Iterator[None]:
    """The overlay in place of the base, while a test runs."""
    overlay = MANIFESTS / "overlays" / "high-availability"
    install_operator(world.kubectl, world.namespace, world.images, manifests=overlay)
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
    pod = world.get("pod", leader)
    assert pod is not None
    hanging = pod_processes.hang(pod["metadata"]["uid"], "bot_operator")
    eventually(lambda: _leader(world) not in {"", leader}, timeout=TAKEOVER_SECONDS)
    # It wakes up in the middle of what it was about to do, if the kubelet has not ended it before.
    pod_processes.resume(hanging)
    world.wait(bot, "ModelAvailable", 300)
    world.wait(bot, "InferenceScheduled", 60)
    assert sorted(world.job_creations(training)) == sorted(f"{training}-{s}" for s in STEPS)
    world.delete("tradingbot", bot)


def _leader(world: World) -> str:
    """Return the name of the pod that holds the Lease, empty where none does."""
    lease = world.get("lease", LEASE_NAME)
    return str((lease or {}).get("spec", {}).get("holderIdentity") or "")
