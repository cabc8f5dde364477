"""What a run that trades tells: what of it the status, the conditions and Events say."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot_operator.api.resources import (
    CONFIG_MAPS,
    CRON_JOBS,
    EVENTS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    Manifest,
    from_time,
    to_time,
    uid_of,
)
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.postgres_secret import POSTGRES_SECRET
from bot_runtime.contract.results import StepError, StepResult, to_message
from bot_runtime.contract.traderesult import Doubt, TradeResult
from bot_runtime.contract.tradingstatus import TradingStatus
from tests.unit.bot_operator.test_runs import end_run, pods_of_runs, two_containers
from tests.unit.bot_operator.test_stories import ready_world
from tests.unit.bot_operator.world import NAMESPACE, SETTINGS, World

URL = "postgresql://bots:k9Zq1@db.example.com:5432/journals"
TRADING = ("True", "EntriesAllowed")
POSITION = {
    "symbol": "BTC/USDT",
    "quantity": "0.0371",
    "entryPrice": "27000.13",
    "stopPrice": "26500",
    "openedAt": "2026-03-01T12:10:00Z",
}
ENTRY = {
    "order": "b7",
    "symbol": "BTC/USDT",
    "purpose": "Entry",
    "quantity": "0.0371",
    "price": "27000.13",
    "time": "2026-03-01T12:10:00Z",
}
STOP = {**ENTRY, "order": "b8", "purpose": "Stop", "price": "26500", "profit": "-18.55"}
STOP["time"] = "2026-03-01T12:20:00Z"
LIMIT = {
    "limit": "DailyLoss",
    "value": "0.031",
    "threshold": "0.03",
    "trippedAt": "2026-03-01T12:20:00Z",
    "resetsAt": "2026-03-02T00:00:00Z",
}


def account(equity: str) -> Manifest:
    fields = ("equity", "cash", "peak", "dayStart", "weekStart")
    return {**dict.fromkeys(fields, equity), "exposure": "0"}


async def run(world: World, **told: Any) -> None:
    """Have a run end that tells this beside what the runs before have told."""
    state = {**world.trades.get("state", {}), **told.pop("state", {})}
    world.trades = {**world.trades, **told, "state": state}
    end_run(world)
    await world.settle()


def events(world: World, *reasons: str) -> list[tuple[str, str]]:
    found = [e for e in world.kube.all(EVENTS) if e["reason"] in reasons]
    return [(e["type"], e["message"]) for e in found]


def columns(world: World) -> tuple[str, str, str]:
    status = world.status()
    return status["symbols"], status["equity"], status["position"]


async def test_the_first_run_tells_what_the_bot_has() -> None:
    world = await ready_world()
    assert columns(world) == ("BTC/USDT", "10000", "flat")
    assert world.condition("TradingAllowed") == TRADING
    assert world.condition("Reconciled") == ("True", "AsExpected")
    assert world.status()["trading"]["journal"]["sequence"] == 1


async def test_a_purchase_a_stop_and_a_limit_stand_in_the_status_and_are_told_once() -> None:
    world = await ready_world()
    await run(world, state={"positions": [POSITION], "lastAction": ENTRY}, actions=[ENTRY])
    assert columns(world)[2] == "BTC/USDT 0.0371"
    assert world.status()["trading"]["positions"][0]["stopPrice"] == "26500"
    state = {
        "positions": [],
        "lastAction": STOP,
        "limits": [LIMIT],
        "account": account("9681.45"),
    }
    entries = {"reason": "DailyLoss", "message": "3.1 % lost since 00:00 UTC, allowed 3 %"}
    await run(world, state=state, actions=[ENTRY, STOP], entries=entries)
    assert columns(world)[1:] == ("9681.45", "flat")
    assert world.condition("TradingAllowed") == ("False", "DailyLoss")
    assert world.message_of("TradingAllowed") == entries["message"]
    assert world.condition("Reconciled") == ("True", "AsExpected")
    await run(world, state={"limits": []}, entries=None)
    assert world.condition("TradingAllowed") == TRADING
    for _ in range(2):
        world.restart()
        world.wake_all()
        await world.settle()
    assert events(world, "EntryFilled", "StopHit", "LimitTripped", "LimitReset") == [
        ("Normal", "bought 0.0371 of BTC/USDT at 27000.13, candle 2026-03-01T12:10:00Z"),
        (
            "Normal",
            "sold 0.0371 of BTC/USDT at 26500, candle 2026-03-01T12:20:00Z, as its stop was hit; "
            "profit -18.55",
        ),
        (
            "Warning",
            "DailyLoss: 0.031, allowed 0.03; nothing is bought until 2026-03-02T00:00:00Z",
        ),
        ("Normal", "DailyLoss stands no more; it tripped at 2026-03-01T12:20:00Z"),
    ]


async def test_a_purchase_in_the_candle_in_which_the_bot_was_made_is_told() -> None:
    """Its candle opened before. What is older is of a journal on a claim that was kept."""
    for candles_before, told in ((0.0, 1), (0.9, 1), (1.1, 0)):
        world = await ready_world()
        (bot,) = world.kube.all(TRADING_BOTS)
        created = from_time(bot["metadata"]["creationTimestamp"])
        length = timedelta(seconds=seconds_of(bot["spec"]["timeframe"]))
        entry = {**ENTRY, "time": to_time(created - candles_before * length)}
        await run(world, state={"lastAction": entry}, actions=[entry])
        assert len(events(world, "EntryFilled")) == told, candles_before


@pytest.mark.parametrize(("equity", "writes"), [("10009.9", 1), ("10010", 2), ("9990.1", 1)])
async def test_what_is_no_news_costs_no_write_and_is_told_with_the_next(
    equity: str, writes: int
) -> None:
    run = await two_containers()
    run.world.trades = {"state": {"account": account(equity)}}
    run.world.kube.statuses.clear()
    await run.end("runtime", run.decision)
    await run.end("trade", run.world.trade_message(run.job))
    assert len(statuses_of_bots(run.world)) == writes
    assert run.world.status()["trading"]["journal"]["sequence"] == writes
    run.world.running = True
    end_run(run.world)
    await run.world.settle()
    assert run.world.status()["trading"]["account"]["equity"] == equity
    assert run.world.status()["trading"]["journal"]["sequence"] == 3
    assert len(statuses_of_bots(run.world)) == writes + 1


def statuses_of_bots(world: World) -> list[Manifest]:
    return [s for s in world.kube.statuses if s["kind"] == "TradingBot"]


FAILURES: list[tuple[Manifest, str, str, str]] = [
    ({"exitCode": 1, "message": "KeyError: x"}, "Crash", "KeyError: x", "TradeFailed"),
    ({"exitCode": 137, "reason": "OOMKilled"}, "OutOfMemory", "of 320Mi", "TradeFailed"),
    ({"exitCode": 69, "message": "no answer"}, "Exchange", "no answer", "TradeFailed"),
    ({"exitCode": 78, "message": "capital: is"}, "Configuration", "capital", "TradeFailed"),
    ({"exitCode": 74, "message": "disk full"}, "Storage", "disk full", "JournalUnavailable"),
    (
        {"exitCode": 78, "message": "journal/journal.db: of the bot other/btc"},
        "Configuration",
        "of the bot other/btc",
        "JournalUnavailable",
    ),
    ({"exitCode": 0, "message": "{}"}, "Crash", "no readable result", "TradeFailed"),
]


@pytest.mark.parametrize(("ended", "kind", "words", "reconciled"), FAILURES)
async def test_a_run_that_fails_to_trade_says_why_until_one_succeeds(
    ended: Manifest, kind: str, words: str, reconciled: str
) -> None:
    world = await ready_world()
    before = world.status()["trading"]
    world.failing["Trade"] = ended
    await run(world)
    assert world.condition("TradingAllowed") == ("False", "TradeFailed")
    text = world.message_of("TradingAllowed")
    assert f"failed ({kind}): " in text
    assert words in text
    status = "False" if reconciled == "JournalUnavailable" else "Unknown"
    assert world.condition("Reconciled") == (status, reconciled)
    assert words in world.message_of("Reconciled")
    assert world.status()["trading"] == before
    assert world.status()["lastRun"]["outcome"] == "Signal"
    assert "lastFailure" not in world.status()
    assert world.condition("Degraded") == ("False", "AsExpected")
    assert events(world, "TradeFailed") == [("Warning", text)]
    del world.failing["Trade"]
    await run(world)
    assert world.condition("TradingAllowed") == TRADING
    assert world.condition("Reconciled") == ("True", "AsExpected")


async def test_a_run_may_say_itself_that_the_journal_is_what_made_it_fail() -> None:
    world = await ready_world()
    doubt = Doubt(reason="JournalUnavailable", message="14 MiB free; make room")
    result = StepResult(
        step="Trade",
        error=StepError(exit_code=ExitCode.CONFIGURATION, message="no entries"),
        trade=TradeResult(state=TradingStatus(), records=doubt),
    )
    world.failing["Trade"] = {"exitCode": 78, "message": to_message(result)}
    await run(world)
    assert world.condition("Reconciled") == ("False", "JournalUnavailable")
    assert world.message_of("Reconciled") == doubt.message


async def test_a_run_past_its_deadline_fails_with_that_class_and_the_decision_counts() -> None:
    ending = await two_containers()
    await ending.end("runtime", ending.decision)
    began = to_time(ending.world.at)
    ending.world.pass_time(ending.pod["spec"]["activeDeadlineSeconds"])
    await ending.tell(phase="Failed", reason="DeadlineExceeded", startTime=began)
    assert ending.world.condition("TradingAllowed") == ("False", "TradeFailed")
    assert "failed (Deadline): took longer than its" in ending.world.message_of("TradingAllowed")
    assert ending.world.status()["lastSignal"]["producedBy"] == uid_of(ending.pod)


@pytest.mark.parametrize("reason", ["SignalMissing", "WeeklyLoss", "Drawdown", "LossStreak"])
async def test_why_nothing_is_bought_is_the_runs_own_word(reason: str) -> None:
    world = await ready_world()
    message = "token=Zq1k9PPvLw8s is told"
    await run(world, entries={"reason": reason, "message": message})
    assert world.condition("TradingAllowed") == ("False", reason)
    assert "Zq1k9PPvLw8s" not in world.message_of("TradingAllowed")
    assert world.condition("Reconciled")[0] == "True"
    for pod in pods_of_runs(world):
        world.remove(pod)
    world.restart()
    world.wake_all()
    await world.settle()
    assert world.condition("TradingAllowed") == ("False", reason)


async def test_candles_that_went_back_are_in_doubt() -> None:
    world = await ready_world()
    told = {"reason": "CandleWentBack", "message": "settled up to 12:10, newest 12:05"}
    await run(world, entries=told, records=told)
    assert world.condition("TradingAllowed") == ("False", "CandleWentBack")
    assert world.condition("Reconciled") == ("False", "CandleWentBack")


async def test_a_run_that_found_the_journal_busy_is_no_news() -> None:
    world = await ready_world()
    await run(world, state={"positions": [POSITION], "lastAction": ENTRY})
    before = world.status()["trading"]
    error = StepError(exit_code=ExitCode.OK, message="another run of the bot is under way")
    digest = world.status()["lastRun"]["runDigest"]
    busy = to_message(StepResult(step="Trade", run_digest=digest, error=error))
    world.messages["Trade"] = lambda _: busy
    await run(world)
    assert world.status()["trading"] == before
    assert world.condition("TradingAllowed") == TRADING


async def test_a_suspended_bot_buys_nothing_and_says_what_it_holds() -> None:
    world = await ready_world()
    await run(world, state={"positions": [POSITION], "lastAction": ENTRY})
    world.change_bot(suspend=True)
    await world.settle()
    assert world.condition("TradingAllowed") == ("False", "Suspended")
    assert world.condition("Reconciled") == ("True", "AsExpected")
    assert columns(world)[2] == "BTC/USDT 0.0371"
    world.change_bot(suspend=False)
    await world.settle()
    assert world.condition("TradingAllowed") == TRADING


async def test_a_bot_without_a_version_says_what_it_waits_for() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    assert world.condition("TradingAllowed") == ("Unknown", "WaitingForModel")
    assert world.condition("Reconciled") == ("Unknown", "WaitingForTrade")
    assert "trading" not in world.status()


async def test_a_journal_on_many_nodes_is_none_and_the_bot_decides() -> None:
    world = World()
    world.add_bot(storage={"accessMode": "ReadWriteMany"})
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("TradingAllowed") == ("False", "JournalUnavailable")
    assert "ReadWriteOnce" in world.message_of("TradingAllowed")
    assert containers(world) == ["runtime"]
    assert "trading" not in world.status()


async def test_symbols_that_are_paid_for_in_two_assets_are_not_traded_and_the_bot_decides() -> None:
    world = World()
    world.add_bot(symbols=["BTC/USDT", "ETH/EUR"])
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("TradingAllowed") == ("False", "QuoteAssetsDiffer")
    assert "USDT and EUR" in world.message_of("TradingAllowed")
    assert containers(world) == ["runtime"]


async def test_symbols_of_two_assets_are_not_traded_with_a_journal_in_postgresql_either() -> None:
    world = World()
    world.add_secret("journal", POSTGRES_SECRET.type, url=URL)
    world.add_bot(symbols=["BTC/USDT", "ETH/EUR"], journal={"postgresSecret": "journal"})
    await world.settle()
    assert world.condition("TradingAllowed") == ("False", "QuoteAssetsDiffer")
    assert containers(world) == ["runtime"]


async def postgres_world(**spec: Any) -> World:
    """Return the world of a bot whose journal is in a PostgreSQL, before anybody makes a secret."""
    world = World()
    world.add_bot(journal={"postgresSecret": "journal"}, **spec)
    await world.settle()
    return world


async def test_a_journal_in_postgresql_waits_for_its_secret_and_the_bot_decides() -> None:
    world = await postgres_world(storage={"accessMode": "ReadWriteMany"})
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert containers(world) == ["runtime"]
    for kind in ("TradingAllowed", "Reconciled"):
        assert world.condition(kind) == ("False", "JournalUnavailable")
        assert POSTGRES_SECRET.create_command(NAMESPACE, "journal") in world.message_of(kind)
    world.add_secret("journal", POSTGRES_SECRET.type, url=URL)
    world.pass_time(5)
    await world.settle()
    assert containers(world) == ["runtime", "trade"]
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("TradingAllowed") == TRADING
    assert world.condition("Reconciled") == ("True", "AsExpected")


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("Opaque", {"url": URL}, "has type Opaque, not botcripto.io/postgres"),
        (EXCHANGE_SECRET.type, {"url": URL}, "has type botcripto.io/exchange, not botcripto.io/p"),
        (POSTGRES_SECRET.type, {"uri": URL}, "url: missing"),
        (POSTGRES_SECRET.type, {"url": "<url>"}, "url: a placeholder"),
        (POSTGRES_SECRET.type, {"url": "mysql://bots:k9Zq1@db/x"}, "url: no url of PostgreSQL"),
        (POSTGRES_SECRET.type, {"url": URL.replace("Zq1", "/q1")}, "%2F for /"),
    ],
)
async def test_a_secret_that_is_no_url_is_told_without_it(
    kind: str, values: dict[str, str], told: str
) -> None:
    world = World()
    world.add_secret("journal", kind, **values)
    world.add_bot(journal={"postgresSecret": "journal"})
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert containers(world) == ["runtime"]
    for condition in ("TradingAllowed", "Reconciled"):
        assert world.condition(condition) == ("False", "JournalUnavailable")
        message = world.message_of(condition)
        assert told in message
        assert "kubectl delete secret journal" in message
    written = json.dumps([world.status(), world.kube.all(EVENTS)])
    assert not [part for part in ("k9", "q1@", "db.example") if part in written]


async def test_the_url_of_a_journal_is_mounted_where_it_is_used_alone() -> None:
    world = World()
    world.add_secret("journal", POSTGRES_SECRET.type, url=URL)
    world.add_bot(journal={"postgresSecret": "journal"}, pod={"caConfigMap": "roots"})
    await world.settle()
    pod = pod_of(world)
    first, second = pod["containers"]
    assert "postgres" not in [mount["name"] for mount in first["volumeMounts"]]
    assert not [e for e in first["env"] if "POSTGRES" in e["name"] or e["name"].startswith("PG")]
    mount = {
        "name": "postgres",
        "mountPath": "/var/run/secrets/botcripto.io/postgres",
        "readOnly": True,
    }
    assert mount in second["volumeMounts"]
    variables = {e["name"]: e.get("value") for e in second["env"]}
    assert variables["BOTCRIPTO_POSTGRES_URL_FILE"] == f"{mount['mountPath']}/url"
    assert variables["PGSSLROOTCERT"] == "/etc/botcripto-ca/ca.crt"
    (volume,) = [v for v in pod["volumes"] if v["name"] == "postgres"]
    assert volume["secret"] == {
        "secretName": "journal",
        "items": [{"key": "url", "path": "url"}],
        "optional": True,
    }
    configurations = [c["data"]["run.json"] for c in world.kube.all(CONFIG_MAPS)]
    assert any('"journal":{"database":"PostgreSQL"}' in c for c in configurations)
    assert not any("postgresSecret" in c for c in configurations)


async def test_a_database_that_lost_its_last_run_is_seen_by_the_number_of_the_next() -> None:
    world = await ready_world()
    await run(world, state={"lastAction": ENTRY}, actions=[ENTRY])
    world.sequence = 1
    await run(world)
    assert world.status()["journalGap"] == {"recorded": 2, "found": 2, "time": to_time(world.at)}
    assert world.condition("Reconciled") == ("False", "JournalBehind")
    assert "the journal is at run 2, and another run 2 was known" in world.message_of("Reconciled")
    world.restart()
    world.wake_all()
    await world.settle()
    assert "journalGap" in world.status()
    await run(world)
    assert "journalGap" not in world.status()


async def test_images_of_an_earlier_release_decide_as_before_and_the_way_on_is_told() -> None:
    world = World(settings=SETTINGS)
    world.add_bot()
    await world.settle()
    bot = world.kube.one(TRADING_BOTS, "btc-paper")
    images = {**bot["status"]["images"], "reads": ["decision.policy"]}
    world.kube.put({**bot, "status": {**bot["status"], "images": images}})
    world.settings = replace(
        SETTINGS, training_image="example.org/train:2", inference_image="example.org/infer:2"
    )
    world.restart()
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.condition("TradingAllowed") == ("False", "ImageTooOld")
    assert (
        """kubectl patch bot btc-paper --type merge -p '{"spec":{"updateStrategy":"Auto"}}'"""
        in world.message_of("TradingAllowed")
    )
    assert world.condition("Reconciled") == ("Unknown", "ImageTooOld")
    assert containers(world) == ["runtime"]
    trainings = len(world.kube.all(MODEL_TRAININGS))
    world.change_bot(updateStrategy="Auto")
    await world.settle()
    assert containers(world) == ["runtime", "trade"]
    assert world.condition("TradingAllowed") == ("Unknown", "WaitingForTrade")
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("TradingAllowed") == TRADING
    assert len(world.kube.all(MODEL_TRAININGS)) == trainings


def pod_of(world: World) -> Manifest:
    cron_job = world.kube.one(CRON_JOBS, "btc-paper-infer")
    pod: Manifest = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod


def containers(world: World) -> list[str]:
    return [container["name"] for container in pod_of(world)["containers"]]


async def test_the_second_container_has_the_first_ones_files_no_key_and_the_pods_uid() -> None:
    world = World()
    world.add_secret("binance")
    world.add_bot(exchange={"id": "binance", "credentialsSecret": "binance"})
    world.change_bot(execution={"deadlineSeconds": 200, "resources": {"limits": {"cpu": "2"}}})
    await world.settle()
    cron_job = world.kube.one(CRON_JOBS, "btc-paper-infer")
    job = cron_job["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    first, second = pod["containers"]
    uid = {
        "name": "BOTCRIPTO_POD_UID",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}},
    }
    for container in (first, second):
        assert uid in container["env"]
        assert "credentials" not in [mount["name"] for mount in container["volumeMounts"]]
    assert second["command"] == ["python", "-m", "bot_runtime", "trade"]
    assert second["resources"]["limits"]["cpu"] == "2"
    differing = {key for key in first if first[key] != second[key]}
    assert differing == {"name", "command", "resources"}
    assert (pod["activeDeadlineSeconds"], job["activeDeadlineSeconds"]) == (200, 260)


async def test_a_journal_that_fell_behind_is_told_until_it_has_passed_what_was_known() -> None:
    world = await ready_world()
    for _ in range(3):
        await run(world)
    world.sequence = 1
    await run(world)
    gap = {"recorded": 4, "found": 2, "time": to_time(world.at)}
    assert world.status()["journalGap"] == gap
    assert world.condition("Reconciled") == ("False", "JournalBehind")
    text = world.message_of("Reconciled")
    assert "the journal is at run 2, and run 4 was known" in text
    assert "kubectl patch bot btc-paper --type merge -p" in text
    assert '"resumeAfter":"2026-' in text
    assert [kind for kind, _ in events(world, "JournalBehind")] == ["Warning"]
    for _ in range(2):
        await run(world)
        assert world.status()["journalGap"] == gap
    world.failing["Trade"] = {"exitCode": 69, "message": "no answer"}
    await run(world)
    assert world.condition("Reconciled") == ("False", "JournalBehind")
    del world.failing["Trade"]
    await run(world)
    assert world.status()["trading"]["journal"]["sequence"] == 5
    assert "journalGap" not in world.status()
    assert world.condition("Reconciled") == ("True", "AsExpected")


async def test_a_journal_that_fell_behind_is_accepted_by_a_later_resume_after() -> None:
    world = await ready_world()
    for _ in range(5):
        await run(world)
    world.sequence = 1
    await run(world)
    found = world.status()["journalGap"]["time"]
    world.change_bot(risk__resumeAfter=found)
    await world.settle()
    assert "journalGap" in world.status()
    command = world.message_of("Reconciled").split("-p ")[1]
    world.change_bot(risk=json.loads(command.strip("'"))["spec"]["risk"])
    await world.settle()
    assert "journalGap" not in world.status()
    await run(world)
    assert world.condition("Reconciled") == ("True", "AsExpected")
    assert "journalGap" not in world.status()


async def test_an_old_message_that_is_found_again_is_no_journal_that_fell_behind() -> None:
    """The pod of the run on record is gone, and the one before it is still there."""
    ending = await two_containers()
    await ending.end("trade", ending.world.trade_message(ending.job))
    ending.world.remove(ending.pod)
    ending.world.restart()
    ending.world.wake_all()
    await ending.world.settle()
    assert "journalGap" not in ending.world.status()
    assert ending.world.condition("Reconciled") == ("True", "AsExpected")


@pytest.mark.parametrize(
    "state",
    [
        {"positions": [POSITION, POSITION]},
        {"journal": {"id": "0f3c", "sequence": 2**60, "schema": "0001"}},
        {"totals": {"orders": 10**30}},
    ],
)
async def test_a_result_that_no_status_can_hold_is_a_failed_run(state: Manifest) -> None:
    world = await ready_world()
    before = world.status()["trading"]
    await run(world, state=state)
    assert world.condition("TradingAllowed") == ("False", "TradeFailed")
    assert world.status()["trading"] == before


@pytest.mark.parametrize("equity", ["NaN", "-Infinity", "much", "1e400"])
async def test_an_equity_that_is_no_number_stops_nothing(equity: str) -> None:
    world = await ready_world()
    await run(world, state={"account": account(equity)})
    await run(world, state={"account": account("10020")})
    assert world.status()["equity"] == "10020"


async def test_a_live_bot_shows_its_markets_and_nothing_trades() -> None:
    world = World()
    world.add_bot()
    world.change_bot(mode="Live", exchange__credentialsSecret="keys")
    await world.settle()
    assert world.status()["symbols"] == "BTC/USDT"
    assert world.condition("TradingAllowed") == ("Unknown", "NotDecided")
