"""Scheduled retraining: each due time trains once, and nothing else does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot_operator.api.resources import (
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    annotations_of,
    name_of,
)
from bot_operator.tradingbot.timetable import Timetable, check_schedule
from bot_runtime.contract.names import ANNOTATION_SCHEDULED_TIME
from tests.unit.bot_operator.fakes import Killed
from tests.unit.bot_operator.world import World

HOUR, DAY = 3600.0, 86_400.0


async def scheduled_world(schedule: str | None = "0 3 * * *", **training: Any) -> World:
    """Return a world at noon UTC with a trained bot on a schedule."""
    world = World()
    world.add_bot()
    world.change_bot(training={"schedule": schedule, **training})
    await world.settle()
    return world


def begun(world: World) -> list[str | None]:
    """Return for which times trainings were created, in order; None for the spec's own."""
    times = {
        name_of(t): annotations_of(t).get(ANNOTATION_SCHEDULED_TIME)
        for t in world.kube.all(MODEL_TRAININGS)
    }
    return [times.get(name, "gone") for name in world.kube.created(MODEL_TRAININGS)]


async def live(world: World, seconds: float) -> None:
    """Let time pass for operator and cluster together, from one wake-up to the next."""
    until = world.at + timedelta(seconds=seconds)
    while world.at < until:
        due = min(world.keys.later.values(), default=until)
        world.at = min(max(due, world.at), until)
        await world.settle(rounds=4000)


async def test_the_first_training_begins_at_once_and_the_next_ones_by_the_schedule() -> None:
    world = await scheduled_world()
    assert begun(world) == [None]
    assert world.status()["nextTrainingTime"] == "2026-03-02T03:00:00Z"
    await live(world, 2 * DAY)
    assert begun(world) == [None, "2026-03-02T03:00:00Z", "2026-03-03T03:00:00Z"]
    assert world.status()["candidateTraining"]["scheduledTime"] == "2026-03-03T03:00:00Z"
    assert world.status()["nextTrainingTime"] == "2026-03-04T03:00:00Z"
    assert world.status()["activeModel"]["training"] == world.status()["candidateTraining"]["name"]
    assert len(world.kube.created(JOBS)) == 15


async def test_between_two_scheduled_trainings_nothing_is_written() -> None:
    world = await scheduled_world()
    await live(world, DAY)
    written = len(world.kube.writes)
    await live(world, 14 * HOUR)
    assert len(world.kube.writes) == written


async def test_without_a_schedule_it_trains_once() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    await live(world, 9 * DAY)
    assert begun(world) == [None]
    assert "nextTrainingTime" not in world.status()


async def test_a_rejected_candidate_leaves_the_champion_and_the_next_one_may_replace_it() -> None:
    world = await scheduled_world()
    first = world.status()["activeModel"]["version"]
    world.promoted = False
    await live(world, DAY)
    assert world.status()["activeModel"]["version"] == first
    assert world.condition("Degraded") == ("True", "CandidateRejected")
    world.promoted = True
    await live(world, DAY)
    assert world.status()["activeModel"]["version"] != first
    assert world.condition("Degraded")[0] == "False"


@pytest.mark.parametrize(
    "edit",
    [
        {"schedule": "0 11 * * *"},  # its newest time was an hour ago
        {"schedule": "0 3 * * *", "timeZone": "Asia/Tokyo"},
        {"schedule": "0 3 * * *", "jitterSeconds": 600},
        {"schedule": None},
    ],
)
async def test_an_edit_of_the_schedule_trains_nothing_by_itself(edit: dict[str, Any]) -> None:
    world = await scheduled_world(missedRunPolicy="RunOnce")
    world.change_bot(training={"missedRunPolicy": "RunOnce", **edit})
    await world.settle()
    await live(world, HOUR)
    assert begun(world) == [None]
    await live(world, DAY)
    assert len(begun(world)) == (1 if edit["schedule"] is None else 2)


async def test_a_schedule_edited_while_the_operator_is_down_trains_nothing_retroactively() -> None:
    world = await scheduled_world(missedRunPolicy="RunOnce")
    world.pass_time(2 * DAY)  # two trainings are missed, then the schedule is another one
    world.change_bot(training={"schedule": "30 11 * * *", "missedRunPolicy": "RunOnce"})
    world.restart()
    await world.settle()
    assert begun(world) == [None]
    assert world.status()["nextTrainingTime"] == "2026-03-04T11:30:00Z"


async def test_another_edit_of_the_spec_does_not_lose_a_due_training() -> None:
    world = await scheduled_world()
    world.pass_time(15 * HOUR + 30)
    world.change_bot(decision__probMin=0.7)
    await world.settle()
    assert begun(world) == [None, "2026-03-02T03:00:00Z"]


async def test_skip_leaves_out_what_was_missed_and_tells_it_once() -> None:
    world = await scheduled_world()
    world.pass_time(3 * DAY)
    world.restart()
    await world.settle()
    assert begun(world) == [None]
    assert world.status()["missedTrainingTime"] == "2026-03-04T03:00:00Z"
    assert world.status()["nextTrainingTime"] == "2026-03-05T03:00:00Z"
    told = [e["message"] for e in world.kube.all(EVENTS) if e["reason"] == "TrainingMissed"]
    assert len(told) == 1
    assert "the next one is at 2026-03-05T03:00:00Z" in told[0]
    await live(world, DAY)
    assert begun(world) == [None, "2026-03-05T03:00:00Z"]
    assert "missedTrainingTime" not in world.status()


async def test_run_once_makes_up_for_all_that_was_missed_by_one_training() -> None:
    world = await scheduled_world(missedRunPolicy="RunOnce")
    world.pass_time(3 * DAY)
    world.restart()
    await world.settle()
    assert begun(world) == [None, "2026-03-04T03:00:00Z"]
    assert world.status()["nextTrainingTime"] == "2026-03-05T03:00:00Z"
    assert "missedTrainingTime" not in world.status()


async def test_an_operator_that_restarts_at_the_scheduled_time_misses_nothing() -> None:
    world = await scheduled_world()
    world.pass_time(15 * HOUR + 14 * 60)
    world.restart()
    await world.settle()
    assert begun(world) == [None, "2026-03-02T03:00:00Z"]


@pytest.mark.parametrize(("policy", "in_the_end"), [("Skip", 1), ("RunOnce", 2)])
async def test_a_training_that_is_due_while_another_runs_waits_or_is_left_out(
    policy: str, in_the_end: int
) -> None:
    world = World(running=False)
    world.add_bot()
    world.change_bot(training={"schedule": "0 * * * *", "missedRunPolicy": policy})
    await world.settle()
    await live(world, HOUR + 20 * 60)
    assert begun(world) == [None]
    assert ("missedTrainingTime" in world.status()) == (policy == "Skip")
    world.running = True
    await world.settle()
    assert len(begun(world)) == in_the_end
    unfinished = [t for t in world.kube.all(MODEL_TRAININGS) if "completionTime" not in t["status"]]
    assert unfinished == []


async def test_a_missing_secret_is_waited_for_until_the_latest_start() -> None:
    world = await scheduled_world()
    await live(world, 15 * HOUR - 10)
    world.change_bot(exchange__credentialsSecret="keys")
    await world.settle()
    await live(world, 20)
    assert begun(world) == [None]
    assert world.status()["nextTrainingTime"] == "2026-03-02T03:00:00Z"
    world.add_secret("keys")
    world.pass_time(5)
    await world.settle()
    assert begun(world) == [None, "2026-03-02T03:00:00Z"]


async def test_a_suspended_bot_does_not_train_and_nothing_is_made_up_for() -> None:
    world = await scheduled_world(missedRunPolicy="RunOnce")
    world.change_bot(suspend=True)
    await world.settle()
    assert "nextTrainingTime" not in world.status()
    await live(world, 2 * DAY)
    world.change_bot(suspend=False)
    await world.settle()
    assert begun(world) == [None]
    assert world.status()["nextTrainingTime"] == "2026-03-04T03:00:00Z"


async def test_a_pinned_bot_does_not_train_by_schedule() -> None:
    world = await scheduled_world()
    world.change_bot(model__pinnedVersion=world.status()["activeModel"]["version"])
    await world.settle()
    await live(world, 2 * DAY)
    assert begun(world) == [None]


async def test_another_model_is_trained_at_once_and_the_schedule_goes_on() -> None:
    world = await scheduled_world()
    await live(world, DAY)
    world.change_bot(symbols=["BTC/USDT", "ETH/USDT"])
    await world.settle()
    assert begun(world) == [None, "2026-03-02T03:00:00Z", None]
    await live(world, DAY)
    assert begun(world)[-1] == "2026-03-03T03:00:00Z"
    assert world.training()["spec"]["symbols"] == ["BTC/USDT", "ETH/USDT"]


async def test_a_failed_scheduled_training_is_tried_again_under_the_same_time() -> None:
    world = await scheduled_world()
    world.failing["Data"] = {"exitCode": 69, "reason": "Error", "message": "no answer"}
    await live(world, 15 * HOUR)
    assert world.condition("Degraded") == ("True", "TrainingFailed")
    assert world.condition("Ready") == ("False", "WaitingForSignal")  # the champion is served
    world.failing.clear()
    await live(world, 120)
    names = world.kube.created(MODEL_TRAININGS)
    assert names[2] == f"{names[1]}-2"
    assert begun(world) == [None, *["2026-03-02T03:00:00Z"] * 2]


async def test_killed_at_a_write_of_a_scheduled_training_it_trains_once() -> None:
    reference = await scheduled_world()
    before = len(reference.kube.writes)
    await live(reference, 15 * HOUR)
    total = len(reference.kube.writes)
    for number in range(before, total, 3):
        world = await scheduled_world()
        world.kube.kill_at = (number, "after")
        with pytest.raises(Killed):
            await live(world, 15 * HOUR)
        world.kube.kill_at = None
        world.restart()
        await live(world, (reference.at - world.at).total_seconds())
        await world.settle()
        where = f"killed after {reference.kube.writes[number]}"
        assert begun(world) == [None, "2026-03-02T03:00:00Z"], where
        assert len(world.kube.created(JOBS)) == 10, where
        assert world.status() == reference.status(), where


async def test_status_that_was_lost_trains_nothing() -> None:
    world = await scheduled_world()
    await live(world, DAY)
    before = world.status()
    stored = world.kube.one(TRADING_BOTS, "btc-paper")
    world.kube.put({k: v for k, v in stored.items() if k != "status"})
    world.restart()
    await world.settle()
    assert len(begun(world)) == 2
    after = world.status()
    for part in ("activeModel", "candidateTraining", "nextTrainingTime", "images"):
        assert after[part] == before[part]


@pytest.mark.parametrize("back", [600.0, 2 * HOUR, 2 * DAY])
async def test_a_clock_that_goes_back_repeats_no_training(back: float) -> None:
    world = await scheduled_world("0 * * * *")
    await live(world, HOUR)
    assert begun(world) == [None, "2026-03-01T13:00:00Z"]
    world.at -= timedelta(seconds=back)
    world.wake_all()
    await world.settle()
    await live(world, 50 * 60)
    assert len([t for t in begun(world) if t == "2026-03-01T13:00:00Z"]) == 1


async def test_a_clock_that_was_years_ahead_does_not_stop_the_schedule() -> None:
    world = await scheduled_world()
    world.at += timedelta(days=1500)
    world.wake_all()
    await world.settle()
    await live(world, DAY)
    assert len(begun(world)) == 2
    world.at -= timedelta(days=1501)
    world.wake_all()
    await world.settle()
    assert world.status()["nextTrainingTime"] == "2026-03-02T03:00:00Z"
    await live(world, DAY)
    assert begun(world)[-1] == "2026-03-02T03:00:00Z"
    assert world.training()["status"]["state"] == "Promoted"


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"schedule": "0 3 31 2 *"}, "spec.training.schedule: 0 3 31 2 * never fires"),
        ({"schedule": "0 3 * * *", "timeZone": "Mars/Olympus"}, "spec.training.timeZone"),
    ],
)
async def test_a_schedule_that_never_fires_is_told_and_the_bot_decides_on(
    training: dict[str, Any], words: str
) -> None:
    world = await scheduled_world(**training)
    world.fire()
    await world.settle()
    assert world.condition("Degraded") == ("True", "InvalidSchedule")
    assert words in world.message_of("Degraded")
    assert world.condition("Ready") == ("True", "BotReady")


async def test_each_bot_has_its_own_delay_that_stays() -> None:
    world = World()
    names = [f"bot-{n}" for n in range(5)]
    for name in names:
        world.add_bot(name)
        world.change_bot(name, training={"schedule": "0 3 * * *", "jitterSeconds": 3600})
    await world.settle(rounds=4000)
    times = [world.status(name)["nextTrainingTime"] for name in names]
    assert len(set(times)) > 3
    assert all("2026-03-02T03:00:00Z" <= time <= "2026-03-02T04:00:00Z" for time in times)
    world.restart()
    await world.settle(rounds=4000)
    assert [world.status(name)["nextTrainingTime"] for name in names] == times
    await live(world, 17 * HOUR)
    tomorrow = [world.status(name)["nextTrainingTime"] for name in names]
    assert tomorrow == [time.replace("03-02", "03-03") for time in times]


def _timetable(schedule: str, zone: str) -> Timetable:
    found = check_schedule("training", schedule, zone, datetime(2026, 1, 1, tzinfo=UTC))
    assert isinstance(found, Timetable)
    return found


@pytest.mark.parametrize(
    ("schedule", "day", "expected"),
    [
        # The clock jumps from 2:00 to 3:00 on 29 March, and from 3:00 back to 2:00 on 25 October.
        ("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), "03-29T01:00 03-30T00:30"),
        ("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), "10-25T00:30 10-26T01:30"),
        ("0 3 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), "10-25T02:00 10-26T02:00"),
        ("30 * * * *", datetime(2026, 10, 25, 0, tzinfo=UTC), "10-25T00:30 10-25T01:30"),
    ],
)
def test_summer_time_neither_drops_nor_doubles_a_daily_time(
    schedule: str, day: datetime, expected: str
) -> None:
    timetable = _timetable(schedule, "Europe/Madrid")
    first = timetable.firing(day, 1)
    second = timetable.firing(first, 1)
    found = [at.astimezone(UTC).strftime("%m-%dT%H:%M") for at in (first, second)]
    assert " ".join(found) == expected
    moment = first
    while moment < second:
        assert timetable.last(moment) == first
        assert timetable.firing(moment, 1) == second
        moment += timedelta(minutes=10)


async def test_a_bot_across_the_change_of_the_clock_trains_once_a_day() -> None:
    world = World(at=datetime(2026, 10, 23, 12, tzinfo=UTC))
    world.add_bot()
    world.change_bot(training={"schedule": "30 2 * * *", "timeZone": "Europe/Madrid"})
    await world.settle()
    await live(world, 4 * DAY)
    assert begun(world)[1:] == [
        "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
        "2026-10-27T01:30:00Z",
    ]  # fmt: skip
