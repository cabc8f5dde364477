"""Whatever a spec holds, the operator ends at rest with a status that says what is the case."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot_operator.api.resources import MODEL_TRAININGS, TRADING_BOTS, Manifest, Resource
from bot_runtime.contract.crd import MODEL_TRAINING, TRADING_BOT
from tests.fuzz import statuses_of
from tests.resources import REMOVED, changed
from tests.unit.bot_operator.world import World

ODD = st.one_of(
    st.just(REMOVED),
    st.none(),
    st.booleans(),
    st.integers(-5, 10_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
PATHS = st.sampled_from(
    [
        "spec",
        "spec.exchange",
        "spec.exchange.id",
        "spec.exchange.credentialsSecret",
        "spec.symbols",
        "spec.timeframe",
        "spec.mode",
        "spec.suspend",
        "spec.images",
        "spec.model",
        "spec.model.pinnedVersion",
        "spec.training",
        "spec.training.resources",
        "spec.inference",
        "spec.inference.schedule",
        "spec.inference.timeZone",
        "spec.decision",
        "spec.storage",
        "spec.storage.existingClaim",
        "spec.storage.storageClassName",
        "spec.pod",
        "spec.unknown",
        "status",
        "status.conditions",
        "status.signals",
        "status.activeModel",
        "status.candidateTraining",
    ]
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(PATHS, ODD, min_size=1, max_size=3))
def test_any_spec_and_any_status_end_at_rest(changes: dict[str, Any]) -> None:
    async def story() -> None:
        world = World()
        world.add_bot()
        world.add_bot("other")
        stored = world.kube.one(TRADING_BOTS, "btc-paper")
        ordered = dict(sorted(changes.items()))
        if any(not isinstance(ordered.get(whole, {}), dict) for whole in ("spec", "status")):
            ordered = {k: v for k, v in ordered.items() if "." not in k}
        try:
            world.kube.put(changed(stored, ordered))
        except (AttributeError, TypeError):
            return  # a path below a value that is no object: not to be had from an API server
        await world.settle()
        assert world.condition("Ready")[0] in {"True", "False"}
        assert world.condition("ModelAvailable", "other") == ("True", "ModelPromoted")

    asyncio.run(story())


@pytest.mark.parametrize("when", ["training", "promoted"])
@settings(max_examples=15, deadline=None)
@given(statuses_of(TRADING_BOT), statuses_of(MODEL_TRAINING))
def test_any_status_that_somebody_writes_is_put_right(
    when: str, of_bot: Manifest, of_training: Manifest
) -> None:
    async def story() -> None:
        world = World(running=when == "promoted")
        world.add_bot()
        await world.settle()
        world.kube.statuses_are_ours = False
        _merge(world, MODEL_TRAININGS, world.training(), of_training)
        _merge(world, TRADING_BOTS, world.kube.one(TRADING_BOTS, "btc-paper"), of_bot)
        await world.settle()
        for owner in (*world.kube.all(TRADING_BOTS), *world.kube.all(MODEL_TRAININGS)):
            assert owner["status"]["observedGeneration"] == owner["metadata"]["generation"]
            ready = next(c for c in owner["status"]["conditions"] if c["type"] == "Ready")
            assert ready["status"] in {"True", "False"}

    asyncio.run(story())


@pytest.mark.parametrize("step", ["Data", "Evaluation"])
@pytest.mark.parametrize("state", ["Succeeded", "Unseen", "Failed", "Skipped"])
async def test_steps_that_end_a_training_without_an_outcome_are_not_believed(
    step: str, state: str
) -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.kube.statuses_are_ours = False
    version = world.training()["status"]["version"]
    ended = [{"name": step, "state": state}]
    world.kube.put({**world.training(), "status": {"observedGeneration": 1, "steps": ended}})
    await world.settle()
    assert world.training()["status"]["version"] == version
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")


def _merge(world: World, resource: Resource, stored: Manifest, status: Manifest) -> None:
    world.kube.put({**stored, "status": {**stored["status"], **status}})
