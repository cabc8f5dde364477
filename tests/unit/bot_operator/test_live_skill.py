"""What a version's forecasts are worth while it serves: told, alarmed on, and answered once."""

import json

import pytest

from bot_operator.api.resources import EVENTS, TRADING_BOTS, Manifest
from bot_runtime.contract.skillstatus import SKILL_TEXT_MAX, LiveSkill, LossSkill
from tests.operator_messages import inference_message
from tests.unit.bot_operator.test_drift import begun
from tests.unit.bot_operator.world import World

LOST_AT = "2026-03-01T00:00:00Z"
UNWATCHED = LossSkill(lead="0.41", error="0.52", watched=False)
FEW = LiveSkill(blocks=3)
HOLDS = LiveSkill(
    blocks=30,
    log_loss=UNWATCHED,
    pinball=LossSkill(lead="1.13", error="0.3", watched=True),
    qlike=LossSkill(lead="6.9", error="2.1", watched=True),
)
LOST = HOLDS.model_copy(
    update={
        "qlike": LossSkill(lead="-3.2", error="1.1", watched=True),
        "lost": "QLIKE 3.2 % above HAR, error 1.1; excess 3.40, limit 3.25",
        "lost_since": LOST_AT,
    }
)


async def decide(world: World, told: LiveSkill | None) -> None:
    """Let five minutes pass and the bot decide."""

    def message(job: Manifest) -> str:
        return inference_message(
            json.loads(world._run_configuration(job)), world.at, live_skill=told
        )

    world.messages["Inference"] = message
    world.pass_time(300)
    world.fire()
    await world.settle()


async def world_of(*told: LiveSkill | None, policy: str = "Report") -> World:
    """Return a world whose bot has told this, run by run."""
    world = World()
    world.add_bot()
    world.change_bot(training={"driftPolicy": policy})
    await world.settle()
    for skill in told:
        await decide(world, skill)
    return world


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (FEW, "not yet: 3 of 8 blocks"),
        (HOLDS, "log loss +0.41±0.52 %, pinball +1.13±0.3 %, QLIKE +6.9±2.1 %"),
        (LOST, "log loss +0.41±0.52 %, pinball +1.13±0.3 %, QLIKE -3.2±1.1 %"),
    ],
)
async def test_the_status_has_what_the_newest_run_told_and_one_text_of_it(
    told: LiveSkill, text: str
) -> None:
    world = await world_of(FEW, told)
    assert LiveSkill.model_validate(world.status()["activeModel"]["liveSkill"]) == told
    assert world.status()["skill"] == text


def test_the_text_of_any_figures_fits_its_field() -> None:
    for figure in ("-1.23457e-05", "1e300", "-1e300", "nan", "-inf", "0"):
        loss = LossSkill(lead=figure, error=figure, watched=True)
        skill = LiveSkill(blocks=30, log_loss=loss, pinball=loss, qlike=loss)
        assert len(skill.text) <= SKILL_TEXT_MAX


async def test_a_run_that_leaves_it_out_changes_nothing_of_it() -> None:
    world = await world_of(HOLDS, None)
    assert world.status()["activeModel"]["liveSkill"] == HOLDS.to_json()
    world.restart()
    await world.settle()
    assert world.status()["activeModel"]["liveSkill"] == HOLDS.to_json()


async def test_a_version_that_tells_nothing_has_none() -> None:
    world = await world_of(None)
    assert "liveSkill" not in world.status()["activeModel"]
    assert "skill" not in world.status()


async def test_lost_skill_degrades_the_bot_which_goes_on() -> None:
    world = await world_of(HOLDS)
    assert world.condition("Degraded") == ("False", "AsExpected")
    await decide(world, LOST)
    assert world.condition("Degraded") == ("True", "SkillLost")
    assert world.condition("Ready") == ("True", "BotReady")
    version = world.status()["activeModel"]["version"]
    told = [e["message"] for e in world.kube.all(EVENTS) if e["reason"] == "SkillLost"]
    assert told == [
        f"since {LOST_AT} the forecasts of {version} are worse than naive ones: {LOST.lost}"
    ]
    assert begun(world) == [None]


async def test_retrain_begins_one_training_whose_version_begins_anew() -> None:
    world = await world_of(HOLDS, LOST, policy="Retrain")
    assert begun(world) == [None, LOST_AT]
    candidate = world.status()["candidateTraining"]["name"]
    assert world.status()["activeModel"]["training"] == candidate
    assert "liveSkill" not in world.status()["activeModel"]
    assert world.condition("Degraded") == ("False", "AsExpected")
    await decide(world, FEW)
    assert begun(world) == [None, LOST_AT]


async def test_it_is_answered_once_also_where_the_new_version_is_rejected() -> None:
    world = await world_of(HOLDS, policy="Retrain")
    world.promoted = False
    for _ in range(3):
        await decide(world, LOST)
        world.restart()
        await world.settle()
    world.pass_time(7 * 86_400)
    await decide(world, LOST)
    assert begun(world) == [None, LOST_AT]
    assert world.condition("Degraded") == ("True", "SkillLost")


@pytest.mark.parametrize("written", ["", "much", "0,4"])
async def test_figures_that_somebody_writes_and_are_none_are_told_anew(written: str) -> None:
    world = await world_of()
    bot = world.kube.one(TRADING_BOTS, "btc-paper")
    active = bot["status"]["activeModel"]
    skill = HOLDS.to_json()
    skill["logLoss"]["lead"] = written
    world.kube.statuses_are_ours = False
    status = {**bot["status"], "activeModel": {**active, "liveSkill": skill}}
    world.kube.put({**bot, "status": status})
    await world.settle()
    assert world.status()["activeModel"] == active
    await decide(world, HOLDS)
    assert LiveSkill.model_validate(world.status()["activeModel"]["liveSkill"]) == HOLDS
