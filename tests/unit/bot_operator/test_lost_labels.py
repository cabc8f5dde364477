"""Children that no watch tells of: their label is taken away, or their name is somebody else's."""

from bot_operator.api.resources import (
    CONFIG_MAPS,
    CRON_JOBS,
    MODEL_TRAININGS,
    Manifest,
    Resource,
    condition_of,
    labels_of,
)
from bot_operator.watching.changes import CHILD_SELECTOR
from bot_runtime.contract import names
from tests import resources
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import NAMESPACE, World

INFERENCE = "btc-paper-infer"


class Merging(FakeKube):
    """Server-side apply as the real one does it: a label that nobody holds is no conflict."""

    async def apply(self, manifest: Manifest, *, force: bool) -> Manifest:
        """Apply with force, whatever is asked for."""
        del force
        return await super().apply(manifest, force=True)


async def operate(world: World) -> bool:
    """As `World.operate`, by watches that select as the API server does."""
    key, _, value = CHILD_SELECTOR.partition("=")

    def seen(kind: str, manifest: Manifest) -> str:
        if manifest["kind"] in {"TradingBot", "ModelTraining"}:
            return kind
        held = labels_of(manifest).get(key) == value
        return kind if held else "DELETED"

    world.kube.events = [(seen(k, m), m) for k, m in world.kube.events]
    return await world.operate()


def give_labels(world: World, resource: Resource, name: str, labels: dict[str, str]) -> None:
    """Change a child's labels, as `kubectl label` does."""
    child = world.kube.one(resource, name)
    world.kube.put({**child, "metadata": {**child["metadata"], "labels": labels}})


def take_label(world: World, resource: Resource, name: str) -> dict[str, str]:
    """Take our label from a child; return the labels that it had."""
    labels = labels_of(world.kube.one(resource, name))
    rest = {k: v for k, v in labels.items() if k != names.LABEL_MANAGED_BY}
    give_labels(world, resource, name, rest)
    return labels


async def come_to_rest(world: World) -> int:
    """Reconcile until nothing is left to do, at most 200 times; return how much was written."""
    before = len(world.kube.writes)
    for _ in range(200):
        if not await operate(world):
            break
    return len(world.kube.writes) - before


async def test_a_foreign_job_of_a_steps_name_is_told() -> None:
    world = World()
    metadata = {"name": "study-data", "namespace": NAMESPACE}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"suspend": True}}
    world.kube.put(job)
    study = resources.training("study")
    study["metadata"]["namespace"] = NAMESPACE
    world.kube.put(study)
    for _ in range(60):
        world.pass_time(5)
        await world.operate() or world.step()
    found = condition_of(world.kube.one(MODEL_TRAININGS, "study"), "Stalled")
    assert found is not None
    assert (found["status"], found["reason"]) == ("True", "ChildRefused")
    assert "Job study-data: one of this name is somebody else's" in found["message"]


async def test_a_configuration_without_our_label_does_not_blind_its_bot() -> None:
    world = await ready_world()
    take_label(world, CONFIG_MAPS, world.status()["children"]["runConfiguration"])
    before = world.status()["lastSignal"]
    world.pass_time(300)
    await come_to_rest(world)
    world.fire()
    for _ in range(100):
        if not await operate(world):
            world.step()
    assert world.status()["lastSignal"] != before


async def test_a_child_that_lost_its_label_for_a_moment_is_not_written_for_ever() -> None:
    world = await ready_world()
    labels = take_label(world, CRON_JOBS, INFERENCE)
    for _ in range(5):
        await operate(world)
    give_labels(world, CRON_JOBS, INFERENCE, labels)
    assert await come_to_rest(world) < 5


async def test_a_label_that_is_taken_away_is_put_back_once() -> None:
    world = World(kube_type=Merging)
    world.add_bot()
    await world.settle()
    world.fire()
    await world.settle()
    labels = take_label(world, CRON_JOBS, INFERENCE)
    assert await come_to_rest(world) < 5
    assert labels_of(world.kube.one(CRON_JOBS, INFERENCE)) == labels
