"""A secret of Telegram is judged, mounted where it is used alone, and keeps no bot from trading."""

import json
from typing import Any

import pytest

from bot_operator.api.resources import CONFIG_MAPS, CRON_JOBS, EVENTS, MODEL_TRAININGS
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.telegram_secret import TELEGRAM_SECRET
from tests.telegram_server import CHAT, TOKEN
from tests.unit.bot_operator.test_trades import TRADING, containers, pod_of, run
from tests.unit.bot_operator.world import NAMESPACE, World

SPEC: dict[str, Any] = {"notifications": {"secret": "telegram"}}
KIND = TELEGRAM_SECRET.type
VALUES = {"token": TOKEN, "chatId": CHAT}
COMMAND = TELEGRAM_SECRET.create_command(NAMESPACE, "telegram")
REFUSED = "Telegram refuses the token (401); put the token that BotFather gives into the secret"


async def world_of(**values: str) -> World:
    """Return the world of a bot that tells a chat; without values there is no secret yet."""
    world = World()
    if values:
        world.add_secret("telegram", KIND, **values)
    world.add_bot(**SPEC)
    await world.settle()
    world.fire()
    await world.settle()
    return world


def mounted(world: World) -> list[str]:
    """Return which containers have the secret."""
    return [
        container["name"]
        for container in pod_of(world)["containers"]
        if "telegram" in [mount["name"] for mount in container["volumeMounts"]]
    ]


def warnings_of(world: World) -> list[str]:
    found = [e for e in world.kube.all(EVENTS) if e["reason"] == "NotificationsUnavailable"]
    assert {e["type"] for e in found} <= {"Warning"}
    assert {e["count"] for e in found} <= {1}
    return [e["message"] for e in found]


async def test_the_secret_is_mounted_into_the_container_that_trades_alone() -> None:
    world = await world_of(**VALUES)
    assert world.condition("TradingAllowed") == TRADING
    assert world.message_of("TradingAllowed") == "no limit stands"
    assert mounted(world) == ["trade"]
    first, second = pod_of(world)["containers"]
    variables = {e["name"]: e.get("value") for e in second["env"]}
    assert variables["BOTCRIPTO_TELEGRAM"] == "/var/run/secrets/botcripto.io/telegram"
    assert "BOTCRIPTO_TELEGRAM" not in [e["name"] for e in first["env"]]
    (volume,) = [v for v in pod_of(world)["volumes"] if v["name"] == "telegram"]
    assert volume["secret"] == {
        "secretName": "telegram",
        "items": [{"key": key, "path": key} for key in ("token", "chatId", "apiUrl")],
        "optional": True,
    }
    assert warnings_of(world) == []


async def test_no_run_and_no_training_knows_of_it_and_a_bot_without_one_is_as_before() -> None:
    told, silent = await world_of(**VALUES), World()
    silent.add_bot()
    await silent.settle()
    silent.fire()
    await silent.settle()
    for kind in (CONFIG_MAPS, MODEL_TRAININGS):
        ours, theirs = (
            [{k: v for k, v in c.items() if k in {"data", "spec"}} for c in w.kube.all(kind)]
            for w in (told, silent)
        )
        assert ours == theirs
    assert "telegram" not in json.dumps(silent.kube.all(CRON_JOBS))


async def test_a_bot_trades_until_somebody_makes_the_secret_and_then_tells() -> None:
    world = await world_of()
    for _ in range(2):
        assert world.condition("Ready") == ("True", "BotReady")
        assert world.condition("TradingAllowed") == TRADING
        assert world.condition("Degraded") == ("False", "AsExpected")
        assert containers(world) == ["runtime", "trade"]
        assert mounted(world) == []
        why = f"secret telegram in namespace bots does not exist; create it: {COMMAND}"
        assert world.message_of("TradingAllowed") == f"no limit stands; no messages: {why}"
        assert warnings_of(world) == [f"no messages: {why}"]
        world.restart()
        world.wake_all()
        await world.settle()
        await run(world)
    world.add_secret("telegram", KIND, **VALUES)
    world.pass_time(60)
    await world.settle()
    assert mounted(world) == ["trade"]
    assert world.message_of("TradingAllowed") == "no limit stands"
    assert len(warnings_of(world)) == 1


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("Opaque", VALUES, "has type Opaque, not botcripto.io/telegram"),
        (EXCHANGE_SECRET.type, VALUES, "has type botcripto.io/exchange, not botcripto.io/t"),
        (KIND, {"token": TOKEN}, "chatId: missing"),
        (KIND, {"TOKEN": TOKEN, "chatId": CHAT}, "token: missing"),
        (KIND, {**VALUES, "token": "<token>"}, "token: a placeholder"),
        (KIND, {**VALUES, "token": f"bot{TOKEN}"}, "token: no token of a Telegram bot; copy it"),
        (KIND, {"token": CHAT, "chatId": TOKEN}, "chatId: no chat of Telegram; write its number"),
        (KIND, {**VALUES, "apiUrl": "http://api.k9.org"}, "apiUrl: an address without encryption"),
    ],
)
async def test_a_secret_that_cannot_be_right_is_told_without_it_and_not_mounted(
    kind: str, values: dict[str, str], told: str
) -> None:
    world = World()
    world.add_secret("telegram", kind, **values)
    world.add_bot(**SPEC)
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("TradingAllowed") == TRADING
    assert mounted(world) == []
    (warning,) = warnings_of(world)
    for message in (warning, world.message_of("TradingAllowed")):
        assert told in message
        assert f"kubectl delete secret telegram --namespace bots && {COMMAND}" in message
    written = json.dumps([world.status(), world.kube.all(EVENTS), world.kube.all(CRON_JOBS)])
    assert not [part for part in (TOKEN[11:], CHAT[1:], "k9.org") if part in written]


async def test_what_telegram_refuses_is_told_once_until_a_run_could_send() -> None:
    world = await world_of(**VALUES)
    for _ in range(3):
        await run(world, warnings=("BTC/USDT: revised", f"no messages: {REFUSED}"))
        assert world.condition("TradingAllowed") == TRADING
        assert world.condition("Ready") == ("True", "BotReady")
        assert world.message_of("TradingAllowed") == f"no limit stands; no messages: {REFUSED}"
    entries = {"reason": "DailyLoss", "message": "3.1 % lost since 00:00 UTC, allowed 3 %"}
    await run(world, warnings=(f"no messages: {REFUSED}",), entries=entries)
    assert world.message_of("TradingAllowed") == f"{entries['message']}; no messages: {REFUSED}"
    assert warnings_of(world) == [f"no messages: {REFUSED}"]
    await run(world, warnings=(), entries=None)
    assert world.message_of("TradingAllowed") == "no limit stands"


async def test_what_a_run_said_stands_when_its_pod_is_gone_and_goes_with_the_secret() -> None:
    world = await world_of(**VALUES)
    await run(world, warnings=(f"no messages: {REFUSED}",))
    for pod in [p for p in world.kube.objects.values() if p["kind"] == "Pod"]:
        world.remove(pod)
    for _ in range(3):
        world.restart()
        world.wake_all()
        await world.settle()
        assert world.message_of("TradingAllowed") == f"no limit stands; no messages: {REFUSED}"
    world.change_bot(notifications={})
    await world.settle()
    assert world.message_of("TradingAllowed") == "no limit stands"
    assert mounted(world) == []
    assert warnings_of(world) == [f"no messages: {REFUSED}"]


async def test_a_run_cannot_put_a_secret_or_a_terminals_code_into_the_status() -> None:
    world = await world_of(**VALUES)
    await run(world, warnings=(f"no messages: POST /bot{TOKEN}/sendMessage \x1b[2J",))
    written = json.dumps([world.status(), world.kube.all(EVENTS)])
    assert TOKEN[11:] not in written
    assert "\\u001b" not in written


async def test_a_secret_that_goes_away_is_mounted_no_more() -> None:
    world = await world_of(**VALUES)
    (secret,) = [o for o in world.kube.objects.values() if o["kind"] == "Secret"]
    world.remove(secret)
    await run(world)
    assert mounted(world) == []
    assert "does not exist; create it" in world.message_of("TradingAllowed")


async def test_a_bot_that_does_not_trade_says_nothing_of_messages() -> None:
    world = World()
    world.add_bot(**SPEC, storage={"accessMode": "ReadWriteMany"})
    await world.settle()
    assert world.condition("TradingAllowed") == ("False", "JournalUnavailable")
    assert "no messages" not in world.message_of("TradingAllowed")
    assert containers(world) == ["runtime"]
