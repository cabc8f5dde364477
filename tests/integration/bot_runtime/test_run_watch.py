"""`run --watch` on a real test exchange: a candle a line, through kills, outages and Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.names import ENV_TELEGRAM
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import FillRow, TradeRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.store.layout import Store
from tests.eventually import eventually
from tests.exchanges import MINUTE_MS, Exchange, exchange_with
from tests.telegram_server import TelegramServer, telegram_server
from tests.unit.bot_runtime.markets import publish_version

CHECKOUT = Path(__file__).resolve().parents[3]
SPEC: dict[str, Any] = {
    "exchange": {"id": "binance"},
    "symbols": ["BTC/USDT"],
    "timeframe": "1m",
    "mode": "Paper",
    "model": {
        "candidates": ["GradientBoosting"],
        "gradientBoosting": {"maxIterations": 20},
        "horizonSteps": 2,
    },
    "training": {"lookback": "1d", "gate": {"mode": "Off"}},
    "decision": {"riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 0},
    "risk": {"stopLoss": {"min": 0.1, "max": 0.1}},
}


@dataclass
class Process:
    """A watch that is under way."""

    process: subprocess.Popen[str]

    def line_with(self, text: str) -> str:
        """Return the next line that has a text; everything before it is read and dropped."""
        assert self.process.stdout is not None
        read = []
        for line in self.process.stdout:
            read.append(line)
            if text in line:
                return line
        raise AssertionError(f"ended without {text!r}:\n{''.join(read)}")

    def press_ctrl_c(self) -> tuple[int, str]:
        """Interrupt it and its children, as a terminal does; return exit code and last words."""
        os.killpg(self.process.pid, signal.SIGINT)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        return self.process.wait(timeout=60), rest

    def kill_trade(self) -> None:
        """Kill the next child that trades, as soon as it is there."""
        pid = eventually(self.trade_pid, timeout=60, every=0.01)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def trade_pid(self) -> int | None:
        own = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in own.read_text(encoding="utf-8").split():
            if b"\0trade\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
        return None


@dataclass
class Laptop:
    """A bot that was trained, whose pinned version always says LONG, and its exchange.

    The exchange's clock stands a second before a close, so that a candle comes when it is moved.
    """

    exchange: Exchange
    home: Path
    now_ms: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    """Of the command's environment."""

    def stop_clock(self) -> None:
        """Stop it as near to the bot's own clock as may be: no more than a candle is allowed."""
        now_ms = time.time_ns() // 1_000_000
        self.now_ms = round(now_ms / MINUTE_MS) * MINUTE_MS - 1_000
        self.next_candle(0)

    def next_candle(self, count: int = 1) -> None:
        self.now_ms += count * MINUTE_MS
        self.exchange.set_clock(self.now_ms)

    @property
    def store(self) -> Store:
        return Store(self.home / "store")

    def command(self, *flags: str) -> list[str]:
        command = [sys.executable, "-m", "bot_runtime", "run", "bot.yaml", "--store", "store"]
        return [*command, "--endpoint", self.exchange.url, *flags]

    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(CHECKOUT)} | self.variables

    @contextmanager
    def watch(self) -> Iterator[Process]:
        with subprocess.Popen(
            self.command("--watch"),
            cwd=self.home,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield Process(process)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def rows(self, kind: Any) -> list[Any]:
        with read_journal(SqliteFile(self.store.journal)) as journal:
            return list(journal.all(kind))

    def check_rows(self) -> None:
        """Every candle has one decision, and no candle is without one."""
        decided = [row.candle_ms for row in self.rows(DecisionRow)]
        assert decided == list(range(decided[0], decided[-1] + MINUTE_MS, MINUTE_MS))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with exchange_with() as exchange:
        laptop = Laptop(exchange, tmp_path_factory.mktemp("trained"))
        version = publish_version(laptop.store, TradingBotSpec.model_validate(SPEC), score=3.0)
        spec = {**SPEC, "model": {**SPEC["model"], "pinnedVersion": version}}
        bot = {
            "apiVersion": "botcripto.io/v1alpha1",
            "kind": "TradingBot",
            "metadata": {"name": "bot"},
            "spec": spec,
        }
        (laptop.home / "bot.yaml").write_text(yaml.safe_dump(bot), encoding="utf-8")
        done = subprocess.run(
            laptop.command(),
            cwd=laptop.home,
            env=laptop.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "[8/8] Trade" in done.stdout
        assert "1 orders, 0 fills, 0 trades so far" in done.stdout
        assert "equity           10000.00 USDT, cash 10000.00, 0.0% invested" in done.stdout
        assert f"journal          {laptop.store.journal}" in done.stdout
        shutil.rmtree(laptop.store.journal.parent)
        yield laptop


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with telegram_server() as running:
        yield running


@pytest.fixture
def laptop(trained: Laptop, tmp_path: Path) -> Laptop:
    shutil.copytree(trained.home, tmp_path / "home")
    laptop = Laptop(trained.exchange, tmp_path / "home")
    laptop.exchange.order()
    laptop.stop_clock()
    return laptop


@pytest.mark.timeout(300)
def test_a_trade_is_made_over_several_candles_and_told_and_ctrl_c_ends_it(
    laptop: Laptop, telegram: TelegramServer
) -> None:
    telegram.mount(laptop.home / "telegram")
    laptop.variables[ENV_TELEGRAM] = "telegram"
    with laptop.watch() as watch:
        assert "  10000.00 USDT  BTC/USDT LONG " in (first := watch.line_with(" USDT  "))
        assert "ordered Entry of 0." in first
        laptop.next_candle()
        assert "bought 0." in watch.line_with(" USDT  ")
        laptop.next_candle()
        assert "ordered Time of 0." in watch.line_with(" USDT  ")
        laptop.next_candle()
        sold = watch.line_with(" USDT  ")
        assert "(Time), profit " in sold
        assert "BTC/USDT NO_TRADE FeedSkew" in sold
        code, rest = watch.press_ctrl_c()
    assert code == 130
    assert rest == "bot-runtime: interrupted; run the same command again to go on\n"
    laptop.check_rows()
    assert len(laptop.rows(TradeRow)) == 1
    assert Counter(row.side for row in laptop.rows(FillRow)) == {"BUY": 1, "SELL": 1}
    opening, closing = (message.split("\n") for message in telegram.messages)
    assert opening[0] == closing[0] == "default/bot (paper)"
    assert opening[1].startswith("bought 0.")
    assert ", at the end of its holding time; profit " in closing[1]


@pytest.mark.timeout(300)
def test_what_was_killed_is_made_good(laptop: Laptop) -> None:
    """A child alone is tried again; a whole laptop is settled by the next command."""
    with laptop.watch() as watch:
        watch.line_with("ordered Entry")
        laptop.next_candle()
        watch.kill_trade()
        assert "exit code 137: killed by SIGKILL; see the log" in watch.line_with("failed")
        assert "bought 0." in watch.line_with(" USDT  ")
        laptop.next_candle()
        eventually(watch.trade_pid, timeout=60, every=0.01)
        os.killpg(watch.process.pid, signal.SIGKILL)
        watch.process.wait()
    laptop.check_rows()
    laptop.exchange.set_clock(time.time_ns() // 1_000_000)  # the data step wants no skewed clock
    with laptop.watch() as watch:
        watch.line_with("a line at every close of 1m, until Ctrl-C")
        laptop.next_candle(2)
        eventually(lambda: laptop.rows(TradeRow), timeout=60)
        code, _ = watch.press_ctrl_c()
    assert code == 130
    laptop.check_rows()
    assert Counter(row.side for row in laptop.rows(FillRow)) == {"BUY": 1, "SELL": 1}
    assert any(row.outcome == "Missed" for row in laptop.rows(DecisionRow))


@pytest.mark.timeout(300)
def test_an_exchange_that_is_down_for_two_candles_ends_nothing(laptop: Laptop) -> None:
    with laptop.watch() as watch:
        watch.line_with("ordered Entry")
        laptop.exchange.order(error_next=1_000_000)
        laptop.next_candle()
        assert "failed: exit code 69: " in watch.line_with("failed")
        laptop.next_candle()
        laptop.exchange.order()
        back = watch.line_with(" USDT  ")
        assert "settled 1 candles that no run has decided on; bought 0." in back
        assert watch.press_ctrl_c()[0] == 130
    laptop.check_rows()


def test_a_pinned_version_that_is_gone_ends_it_with_its_code(laptop: Laptop) -> None:
    shutil.rmtree(laptop.store.versions()[0])
    with laptop.watch() as watch:
        assert "failed: exit code 66: " in watch.line_with("failed: ")
        assert watch.process.wait(timeout=60) == ExitCode.ARTIFACT_INVALID
