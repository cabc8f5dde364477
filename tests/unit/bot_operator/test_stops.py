"""Everybody stopped at once, by a label of the namespace or a setting of the operator."""

import pytest

from bot_operator.api.errors import Forbidden, SettingsError, Unavailable
from bot_operator.api.resources import (
    CONFIG_MAPS,
    CRON_JOBS,
    JOBS,
    MODEL_TRAININGS,
    NAMESPACES,
    PODS,
    Manifest,
    Ref,
)
from bot_operator.settings import INFERENCE_IMAGE, STOP, TRAINING_IMAGE, load_settings
from bot_operator.watching.stops import Stops
from bot_runtime.contract.names import LABEL_STOP
from tests import resources
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import NAMESPACE, World


async def label(world: World, value: str | None) -> None:
    """Label the namespace, and have it looked at as every five seconds."""
    labels = {} if value is None else {LABEL_STOP: value}
    metadata = {"name": NAMESPACE, "namespace": "", "labels": labels, "resourceVersion": "1"}
    world.kube.objects[NAMESPACES, "", NAMESPACE] = _namespace(metadata)
    for changed in await world.stops.look(world.feed.namespaces()):
        world.feed.wake_namespace(changed)
    await world.settle()


def _namespace(metadata: Manifest) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def is_suspended(world: World) -> bool:
    return bool(world.kube.all(CRON_JOBS)[0]["spec"]["suspend"])


async def test_the_label_stops_inference_and_its_removal_resumes_it() -> None:
    world = await ready_world()
    await label(world, "true")
    assert is_suspended(world)
    for kind, status in (("Ready", "False"), ("InferenceScheduled", "False"), ("Stalled", "True")):
        assert world.condition(kind) == (status, "Stopped")
        told = world.message_of(kind)
        assert f"label {LABEL_STOP} of namespace {NAMESPACE}" in told
        assert f"kubectl label namespace {NAMESPACE} {LABEL_STOP}-" in told
    assert world.condition("SignalFresh") == ("Unknown", "Stopped")
    assert world.status()["state"] == "Stopped"
    world.pass_time(86_400)
    await world.settle()
    await label(world, None)
    assert not is_suspended(world)
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("Stalled")[0] == "False"


async def test_a_label_that_does_not_say_true_stops_nothing() -> None:
    world = await ready_world()
    await label(world, "false")
    assert not is_suspended(world)


async def test_a_stopped_bot_starts_no_training_and_a_study_does_not_begin() -> None:
    world = World()
    await label(world, "true")
    world.add_bot()
    study = resources.training()
    study["metadata"]["namespace"] = NAMESPACE
    world.kube.put(study)
    await world.settle()
    assert len(world.kube.all(MODEL_TRAININGS)) == 1
    assert world.kube.all(JOBS) == []
    assert world.training()["status"]["state"] == "Stopped"
    await label(world, None)
    assert world.condition("ModelAvailable")[0] == "True"
    assert {t["status"]["state"] for t in world.kube.all(MODEL_TRAININGS)} == {"Promoted"}


async def test_a_training_that_has_begun_ends_while_its_bot_is_stopped() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    await label(world, "true")
    assert world.training()["status"]["state"] == "Fetching"
    world.running = True
    await world.settle()
    assert world.training()["status"]["state"] == "Promoted"
    assert is_suspended(world)


async def test_a_suspended_bot_stays_suspended_by_its_own_spec() -> None:
    world = await ready_world()
    world.change_bot(suspend=True)
    await world.settle()
    await label(world, "true")
    assert world.condition("Ready") == ("True", "Suspended")
    await label(world, None)
    assert is_suspended(world)


async def test_after_a_restart_the_label_counts_from_the_first_look() -> None:
    world = await ready_world()
    await label(world, "true")
    versions = world.versions()
    world.restart()
    await world.settle()
    assert world.versions() == versions
    assert is_suspended(world)


async def test_what_was_known_stands_while_the_namespace_cannot_be_read() -> None:
    class Broken(FakeKube):
        error: Exception | None = None

        async def get(self, ref: Ref) -> Manifest | None:
            if self.error is not None:
                raise self.error
            return await super().get(ref)

    kube = Broken(lambda: "")
    kube.objects[NAMESPACES, "", "a"] = _namespace({"name": "a", "labels": {LABEL_STOP: "true"}})
    stops = Stops(kube)
    kube.error = Unavailable(503, "", "busy")
    with pytest.raises(Unavailable):
        await stops.stopper("a")
    kube.error = None
    assert await stops.stopper("a") is not None
    kube.error = Unavailable(503, "", "busy")
    assert await stops.look(["a"]) == []
    assert await stops.stopper("a") is not None
    kube.error = Forbidden(403, "", "no")
    assert await Stops(kube).stopper("a") is None


@pytest.mark.parametrize(("text", "stops"), [("", False), ("false", False), ("true", True)])
async def test_a_setting_of_the_operator_stops_everything(
    text: str,
    stops: bool,  # noqa: FBT001 - a column of the table
) -> None:
    images = {TRAINING_IMAGE: "example.org/t:1", INFERENCE_IMAGE: "example.org/i:1"}
    settings = load_settings({**images, STOP: text}, namespace=NAMESPACE)
    world = World(settings=settings)
    world.add_bot()
    await world.settle()
    assert (world.kube.all(PODS) == []) is stops
    if stops:
        assert world.condition("Stalled") == ("True", "Stopped")
        assert f"{STOP} of the operator" in world.message_of("Ready")


def test_a_stop_that_is_neither_true_nor_false_is_refused() -> None:
    images = {TRAINING_IMAGE: "example.org/t:1", INFERENCE_IMAGE: "example.org/i:1"}
    with pytest.raises(SettingsError, match=f"{STOP}: found 'yes'; set true"):
        load_settings({**images, STOP: "yes"}, namespace=NAMESPACE)


async def test_a_bot_whose_schedule_never_fires_is_stopped_too() -> None:
    world = await ready_world()
    world.change_bot(inference__schedule="0 0 31 2 *")
    await world.settle()
    assert world.condition("InferenceScheduled") == ("False", "InvalidSchedule")
    await label(world, "true")
    assert world.status()["state"] == "Stopped"
    assert is_suspended(world)


async def test_a_bot_whose_schedule_never_fires_is_suspended_by_its_owner() -> None:
    world = await ready_world()
    world.change_bot(inference__schedule="0 0 31 2 *", suspend=True)
    await world.settle()
    assert world.condition("Ready") == ("True", "Suspended")
    assert is_suspended(world)


async def test_a_bot_whose_configuration_is_refused_is_stopped_too() -> None:
    world = await ready_world()
    world.kube.refused[CONFIG_MAPS] = Forbidden(403, "Forbidden", "exceeded quota: none")
    world.change_bot(decision__probMin=0.7)
    await world.settle()
    assert world.condition("InferenceScheduled") == ("False", "ChildRefused")
    await label(world, "true")
    assert is_suspended(world)


async def test_a_bot_whose_spec_cannot_be_read_is_stopped_too() -> None:
    world = await ready_world()
    world.change_bot(timeframe="7m")
    await world.settle()
    assert world.condition("Stalled") == ("True", "InvalidSpec")
    await label(world, "true")
    assert is_suspended(world)
