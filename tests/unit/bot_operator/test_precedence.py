"""Of two findings at once the stronger wins: all neighbours of the order, through the plan."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot_operator.api.resources import MODEL_TRAININGS, TRADING_BOTS, Manifest, Ref
from bot_operator.planning.plans import Plan
from bot_operator.planning.refusals import Refusal
from bot_operator.planning.specs import Bot, Training
from bot_operator.signs.credentials import SecretSeen
from bot_operator.tradingbot.observe import BotSeen, Run
from bot_operator.tradingbot.plan import plan_bot
from bot_operator.watching.workqueue import Key
from bot_runtime.contract.status import TradingBotStatus
from tests.resources import REMOVED, changed
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.test_versions import CORRUPT, run, two_versions
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

NEVER = "0 0 31 2 *"
Base = Callable[[], Awaitable[World]]
Cause = Callable[[BotSeen], BotSeen]


async def owing() -> World:
    """Return a bot that decides while the training of what it asks for has failed for good."""
    world = await ready_world()
    world.failing["Trend"] = {"exitCode": 137, "reason": "OOMKilled"}
    return await _on_another_market(world)


async def learning() -> World:
    """Return a bot that decides while the training of what it asks for runs."""
    world = await ready_world()
    world.running = False
    return await _on_another_market(world)


async def rejected() -> World:
    """Return a bot that decides while what it asks for did not pass the gate."""
    world = await ready_world()
    world.promoted = False
    return await _on_another_market(world)


async def _on_another_market(world: World) -> World:
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    return world


async def fallen_back() -> World:
    """Return a bot that decides by the version before its newest one."""
    world, _, _ = await two_versions()
    await run(world, CORRUPT)
    await run(world)
    return world


def edited(seen: BotSeen, path: str, value: object) -> BotSeen:
    return replace(seen, bot=Bot(changed(seen.owner, {path: value})))


def broken(seen: BotSeen) -> BotSeen:
    return edited(seen, "spec.timeframe", "7m")


def live(seen: BotSeen) -> BotSeen:
    return edited(edited(seen, "spec.mode", "Live"), "spec.exchange.credentialsSecret", "keys")


def refused(seen: BotSeen) -> BotSeen:
    child = Ref(MODEL_TRAININGS, NAMESPACE, "t")
    return seen.with_refused((Refusal(child, "exceeded quota"),))


def suspended(seen: BotSeen) -> BotSeen:
    return edited(seen, "spec.suspend", True)


def stopped(seen: BotSeen) -> BotSeen:
    """Leave what is seen as it is: the plan is told by the settings."""
    return seen


def secretless(seen: BotSeen) -> BotSeen:
    return replace(seen, secret=SecretSeen("keys", exists=False))


def lost(seen: BotSeen) -> BotSeen:
    return _with_claim(seen, "Lost")


def unbound(seen: BotSeen) -> BotSeen:
    return _with_claim(seen, "Pending")


def _with_claim(seen: BotSeen, phase: str) -> BotSeen:
    assert seen.claim is not None
    assert seen.claim.claim is not None
    claim = {**seen.claim.claim, "status": {"phase": phase}}
    return replace(seen, claim=replace(seen.claim, claim=claim))


def untrained(seen: BotSeen) -> BotSeen:
    seen = edited(seen, "status.activeModel", REMOVED)
    return replace(seen, trainings=(), cron_job=None, runs=())


def never_fires(seen: BotSeen) -> BotSeen:
    return edited(seen, "spec.inference.schedule", NEVER)


def silent(seen: BotSeen) -> BotSeen:
    return replace(edited(seen, "status.signals", []), runs=())


def hanging(seen: BotSeen) -> BotSeen:
    """Let another run wait for its image."""
    assert seen.cron_job is not None
    job = {**seen.cron_job["spec"]["jobTemplate"], "metadata": {**seen.owner["metadata"]}}
    return replace(seen, runs=(*seen.runs, Run(job, (_pod_that_waits(),))))


def training_hangs(seen: BotSeen) -> BotSeen:
    """Let the training that runs say that its image cannot be pulled."""
    told = {"type": "Stalled", "status": "True", "reason": "ImagePullFailed", "message": "none"}
    since = {"lastTransitionTime": "2026-03-01T12:00:00Z", "observedGeneration": 1}
    *others, newest = seen.trainings
    status = {**newest.manifest["status"], "conditions": [{**told, **since}]}
    return replace(seen, trainings=(*others, Training({**newest.manifest, "status": status})))


def _pod_that_waits() -> Manifest:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "none"}}}
    statuses = [{"name": "runtime", "image": "x:1", **waiting}]
    return {
        "metadata": {"name": "p", "namespace": NAMESPACE, "uid": "p"},
        "status": {"phase": "Pending", "containerStatuses": statuses},
    }


def unusable(seen: BotSeen) -> BotSeen:
    return _with_ended_run(seen, CORRUPT)


def run_failed(seen: BotSeen) -> BotSeen:
    return _with_ended_run(seen, {"exitCode": 69, "message": "no answer"})


def _with_ended_run(seen: BotSeen, ended: Manifest) -> BotSeen:
    first, *others = seen.runs
    at = first.pods[0]["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    container = {"name": "runtime", "state": {"terminated": {**ended, "finishedAt": at}}}
    pod = {**first.pods[0], "status": {"phase": "Failed", "containerStatuses": [container]}}
    return replace(seen, runs=(replace(first, pods=(pod,)), *others))


def never_trains(seen: BotSeen) -> BotSeen:
    return edited(seen, "spec.training.schedule", NEVER)


def stale_feed(seen: BotSeen) -> BotSeen:
    return _with_signal(seen, "reason", "FeedStale newest candle 900 s old")


def drifting(seen: BotSeen) -> BotSeen:
    return _with_signal(seen, "drift", "features 1.31 > 0.92")


def _with_signal(seen: BotSeen, field: str, value: str) -> BotSeen:
    signals = [{**s, field: value} for s in seen.owner["status"]["signals"]]
    return replace(edited(seen, "status.signals", signals), runs=())


def newest_rejected(seen: BotSeen) -> BotSeen:
    """Let the gate be what the newest version did not pass: it was served without one."""
    verdict = {"status.version.promoted": False, "status.version.reasons": ["too bad"]}
    newest = max(seen.trainings, key=lambda t: t.status.completion_time or "")
    others = tuple(t for t in seen.trainings if t is not newest)
    return replace(seen, trainings=(*others, Training(changed(newest.manifest, verdict))))


def kept_small(seen: BotSeen) -> BotSeen:
    assert seen.claim is not None
    bigger = edited(seen, "spec.storage.size", "900Gi")
    return replace(bigger, claim=replace(seen.claim, refusal="it may not grow"))


async def plan(base: Base, causes: tuple[Cause, ...]) -> Plan:
    """Return the plan at first sight: every condition is a transition, and told."""
    world = await base()
    seen = await world.reconciler.observe(Key(TRADING_BOTS, NAMESPACE, "btc-paper"))
    assert isinstance(seen, BotSeen)
    for cause in causes:
        seen = cause(seen)
    stopper = "stopped by a label" if stopped in causes else None
    seen = edited(seen, "status.conditions", [])
    return plan_bot(seen, world.at, replace(SETTINGS, stopped_by=stopper))


def told(plan: Plan, kind: str) -> tuple[str, str]:
    assert isinstance(plan.status, TradingBotStatus)
    return next((c.status, c.reason) for c in plan.status.conditions if c.type == kind)


@pytest.mark.parametrize(
    ("base", "causes", "ready", "stalled", "state"),
    [
        # A spec that cannot be acted on comes before everything.
        (ready_world, (broken, live), "InvalidSpec", "InvalidSpec", "Stalled"),
        (ready_world, (broken, suspended, refused), "InvalidSpec", "InvalidSpec", "Stalled"),
        (ready_world, (live, suspended), "LiveNotAvailable", "LiveNotAvailable", "Stalled"),
        (ready_world, (live, refused, stopped), "LiveNotAvailable", "LiveNotAvailable", "Stalled"),
        # A refused child stalls whatever else there is; where nothing else does the bot decides.
        (ready_world, (refused,), "BotReady", "ChildRefused", "Deciding"),
        (ready_world, (refused, suspended), "Suspended", "ChildRefused", "Suspended"),
        (ready_world, (refused, stopped), "ChildRefused", "ChildRefused", "Stopped"),
        (ready_world, (refused, secretless), "ChildRefused", "ChildRefused", "WaitingForSecrets"),
        (ready_world, (refused, untrained), "ChildRefused", "ChildRefused", "Stalled"),
        # A bot that its own spec suspends is as asked.
        (ready_world, (suspended,), "Suspended", "", "Suspended"),
        (ready_world, (suspended, stopped), "Suspended", "", "Suspended"),
        (ready_world, (suspended, secretless), "Suspended", "", "Suspended"),
        (ready_world, (stopped,), "Stopped", "Stopped", "Stopped"),
        (ready_world, (stopped, secretless), "Stopped", "Stopped", "Stopped"),
        (ready_world, (secretless,), "WaitingForSecrets", "SecretMissing", "WaitingForSecrets"),
        (
            ready_world,
            (secretless, lost),
            "WaitingForSecrets",
            "SecretMissing",
            "WaitingForSecrets",
        ),
        (ready_world, (lost,), "WaitingForStorage", "ClaimLost", "WaitingForStorage"),
        (ready_world, (lost, untrained), "WaitingForStorage", "ClaimLost", "WaitingForStorage"),
        (ready_world, (untrained,), "WaitingForModel", "", "Training"),
        (ready_world, (unusable,), "VersionUnusable", "VersionUnusable", "Stalled"),
        (ready_world, (unusable, never_fires), "VersionUnusable", "InvalidSchedule", "Stalled"),
        (ready_world, (never_fires,), "InvalidSchedule", "InvalidSchedule", "Stalled"),
        (ready_world, (never_fires, unbound), "InvalidSchedule", "InvalidSchedule", "Stalled"),
        (ready_world, (unbound,), "WaitingForStorage", "", "Pending"),
        (ready_world, (unbound, silent), "WaitingForStorage", "", "Pending"),
        (ready_world, (silent,), "WaitingForSignal", "", "Pending"),
        (ready_world, (silent, hanging), "WaitingForSignal", "ImagePullFailed", "Stalled"),
        # Without any of these it decides, also where it does not go on by itself.
        (ready_world, (hanging,), "BotReady", "ImagePullFailed", "Deciding"),
        (ready_world, (unusable, hanging), "VersionUnusable", "ImagePullFailed", "Stalled"),
        (owing, (unusable,), "VersionUnusable", "VersionUnusable", "Stalled"),
        (owing, (), "BotReady", "TrainingFailed", "Deciding"),
        (learning, (training_hangs,), "BotReady", "ImagePullFailed", "Deciding"),
        (learning, (), "BotReady", "", "Deciding"),
        (ready_world, (), "BotReady", "", "Deciding"),
    ],
)
async def test_the_stronger_of_two_findings_is_what_ready_stalled_and_the_state_say(
    base: Base, causes: tuple[Cause, ...], ready: str, stalled: str, state: str
) -> None:
    planned = await plan(base, causes)
    assert isinstance(planned.status, TradingBotStatus)
    assert planned.status.state == state
    is_ready = str(state in {"Suspended", "Deciding"})
    assert told(planned, "Ready") == (is_ready, ready)
    assert told(planned, "Stalled") == (str(bool(stalled)), stalled or ready)
    in_progress = stalled == "" and (is_ready == "False" or base is learning)
    reason = stalled or ("TrainingRunning" if base is learning else ready)
    assert told(planned, "Reconciling") == (str(in_progress), reason)
    reasons = [str(note.reason) for note in planned.notes]
    assert reasons[0] == stalled if stalled else ready in reasons


@pytest.mark.parametrize(
    ("base", "causes", "reason"),
    [
        (ready_world, (run_failed, never_trains), "RunFailed"),
        (ready_world, (stale_feed, never_trains), "InvalidSchedule"),
        (ready_world, (stale_feed, drifting), "FeedTrouble"),
        (fallen_back, (drifting,), "Drift"),
        (owing, (drifting,), "Drift"),
        (fallen_back, (newest_rejected,), "FellBack"),
        (fallen_back, (kept_small,), "FellBack"),
        (owing, (kept_small,), "TrainingFailed"),
        (rejected, (kept_small,), "CandidateRejected"),
        (ready_world, (kept_small,), "ClaimSizeKept"),
        (ready_world, (), "AsExpected"),
        # Each of the weaker ones alone.
        (ready_world, (never_trains,), "InvalidSchedule"),
        (ready_world, (stale_feed,), "FeedTrouble"),
        (ready_world, (drifting,), "Drift"),
        (fallen_back, (), "FellBack"),
        (owing, (), "TrainingFailed"),
        (rejected, (), "CandidateRejected"),
        # A bot that does not decide is told what is wrong with it all the same.
        (ready_world, (suspended, run_failed), "RunFailed"),
        (ready_world, (stopped, never_trains), "InvalidSchedule"),
    ],
)
async def test_the_worse_of_two_flaws_is_what_degraded_says(
    base: Base, causes: tuple[Cause, ...], reason: str
) -> None:
    planned = await plan(base, causes)
    assert told(planned, "Degraded") == (str(reason != "AsExpected"), reason)
    assert reason in {"AsExpected", *(str(note.reason) for note in planned.notes)}
