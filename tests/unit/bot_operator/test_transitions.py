"""What is told of a bot as Events: every transition, recoveries included."""

from bot_operator.api.resources import EVENTS, TRADING_BOTS
from tests.unit.bot_operator.world import World


async def test_a_recovery_is_told_with_what_it_was() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    world.fire()
    world.failing["Inference"] = {"exitCode": 69, "message": "no answer"}
    await world.settle()
    assert world.condition("Degraded") == ("True", "RunFailed")
    world.failing.clear()
    world.pass_time(60)
    world.fire()
    await world.settle()
    told = [e["message"] for e in world.kube.all(EVENTS) if e["type"] == "Normal"]
    assert "no longer Degraded; it was RunFailed: no answer" in told


async def test_every_transition_of_a_bot_is_told() -> None:
    world = World()
    world.add_bot()
    world.change_bot(exchange__credentialsSecret="keys")
    await world.settle()
    world.add_secret("keys")
    world.pass_time(5)
    await world.settle()
    world.fire()
    await world.settle()
    world.pass_time(3600)
    await world.settle()
    uid = world.kube.one(TRADING_BOTS, "btc-paper")["metadata"]["uid"]
    told = [
        (e["type"], e["reason"])
        for e in world.kube.all(EVENTS)
        if e["involvedObject"]["uid"] == uid
    ]
    for expected in (
        ("Warning", "SecretMissing"),
        ("Normal", "WaitingForModel"),
        ("Normal", "ModelPromoted"),
        ("Normal", "WaitingForSignal"),
        ("Normal", "BotReady"),
        ("Warning", "SignalStale"),
    ):
        assert expected in told, told
