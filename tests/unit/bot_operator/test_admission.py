"""Admission changes what is sent: that stands, and what somebody else changes later does not."""

import copy
from typing import Any

from bot_operator.api.resources import CRON_JOBS, Manifest
from tests.unit.bot_operator.world import World


def _containers(manifest: Manifest) -> list[dict[str, Any]]:
    pod: dict[str, Any] = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    found: list[dict[str, Any]] = pod["containers"]
    return found


def _from_a_mirror(manifest: Manifest) -> Manifest:
    """Return a CronJob whose images are from another registry, as a webhook of a platform does."""
    if manifest["kind"] != "CronJob":
        return manifest
    changed = copy.deepcopy(manifest)
    for container in _containers(changed):
        image = container["image"]
        container["image"] = image if image.startswith("mirror/") else f"mirror/{image}"
    return changed


async def _ready(world: World) -> Manifest:
    world.kube.admit = _from_a_mirror
    world.add_bot()
    await world.settle()
    return world.kube.one(CRON_JOBS, "btc-paper-infer")


async def test_what_admission_makes_of_a_child_is_written_once() -> None:
    world = World()
    cron_job = await _ready(world)
    assert _containers(cron_job)[0]["image"].startswith("mirror/")
    before = len(world.kube.writes)
    for _ in range(3):
        world.pass_time(5)
        world.wake_all()
        await world.settle()
    assert world.kube.writes[before:] == []


async def test_what_somebody_changes_after_admission_is_put_right() -> None:
    world = World()
    cron_job = await _ready(world)
    changed = copy.deepcopy(cron_job)
    _containers(changed)[0]["image"] = "elsewhere/infer:9.9.9"
    world.kube.put(changed)
    await world.settle()
    assert _containers(world.kube.one(CRON_JOBS, "btc-paper-infer")) == _containers(cron_job)


async def test_a_new_spec_replaces_what_admission_made_of_the_old_one() -> None:
    world = World()
    await _ready(world)
    world.change_bot(images={"inference": "example.org/infer:2.0.0"})
    await world.settle()
    cron_job = world.kube.one(CRON_JOBS, "btc-paper-infer")
    assert _containers(cron_job)[0]["image"] == "mirror/example.org/infer:2.0.0"
