"""Runs that a story begins itself, so that one is under way exactly when it wants one."""

from dataclasses import dataclass

from bot_runtime.contract.names import CONTAINER_NAME
from bot_runtime.contract.results import StepResult
from tests.e2e.world import Object, World
from tests.eventually import eventually

NEVER = "0 0 1 1 *"
"""Schedule of a bot whose runs a story begins."""
INFER, TRADE = "bot_runtime infer", "bot_runtime trade"
"""Command lines of the two containers of a run."""


@dataclass(frozen=True, slots=True)
class HandRun:
    """A run of a bot that has begun."""

    bot: str
    job: str
    pod: str
    uid: str
    """UID of its pod, by which a status names it."""


def begin(world: World, bot: str, name: object) -> HandRun:
    """Begin a run of a bot as its CronJob would; `name` is new to the bot."""
    job = f"{bot}-by-hand-{name}"
    here = f"--namespace={world.namespace}"
    world.kubectl("create", "job", here, job, f"--from=cronjob/{bot}-infer")
    (pod,) = eventually(lambda: pods_of(world, job), timeout=90)
    return HandRun(bot, job, pod["metadata"]["name"], pod["metadata"]["uid"])


def pods_of(world: World, job: str) -> list[Object]:
    """Return the pods of a Job."""
    return world.all("pods", f"job-name={job}")


def message_of(pod: Object, container: str = CONTAINER_NAME) -> StepResult | None:
    """Return what a container of a pod has left, None where it has not ended well."""
    for status in pod["status"].get("containerStatuses", []):
        ended = status["state"].get("terminated", {})
        if status["name"] == container and ended.get("exitCode") == 0:
            return StepResult.model_validate_json(ended["message"])
    return None


def has_ended(pod: Object) -> bool:
    """Tell whether every container of a pod has ended."""
    return bool(pod["status"]["phase"] in {"Succeeded", "Failed"})
