"""Of two things that a training waits for the stronger wins: all neighbours of the order."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot_operator.api.resources import JOBS, MODEL_TRAININGS, PODS, Ref, name_of
from bot_operator.modeltraining.observe import TrainingSeen
from bot_operator.modeltraining.plan import plan_training
from bot_operator.planning.refusals import Refusal
from bot_operator.signs.credentials import SecretSeen
from bot_operator.watching.slots import Rivals
from bot_operator.watching.workqueue import Key
from bot_runtime.contract.trainingstatus import ModelTrainingStatus
from tests import resources
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

Cause = Callable[[TrainingSeen], TrainingSeen]


async def study(*, begun: bool, failing: bool = False) -> World:
    """Return a world with a training that nothing but a stop keeps, or whose first pod runs."""
    settings = SETTINGS if begun else replace(SETTINGS, stopped_by="stopped")
    world = World(running=failing, settings=settings)
    world.failing["Data"] = {"exitCode": 137, "reason": "OOMKilled"}
    given = resources.training()
    given["metadata"]["namespace"] = NAMESPACE
    world.kube.put(given)
    await world.settle()
    assert bool(world.kube.all(JOBS)) is begun
    return world


def refused(seen: TrainingSeen) -> TrainingSeen:
    return seen.with_refused((Refusal(Ref(JOBS, NAMESPACE, "j"), "exceeded quota"),))


def stopped(seen: TrainingSeen) -> TrainingSeen:
    """Leave what is seen as it is: the plan is told by the settings."""
    return seen


def secretless(seen: TrainingSeen) -> TrainingSeen:
    return replace(seen, secret=SecretSeen("keys", exists=False))


def lost(seen: TrainingSeen) -> TrainingSeen:
    assert seen.claim is not None
    assert seen.claim.claim is not None
    claim = {**seen.claim.claim, "status": {"phase": "Lost"}}
    return replace(seen, claim=replace(seen.claim, claim=claim))


def outnumbered(seen: TrainingSeen) -> TrainingSeen:
    return replace(seen, rivals=Rivals(begun=frozenset({"other"})))


@pytest.mark.parametrize(
    ("causes", "ready", "stalled", "state"),
    [
        ((refused,), "ChildRefused", "ChildRefused", "Fetching"),
        ((refused, stopped), "ChildRefused", "ChildRefused", "Stopped"),
        ((refused, outnumbered), "ChildRefused", "ChildRefused", "Queued"),
        ((stopped,), "Stopped", "Stopped", "Stopped"),
        ((stopped, secretless), "Stopped", "Stopped", "Stopped"),
        ((stopped, outnumbered), "Stopped", "Stopped", "Stopped"),
        ((secretless,), "WaitingForSecrets", "SecretMissing", "WaitingForSecrets"),
        ((secretless, lost), "WaitingForSecrets", "SecretMissing", "WaitingForSecrets"),
        ((lost,), "WaitingForStorage", "ClaimLost", "WaitingForStorage"),
        ((lost, outnumbered), "WaitingForStorage", "ClaimLost", "WaitingForStorage"),
        ((outnumbered,), "WaitingForSlot", "", "Queued"),
        ((), "TrainingRunning", "", "Fetching"),
    ],
)
async def test_the_stronger_of_two_waits_is_what_a_training_says(
    causes: tuple[Cause, ...], ready: str, stalled: str, state: str
) -> None:
    assert await said(await study(begun=False), causes) == (ready, stalled, state)


@pytest.mark.parametrize(
    ("causes", "ready", "stalled"),
    [
        ((stopped, secretless, lost), "TrainingRunning", "ImagePullFailed"),
        ((refused,), "ChildRefused", "ChildRefused"),
    ],
)
async def test_what_has_begun_is_kept_by_its_pods_and_by_refused_children_alone(
    causes: tuple[Cause, ...], ready: str, stalled: str
) -> None:
    world = await study(begun=True)
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "none"}}}
    statuses = [{"name": "runtime", "image": "x:1", **waiting}]
    pending = {"phase": "Pending", "containerStatuses": statuses}
    world.kube.put({**world.kube.all(PODS)[0], "status": pending})
    await world.settle()
    assert await said(world, causes) == (ready, stalled, "Fetching")


async def test_a_training_that_has_ended_says_how_whatever_else_is_the_case() -> None:
    world = await study(begun=True, failing=True)
    causes = (refused, stopped)
    assert await said(world, causes) == ("StepFailed", "StepFailed", "Failed")


async def said(world: World, causes: tuple[Cause, ...]) -> tuple[str, str, str]:
    """Return the reasons of Ready and of Stalled, empty where it is False, and the state."""
    key = Key(MODEL_TRAININGS, NAMESPACE, name_of(world.training()))
    seen = await world.reconciler.observe(key)
    assert isinstance(seen, TrainingSeen)
    for cause in causes:
        seen = cause(seen)
    stopper = "stopped by a label" if stopped in causes else None
    settings = replace(SETTINGS, stopped_by=stopper, max_trainings=1)
    status = plan_training(seen, world.at, settings).status
    assert isinstance(status, ModelTrainingStatus)
    told = {c.type: c for c in status.conditions}
    assert told["Ready"].status == "False"
    stalled = told["Stalled"].status == "True"
    assert (told["Reconciling"].status == "True") is not stalled
    return told["Ready"].reason, told["Stalled"].reason if stalled else "", status.state
