"""`run`: a TradingBot's YAML through every step as child processes, and again."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.signal import Signal
from tests.exchanges import API_KEY, API_SECRET, Exchange, exchange_with

CHECKOUT = Path(__file__).resolve().parents[3]
BOT = """
apiVersion: botcripto.io/v1alpha1
kind: TradingBot
metadata: {name: btc-paper}
spec:
  exchange: {id: binance}
  symbols: [BTC/USDT]
  timeframe: 1m
  mode: Paper
  model:
    candidates: [GradientBoosting]
    gradientBoosting: {maxIterations: 20}
  training:
    lookback: 1d
    gate: {mode: "Off"}
"""
BROKEN = "date,open,high,low,close,volume\n2026-01-01 00:00,1,1,1,1,1\n2026-01-01 00:01,1,1,1,2,1\n"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_with() as running:
        yield running


@dataclass(frozen=True)
class Laptop:
    """A directory from which a trader runs a bot."""

    home: Path
    endpoint: str

    before: tuple[str, ...] = ()
    """A command that runs the one after it."""

    def run(self, text: str = BOT, *flags: str) -> tuple[int, str]:
        """Run the bot as its user does; return exit code and output."""
        (self.home / "bot.yaml").write_text(text, encoding="utf-8")
        command = [*self.before, sys.executable, "-m", "bot_runtime", "run", "bot.yaml"]
        done = subprocess.run(
            [*command, "--endpoint", self.endpoint, *flags],
            cwd=self.home,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def laptop(exchange: Exchange, tmp_path: Path) -> Laptop:
    exchange.order()
    return Laptop(tmp_path, exchange.url)


def check_own_candles(laptop: Laptop, own: Path) -> None:
    """A broken file is refused and costs no model; a file that is not taken is named."""
    (own / "candles").mkdir()
    (own / "candles" / "BTC-USDT-1m.csv").write_text(BROKEN)
    code, refused = laptop.run()
    assert code == ExitCode.DATA_UNUSABLE
    assert "BTC-USDT-1m.csv: 1 of 2 rows (2) break 'high >= max(open, close)'" in refused
    (own / "candles" / "BTC-USDT-1m.csv").rename(own / "candles" / "notes.txt")
    code, kept = laptop.run()
    assert code == ExitCode.OK, kept
    assert kept.count(" kept ") == 4
    assert "BTC/USDT: 1,440 from binance" in kept
    assert "candles/notes.txt is not taken: its name ends with none of" in kept


@pytest.mark.timeout(300)
def test_bot_is_trained_judged_and_decides_and_a_second_run_keeps_its_models(
    laptop: Laptop,
) -> None:
    code, told = laptop.run()
    assert code == ExitCode.OK, told
    for step in ("Preflight", "Data", "Trend", "Return", "Risk", "Evaluation", "Inference"):
        assert f"] {step}" in told
    assert "promoted" in told
    saved = laptop.home / ".botcripto" / "btc-paper" / "signals" / "BTC-USDT.json"
    signal = Signal.model_validate(json.loads(saved.read_text(encoding="utf-8")))
    assert f"{signal.symbol}: {signal.decision}" in told
    assert signal.prob_up is not None
    assert f"served: {signal.version.model_version}" in told

    code, again = laptop.run()
    assert code == ExitCode.OK, again
    assert again.count(" kept ") == 4
    assert f"served: {signal.version.model_version}" in again
    assert "run the same command again to decide" in again

    own = laptop.home / ".botcripto" / "btc-paper"
    check_own_candles(laptop, own)

    before = sorted(own.rglob("*"))
    code, other = laptop.run(BOT.replace("btc-paper", "eth-paper"), "--store", str(own))
    assert code == ExitCode.CONFIGURATION
    assert "belongs to the bot btc-paper; run eth-paper with a folder of its own" in other
    assert sorted(own.rglob("*")) == before

    (own / "versions" / signal.version.model_version / "manifest.json").write_text("{}")
    code, broken = laptop.run()
    assert code == ExitCode.ARTIFACT_INVALID
    assert "failed: exit code 66" in broken
    assert f"gate: version {signal.version.model_version} promoted" in broken
    assert "Trend   GradientBoosting " in broken


@pytest.mark.timeout(300)
def test_rejected_version_is_shown_with_its_reasons_and_a_true_hint(laptop: Laptop) -> None:
    code, told = laptop.run(BOT.replace('mode: "Off"', "margin: 0.5"), "--no-hint")
    assert code == ExitCode.OK, told
    assert "rejected\n      NotBetterThanNaive" in told
    assert "served: none" in told
    assert "skipped  no version is served" in told
    assert "again" not in told
    code, told = laptop.run(BOT.replace('mode: "Off"', "margin: 0.5"))
    assert "no version is served: change spec.model or spec.training" in told
    assert "run the same command again" not in told


def test_key_is_checked_and_shown_nowhere(laptop: Laptop, exchange: Exchange) -> None:
    key = laptop.home / "key"
    key.mkdir()
    (key / "apiKey").write_text(API_KEY, encoding="utf-8")
    (key / "apiSecret").write_text(API_SECRET[::-1], encoding="utf-8")
    code, told = laptop.run(BOT, "--credentials", str(key))
    assert code == ExitCode.CREDENTIALS_REJECTED
    assert "Preflight" in told
    assert "refuses the key" in told
    everything = told + "".join(p.read_text() for p in laptop.home.rglob("*.log"))
    assert API_KEY not in everything
    assert API_SECRET[::-1] not in everything


def test_first_failing_step_ends_the_run_with_its_code_and_log(laptop: Laptop) -> None:
    code, told = laptop.run(BOT.replace("lookback: 1d", "lookback: 1h"))
    assert code == ExitCode.DATA_UNUSABLE
    assert "Data " in told
    assert "failed: exit code 65: BTC/USDT: 60 closed candles" in told
    assert "Data.log" in told
    assert "Trend" not in told


def test_mistake_in_the_file_is_told_before_anything_runs(laptop: Laptop) -> None:
    code, told = laptop.run(BOT.replace("timeframe: 1m", "timeframe: 7m"))
    assert code == ExitCode.CONFIGURATION
    assert "spec.timeframe: found '7m'" in told
    assert "Preflight" not in told


def test_exchange_that_is_away_ends_preflight(laptop: Laptop) -> None:
    away = Laptop(laptop.home, "http://127.0.0.1:9")
    code, told = away.run()
    assert code == ExitCode.EXCHANGE_UNAVAILABLE
    assert "check exchange.endpoint" in told


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=1m tmpfs "$1" || exit 200
head -c "$2" /dev/zero > "$1/full"
shift 2
exec "$@"
"""


@pytest.mark.parametrize("room", [0, 8_192, 200_000])
def test_disk_that_is_full_ends_with_a_message(laptop: Laptop, room: int) -> None:
    """With no room not even a log is begun; with some, a step in between fails."""
    disk = laptop.home / "disk"
    disk.mkdir()
    script = ("unshare", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh")
    small = Laptop(laptop.home, laptop.endpoint, (*script, str(disk), str(2**20 - room)))
    code, told = small.run(BOT, "--store", str(disk / "store"))
    if code == 200 or "unshare failed" in told:
        pytest.skip("no disk of our own may be mounted here")
    assert code == ExitCode.STORE_UNAVAILABLE, told
    assert "cannot be written: No space left on device; make room on the volume" in told
    assert "Traceback" not in told
    assert told.count("failed: exit code 74") == (1 if room else 0)
