"""`study` as its user runs it: a planted signal is found, noise is not, and it can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.market.candle_files import save_candles
from bot_runtime.market.candles import Candles
from bot_runtime.store.layout import Store
from bot_runtime.store.trials import load_trials
from tests.eventually import eventually

CHECKOUT = Path(__file__).resolve().parents[3]
HOUR_MS = 3_600_000
BEGIN_MS = 1_700_000_000_000 // (24 * HOUR_MS) * 24 * HOUR_MS
BOT = """
apiVersion: botcripto.io/v1alpha1
kind: TradingBot
metadata: {name: btc}
spec:
  exchange: {id: binance}
  symbols: [BTC/USDT]
  timeframe: 1h
  mode: Paper
  model:
    candidates: [GradientBoosting]
    horizonSteps: 4
    gradientBoosting: {maxIterations: 20, learningRate: 0.2}
  training: {lookback: 100d}
"""


@dataclass(frozen=True)
class Laptop:
    """A directory from which a trader studies a bot."""

    home: Path

    @property
    def store(self) -> Store:
        return Store(self.home / "store")

    def put_candles(self, days: int, strength: float) -> None:
        """Put hourly candles of a generated market into the store."""
        market = GeneratedMarket(
            symbols=("BTC/USDT",), strength=strength, volatility_bps=100.0, timeframe_seconds=3600
        )
        bars = market.candles("BTC/USDT", BEGIN_MS, BEGIN_MS + days * 24 * HOUR_MS)
        candles = Candles(
            HOUR_MS, bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume
        )
        self.store.own_candles.mkdir(parents=True)
        save_candles(self.store.own_candles / "BTC-USDT-1h.parquet", candles)
        (self.home / "bot.yaml").write_text(BOT, encoding="utf-8")

    def start(self, *flags: str) -> subprocess.Popen[str]:
        """Start a study as its user does."""
        command = [sys.executable, "-m", "bot_runtime", "study", "bot.yaml", "--store", "store"]
        return subprocess.Popen(
            [*command, *flags],
            cwd=self.home,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT), "BOTCRIPTO_GIT_COMMIT": "test"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def study(self, *flags: str) -> tuple[int, str]:
        """Return the exit code and the output of a whole study."""
        with self.start(*flags) as process:
            told, _ = process.communicate()
        return process.returncode, told

    def folds(self) -> dict[str, int]:
        """Return the folds that are kept, and when each was written."""
        return {path.name: path.stat().st_mtime_ns for path in self.store.study.glob("*.npz")}


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.mark.timeout(300)
def test_a_planted_signal_is_found_and_the_lines_to_set_it_are_given(laptop: Laptop) -> None:
    laptop.put_candles(300, strength=1.0)
    code, told = laptop.study()
    assert code == ExitCode.OK, told
    table, verdict = told.split("settings tried in this store so far")
    assert "1h               4  Thresholds" in table
    assert "1h, horizonSteps 4, Thresholds beats holding after fees; to set it:" in verdict
    assert verdict.endswith(
        "spec:\n  timeframe: 1h\n  model:\n    horizonSteps: 4\n  decision:\n"
        "    policy: Thresholds\n"
    )
    assert "nan" not in told
    assert "folds are done" not in told, "everything was tried"


@pytest.mark.timeout(300)
def test_nothing_is_found_in_noise(laptop: Laptop) -> None:
    laptop.put_candles(300, strength=0.0)
    code, told = laptop.study()
    assert code == ExitCode.OK, told
    assert "nothing here beats holding after fees; the nearest is" in told
    assert "to set it" not in told
    assert len(load_trials(laptop.store)) == int(told.split("so far: ")[1].split(";")[0])


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_study_loses_the_fold_under_way_alone(
    laptop: Laptop, end: signal.Signals, code: int
) -> None:
    laptop.put_candles(400, strength=0.5)
    with laptop.start() as process:
        eventually(enough(laptop, 2), timeout=120)
        refused, told = laptop.study()
        assert refused == ExitCode.CONFIGURATION
        assert "is in use by another study; wait until it has ended" in told
        process.send_signal(end)
        told, _ = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in told
    if end == signal.SIGINT:
        assert told.endswith("interrupted; run the same command again to go on\n")
    assert load_trials(laptop.store) == (), "nobody has seen a figure"
    before = laptop.folds()
    done, told = laptop.study()
    assert done == ExitCode.OK, told
    after = laptop.folds()
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before
    _, again = laptop.study()
    assert again.split("beats\n")[1] == told.split("beats\n")[1], "the same, from what is kept"
    assert [path.name for path in laptop.store.study.glob(".*")] == [".lock"]


def enough(laptop: Laptop, count: int) -> Callable[[], bool]:
    """Return what tells whether so many folds are kept."""
    return lambda: len(laptop.folds()) >= count
