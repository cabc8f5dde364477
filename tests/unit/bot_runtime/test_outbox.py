"""A run that trades tells people what it has done, after it is done, and whatever they answer."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.contract.intervals import DAY_MS, HOUR_MS
from bot_runtime.contract.names import ENV_CONFIG, ENV_STORE, ENV_TELEGRAM, ENV_TERMINATION
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.journal.entries import OutboxRow
from bot_runtime.journal.order_entries import FillRow, OrderRow
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.market.candles import utc
from bot_runtime.notices import outbox as outbox_module
from bot_runtime.notices.outbox import PATIENCE
from bot_runtime.process.errors import StoreUnavailableError
from bot_runtime.serving.predictions import Prediction
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import EVALUATION_FILE, Store
from bot_runtime.store.promotion import Promotion, promote
from tests.exchanges import Exchange
from tests.telegram_server import CHAT, TOKEN, Fault, TelegramServer, telegram_server
from tests.unit.bot_runtime.paper_bots import EAGER, FALLING, PaperBot
from tools.tree import ROOT

HEADING = "default/bot (paper)"
SURE = Prediction(0.99, 0.05, 0.5, 0.9, 0.1, 0.004)


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with telegram_server() as running:
        yield running


@pytest.fixture
def folder(server: TelegramServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mounted = server.mount(tmp_path / "telegram")
    monkeypatch.setenv(ENV_TELEGRAM, str(mounted))
    return mounted


@pytest.fixture
def bot(exchange: Exchange, store: Store, folder: Path) -> PaperBot:
    """A bot that somebody wants to be told of; it has ordered and not bought yet."""
    # What is left of its deadline is enough for messages, and nothing waits for a marker.
    bot = PaperBot(exchange, store, {"execution": {"deadlineSeconds": 10}})
    bot.run()
    bot.next_candle()
    return bot


def told(server: TelegramServer) -> list[str]:
    """Return all news that arrived, without the headings."""
    lines = [message.split("\n") for message in server.messages]
    assert all(first == HEADING for first, *_ in lines)
    return [line for _, *rest in lines for line in rest]


def waiting(bot: PaperBot) -> list[tuple[str, int]]:
    return [(row.kind, row.attempts) for row in bot.rows(OutboxRow) if row.sent_ms is None]


def test_a_purchase_and_a_sale_are_told_once_with_their_reasons(
    bot: PaperBot, server: TelegramServer
) -> None:
    assert server.messages == [], "an order is no news before it is filled"
    bot.run()
    (bought,) = told(server)
    (fill,) = bot.rows(FillRow)
    assert bought.startswith(f"bought {fill.quantity.normalize():f} of BTC/USDT at ")
    assert bought.endswith("; LongSignal: probability 0.900, return 0.02000, risk 0.100")
    bot.run()
    assert len(server.messages) == 1, "a second run of the candle has nothing to tell"
    bot.next_candle()
    bot.run(FALLING)
    bot.next_candle()
    bot.run(FALLING)
    sold = told(server)[1]
    assert sold.startswith("sold ")
    assert ", by a signal; profit " in sold
    assert [row.sent_ms is not None for row in bot.rows(OutboxRow)] == [True, True]
    assert bot.warnings == []


def test_without_a_secret_nothing_is_written_and_none_of_it_is_told_later(
    bot: PaperBot, server: TelegramServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENV_TELEGRAM)
    bot.run()
    assert len(bot.rows(FillRow)) == 1
    assert bot.rows(OutboxRow) == []
    monkeypatch.setenv(ENV_TELEGRAM, str(folder))
    bot.next_candle()
    bot.run()
    assert server.asked == 0


def without_journal(result: TradeResult) -> dict[str, Any]:
    """Return what a run tells, without what is another one's in every journal."""
    told = result.model_dump(mode="json")
    del told["state"]["journal"]
    for part in (told["state"]["last_action"], *told["actions"]):
        del part["order"]
    return told


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        ("error", ""),
        ("cut", ""),
        ("wait", ""),
        ("unauthorized", "no messages: Telegram refuses the token (401); put the token that"),
        ("forbidden", "no messages: Telegram may not write to the chat (403); unblock the bot"),
        ("chat", "no messages: Telegram refuses the message (400); write to the bot once"),
    ],
)
def test_whatever_telegram_answers_the_run_is_the_same_and_the_next_one_tries_again(
    bot: PaperBot, server: TelegramServer, fault: Fault, warning: str, tmp_path: Path
) -> None:
    twin = PaperBot(bot.exchange, Store(tmp_path / "twin"), bot.changes, now_ms=0)
    twin.now_ms = bot.now_ms - bot.interval_ms
    bot.exchange.set_clock(twin.now_ms)
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(ENV_TELEGRAM)
        twin.run()
        twin.next_candle()
        expected = twin.run()
    server.always, server.retry_after = fault, 35
    found = bot.run()
    assert without_journal(found) == without_journal(expected)
    assert len(bot.warnings) == bool(warning)
    assert not warning or bot.warnings[0].startswith(warning)
    assert waiting(bot) == [("Fill", 1)]
    assert server.asked == 1
    server.always = None
    bot.run()
    assert len(told(server)) == 1
    assert waiting(bot) == []
    assert bot.warnings == []


def test_who_cannot_be_reached_for_long_is_told_of(bot: PaperBot, server: TelegramServer) -> None:
    server.always = "error"
    for _ in range(PATIENCE):
        bot.run()
        assert bot.warnings == []
    bot.run()
    assert bot.warnings == ["no messages: Telegram cannot answer now (500)"]


def test_what_is_not_taken_for_long_is_tried_once_an_hour_and_with_other_news(
    bot: PaperBot, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always = "after"
    for _ in range(PATIENCE + 1):
        bot.run()
    server.always = None
    bot.run()
    assert server.asked == PATIENCE + 1
    assert bot.warnings[0].startswith("no messages: Telegram has taken none of 1 news; ")
    with monkeypatch.context() as later:
        later.setattr(outbox_module, "_now_ms", lambda: time.time_ns() // 10**6 + HOUR_MS)
        bot.run()
    assert server.asked == PATIENCE + 2
    assert waiting(bot) == []


def test_news_takes_along_what_waits(bot: PaperBot, server: TelegramServer) -> None:
    server.always = "error"
    for _ in range(PATIENCE + 1):
        bot.run()
    server.always = None
    bot.next_candle()
    bot.run(FALLING)
    bot.next_candle()
    bot.run(FALLING)
    (message,) = server.messages
    assert [line.split()[0] for line in message.splitlines()[1:]] == ["bought", "sold"]


def test_what_waits_is_told_in_one_message_oldest_first(
    bot: PaperBot, server: TelegramServer
) -> None:
    server.always = "error"
    bot.run()
    bot.next_candle()
    bot.run(FALLING)
    server.always = None
    bot.next_candle()
    bot.run(FALLING)
    (message,) = server.messages
    heading, bought, sold = message.split("\n")
    assert (heading, bought[:7], sold[:5]) == (HEADING, "bought ", "sold ")


def test_news_of_a_day_ago_is_given_up(
    bot: PaperBot, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always = "error"
    bot.run()
    server.always = None
    monkeypatch.setattr(outbox_module, "_now_ms", lambda: bot.now_ms + DAY_MS + bot.interval_ms)
    bot.run()
    assert server.asked == 1
    assert waiting(bot) == [("Fill", 1)], "it stays in the journal"


def test_a_pause_of_days_does_not_end_in_a_flood(
    bot: PaperBot, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_now_ms", lambda: bot.now_ms + 2 * DAY_MS)
    bot.run()
    assert len(bot.rows(FillRow)) == 1
    assert bot.rows(OutboxRow) == []


def test_too_little_time_is_no_time_to_send_in(bot: PaperBot, server: TelegramServer) -> None:
    bot.changes = {"execution": {"deadlineSeconds": 10}}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outbox_module, "NEEDED_SECONDS", 10.0)
        bot.run()
        assert server.asked == 0
        assert waiting(bot) == [("Fill", 0)]
    bot.run()
    assert len(told(server)) == 1


def test_an_answer_that_does_not_come_means_that_the_message_may_come_twice(
    bot: PaperBot, server: TelegramServer
) -> None:
    server.faults.append("after")
    bot.run()
    bot.run()
    bot.run()
    once, twice = told(server)
    assert once == twice


def test_a_journal_that_takes_no_note_costs_the_run_nothing(
    bot: PaperBot, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailableError("journal/journal.db: disk full")

    monkeypatch.setattr("bot_runtime.journal.writing.Journal.note_attempt", refuse)
    assert bot.run().entries is None
    assert len(server.messages) == 1


@pytest.mark.parametrize("value", ["<token>", ""])
def test_a_secret_that_is_none_is_told_and_the_run_goes_on(
    bot: PaperBot, server: TelegramServer, folder: Path, value: str
) -> None:
    (folder / "token").write_text(value)
    assert bot.run().entries is None
    assert len(bot.rows(FillRow)) == 1
    assert bot.warnings == [
        "no messages: Telegram: token: a placeholder; put the real value into the secret"
    ]
    assert bot.rows(OutboxRow) == []


def test_limits_that_trip_and_reset_are_told(
    exchange: Exchange, store: Store, folder: Path, server: TelegramServer
) -> None:
    falls = {"dailyLossCap": 0.001, "weeklyLossCap": 0.002, "maxDrawdown": 0.003}
    dear = {"riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 100}
    bot = PaperBot(
        exchange, store, {"decision": dear, "risk": {**EAGER["risk"], **falls, "cvarMax": 1}}
    )
    for prediction in (SURE, SURE, FALLING, FALLING):
        bot.run(prediction)
        bot.next_candle()
    limits = [line for line in told(server) if "allowed" in line]
    assert {line.partition(":")[0] for line in limits} == {"DailyLoss", "Drawdown", "WeeklyLoss"}
    (drawdown,) = (line for line in limits if line.startswith("Drawdown"))
    assert drawdown.endswith(", allowed 0.003; nothing is bought until risk.resumeAfter")
    assert {row.kind for row in bot.rows(OutboxRow)} == {"Fill", "Limit"}
    bot.changes["risk"] = {**bot.changes["risk"], "resumeAfter": utc(bot.now_ms)}
    bot.run(FALLING)
    bot.next_candle()
    bot.run(FALLING)
    (reset,) = (line for line in told(server) if line.startswith("Drawdown stands no more"))
    assert "; it tripped at 20" in reset


def served(bot: PaperBot, version: str) -> None:
    bot.version = version
    bot.next_candle()
    bot.run(FALLING)


def test_another_version_that_is_served_is_told(
    bot: PaperBot, server: TelegramServer, store: Store
) -> None:
    bot.run(FALLING)
    server.messages.clear()
    first = bot.version
    promote(store, Promotion(version="second", trained_at="2026-03-01T12:00:00Z"))
    served(bot, "second")
    bot.run(FALLING)
    served(bot, first)
    served(bot, "second")
    assert [line for line in told(server) if line.startswith("version")] == [
        f"version second was promoted and is served, in place of {first}",
        f"version {first} is served, in place of second",
        f"version second was promoted and is served, in place of {first}",
    ]


def evaluated(store: Store, version: str, *reasons: str) -> Path:
    file = store.version(version) / EVALUATION_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "version": version,
        "promoted": not reasons,
        "reasons": reasons,
        "artifactDigest": "d" * 64,
        "trainedAt": "2026-03-01T12:00:00Z",
    }
    save_json(file, {"result": result})
    return file


def test_a_version_that_is_rejected_is_told_once_with_the_gates_reasons(
    bot: PaperBot, server: TelegramServer, store: Store
) -> None:
    evaluated(store, "better")
    evaluated(store, "worse", "Trend: log loss 0.701 is worse than naive 0.693", "Risk: QLIKE")
    old = evaluated(store, "older", "Trend: log loss 0.701 is worse than naive 0.693")
    day_ago = time.time() - 1.1 * DAY_MS / 1000
    os.utime(old, (day_ago, day_ago))
    evaluated(store, "broken", "x").write_text("{")
    evaluated(store, bot.version, "it was pinned all the same")
    (store.version("empty")).mkdir(parents=True)
    for _ in range(2):
        bot.run(FALLING)
        bot.next_candle()
    assert [line for line in told(server) if line.startswith("version")] == [
        f"version worse was rejected and {bot.version} is served on: Trend: log loss 0.701 is "
        "worse than naive 0.693; Risk: QLIKE"
    ]


def test_a_version_that_was_rejected_before_the_bot_traded_is_no_news(
    exchange: Exchange, store: Store, folder: Path, server: TelegramServer
) -> None:
    before = evaluated(store, "worse", "Trend: log loss 0.701 is worse than naive 0.693")
    a_minute_ago = time.time() - 60
    os.utime(before, (a_minute_ago, a_minute_ago))
    PaperBot(exchange, store).run(FALLING)
    assert server.messages == [], "no version was served then"


def in_process(bot: PaperBot, tmp_path: Path, **variables: str) -> tuple[int, str, StepResult]:
    """Run the step as a pod does; return its exit code, all that it said, and its result."""
    bot.decide()
    configuration, message = tmp_path / "run.json", tmp_path / "message"
    configuration.write_text(json.dumps(bot.configuration.to_json()))
    own = {
        ENV_CONFIG: str(configuration),
        ENV_TERMINATION: str(message),
        ENV_STORE: str(bot.store.root),
        "PYTHONPATH": str(ROOT),
    }
    with bot.environment():
        done = subprocess.run(
            [sys.executable, "-m", "bot_runtime", "trade"],
            env=os.environ | own | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
    said = done.stdout + done.stderr + message.read_text()
    return done.returncode, said, StepResult.model_validate_json(message.read_text())


@pytest.mark.parametrize("fault", [None, "silent", "trickle", "unauthorized", "headers"])
def test_a_process_ends_in_time_with_exit_code_0_and_says_no_secret(
    bot: PaperBot, server: TelegramServer, fault: Fault | None, tmp_path: Path
) -> None:
    server.always = fault
    code, said, result = in_process(bot, tmp_path)
    assert code == 0
    assert result.trade is not None
    assert len(result.trade.actions) == 1
    assert len(result.warnings) == (fault == "unauthorized")
    assert not [part for part in (TOKEN, TOKEN[11:], CHAT) if part in said]
    assert result.duration_seconds < 3 + 3
    if fault is None:
        assert len(told(server)) == 1
        assert '"message sent"' in said


def test_who_tells_nobody_loads_nothing_of_it() -> None:
    script = (
        "import json, sys, bot_runtime.steps.trade, bot_runtime.steps.infer\n"
        "print(json.dumps([m for m in sys.modules if m.startswith('bot_runtime.notices')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == []


KILLED = """
import os, signal, sys
from bot_runtime.notices.outbox import Outbox
Outbox.send = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["bot_runtime", "trade"]
from bot_runtime.__main__ import main
main()
"""


def test_a_run_that_is_killed_before_it_sends_is_told_by_the_next_one(
    bot: PaperBot, server: TelegramServer, tmp_path: Path
) -> None:
    bot.decide()
    configuration = tmp_path / "run.json"
    configuration.write_text(json.dumps(bot.configuration.to_json()))
    own = {ENV_CONFIG: str(configuration), ENV_STORE: str(bot.store.root)}
    with bot.environment():
        done = subprocess.run(
            [sys.executable, "-c", KILLED],
            env=os.environ | own | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
        )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert server.asked == 0
    assert waiting(bot) == [("Fill", 0)]
    assert [run.ended_verdict for run in bot.rows(RunRow)] == ["Settled", "Settled"]
    bot.run()
    assert len(told(server)) == 1
    assert waiting(bot) == []
    assert len(bot.rows(OrderRow)) == 1
