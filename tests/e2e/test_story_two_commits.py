"""Two commits: a signal names the one it was decided by, and an operator of either takes over."""

from collections.abc import Iterator

import pytest

from tests.cluster.install import install_operator
from tests.e2e.conftest import Release
from tests.e2e.world import Object, World
from tests.eventually import eventually

WORKLOADS = frozenset(
    {"configmaps", "cronjobs", "jobs", "modeltrainings", "persistentvolumeclaims", "pods"}
)


@pytest.fixture(scope="module")
def bot(world: World) -> Iterator[str]:
    """A bot of this commit's release that decides."""
    name = "provenance"
    world.apply(world.bot(name))
    world.wait(name, "Ready", 300)
    yield name
    world.delete("tradingbot", name)


def test_a_signal_names_the_commit_that_its_image_was_built_from(
    world: World, bot: str, previous: Release, commit: str
) -> None:
    assert previous.images.inference != world.images.inference
    for image, built_from in (
        (world.images.inference, commit),
        (previous.images.inference, previous.commit),
    ):
        world.apply(world.bot(bot, images={"inference": image}))
        _wait_for_signal_of(world, bot, built_from)
    model = world.status(bot)["activeModel"]
    assert model["gitCommit"] == commit, "the model was trained by the first image"
    assert len(world.all("modeltrainings", f"botcripto.io/bot={bot}")) == 1


def _wait_for_signal_of(world: World, bot: str, commit: str) -> None:
    eventually(lambda: world.status(bot)["lastSignal"]["gitCommit"] == commit, timeout=200)


def test_an_operator_of_the_previous_commit_and_back_again_trains_and_restarts_nothing(
    world: World, bot: str, previous: Release
) -> None:
    images, cron_job, writes = world.status(bot)["images"], _cron_job(world, bot), _writes(world)
    install_operator(world.kubectl, world.namespace, previous.images)
    last = world.status(bot)["lastSignal"]["ts"]
    eventually(lambda: world.status(bot)["lastSignal"]["ts"] > last, timeout=150)
    install_operator(world.kubectl, world.namespace, world.images)
    # It has looked at the bot: it tells which images of its own release the bot could have.
    eventually(lambda: "availableImages" not in world.status(bot), timeout=30)
    world.wait(bot, "Ready", 30)
    assert world.status(bot)["images"] == images
    assert _cron_job(world, bot) == cron_job
    assert _writes(world) == writes


def _cron_job(world: World, bot: str) -> Object:
    found = world.get("cronjob", f"{bot}-infer")
    assert found is not None
    return {"uid": found["metadata"]["uid"], "spec": found["spec"]}


def _writes(world: World) -> list[tuple[str, str, str]]:
    """Return what the operators have made, changed and deleted of what bots run, in order."""
    return [
        (call["verb"], call["objectRef"]["resource"], call["objectRef"].get("name", ""))
        for call in world.operator_calls()
        if call["verb"] not in {"get", "list", "watch"}
        and call["objectRef"].get("resource") in WORKLOADS
        and not call["objectRef"].get("subresource")
        and call.get("responseStatus", {}).get("code", 500) < 300
        and "dryRun=All" not in call["requestURI"]
    ]
