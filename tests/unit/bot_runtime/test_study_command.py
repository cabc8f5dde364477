"""`study` on the command line: what is refused, in which words, and what is left behind."""

from pathlib import Path

import pytest

from bot_runtime.command_line import main
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.market.candle_files import save_candles
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.store.layout import Store
from bot_runtime.store.one_at_a_time import one_at_a_time
from tests.unit.bot_runtime.learning import market_candles

BOT = """
apiVersion: botcripto.io/v1alpha1
kind: TradingBot
metadata: {name: btc}
spec:
  exchange: {id: binance}
  symbols: [BTC/USDT]
  timeframe: 1m
  mode: Paper
  model:
    candidates: [GradientBoosting]
    encoderLength: 8
    horizonSteps: 4
    gradientBoosting: {maxIterations: 10}
  training: {lookback: 1000m}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOTCRIPTO_STORE", raising=False)
    (tmp_path / "bot.yaml").write_text(BOT, encoding="utf-8")
    return tmp_path


def stored(home: Path, count: int = 1100) -> Store:
    store = Store(home / ".botcripto" / "btc")
    store.own_candles.mkdir(parents=True)
    candles = market_candles(count)["BTC/USDT"]
    save_candles(store.own_candles / "BTC-USDT-1m.parquet", candles)
    return store


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf", "1e9", "an hour", "", "0x10"])
def test_a_budget_that_is_none_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], budget: str
) -> None:
    assert main(["study", "bot.yaml", f"--budget={budget}"]) == ExitCode.CONFIGURATION
    told = capsys.readouterr().out
    assert f"--budget: found {budget!r}; write minutes above 0, such as 60" in told
    assert [path.name for path in home.iterdir()] == ["bot.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOT.replace("timeframe: 1m", "timeframe: 7m"), "spec.timeframe"),
        (BOT.replace("kind: TradingBot", "kind: Bot"), "found 0 documents"),
        (BOT + "  capital: 0\n", "spec.capital"),
        (BOT + '  capital: "0"\n', "is nothing: write an amount above 0"),
        (BOT + "  risk: {dailyLossCap: 0.5}\n", "risk.dailyLossCap is above risk.weeklyLossCap"),
        ("{", "bot.yaml"),
    ],
)
def test_a_file_that_is_wrong_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (home / "bot.yaml").write_text(text, encoding="utf-8")
    assert main(["study", "bot.yaml"]) == ExitCode.CONFIGURATION
    assert said in capsys.readouterr().out
    assert [path.name for path in home.iterdir()] == ["bot.yaml"]


def test_a_store_without_candles_is_named_and_not_made(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "bot.yaml"]) == ExitCode.DATA_UNUSABLE
    assert "no timeframe with candles of BTC/USDT from binance; run" in capsys.readouterr().out
    assert not (home / ".botcripto").exists()


def test_too_few_candles_are_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = stored(home, 700)
    assert main(["study", "bot.yaml"]) == ExitCode.DATA_UNUSABLE
    assert "too few candles for one fold: the most are 0.486 days, of 1m" in capsys.readouterr().out
    assert not store.study.exists()


def test_a_store_that_another_study_uses_is_left_alone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = stored(home)
    with one_at_a_time(store.study, ConfigurationError("taken")):
        assert main(["study", "bot.yaml"]) == ExitCode.CONFIGURATION
    assert "is in use by another study; wait until it has ended" in capsys.readouterr().out
    assert not store.trials().exists()


def test_a_store_that_takes_nothing_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(home).study.write_text("in the way", encoding="utf-8")
    assert main(["study", "bot.yaml"]) == ExitCode.STORE_UNAVAILABLE
    assert "study/.lock: cannot be written" in capsys.readouterr().out


def test_a_budget_for_nothing_leaves_nothing_that_counts(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = stored(home)
    assert main(["study", "bot.yaml", "--budget", "0.000001"]) == ExitCode.CONFIGURATION
    told = capsys.readouterr().out
    assert "--budget: 1e-06 minutes ended in the first fold; write more" in told
    assert [path.name for path in store.study.iterdir()] == [".lock"]
    assert not store.trials().exists()


def test_a_whole_study_ends_with_what_is_true(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = stored(home)
    assert main(["study", "bot.yaml", "--budget", "10"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert "fitted: GradientBoosting\n" in told
    assert "timeframes 1m, 15m, 1h; horizonSteps 1, 4, 12; both policies" in told
    assert "settings tried in this store so far: 6" in told
    assert "probability of overfitting over those above: not known" in told
    assert "nothing here beats holding after fees; the nearest is 1m" in told
    assert "nan" not in told.lower()
    assert len(list(store.study.glob("*.npz"))) == 6
