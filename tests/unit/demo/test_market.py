"""The demo's market: the example's bot, or the user's own candles."""

from pathlib import Path

import pytest
from pyarrow import parquet

from bot_exchange.market.candle_files import save_candles
from bot_exchange.market.candles import Candles
from bot_exchange.market.generated import GeneratedMarket
from bot_runtime.contract.spec import WITHOUT_TORCH, DecisionSpec, ModelSpec
from bot_runtime.contract.trading import RiskSpec
from bot_runtime.contract.tradingbot import TradingBotSpec
from demo.market import CONFIG_MAP_LIMIT, FUTURE_CANDLES, DemoMarket

MINUTE_MS = 60_000


def _candles(count: int, minutes: int = 5) -> Candles:
    market = GeneratedMarket(timeframe_seconds=60 * minutes)
    end = 1_700_000_100_000 // (minutes * MINUTE_MS) * minutes * MINUTE_MS
    return market.candles(market.symbols[0], end - count * minutes * MINUTE_MS, end)


def _file(folder: Path, candles: Candles, name: str = "ETH_USDT-5m.parquet") -> Path:
    save_candles(candles, folder / name)
    return folder / name


def test_without_candles_it_is_the_example_itself() -> None:
    bot = DemoMarket().bot()
    spec = TradingBotSpec.model_validate(bot["spec"])
    assert (spec.symbols, spec.timeframe) == (("BTC/USDT", "ETH/USDT"), "1m")
    assert "--symbols=BTC/USDT,ETH/USDT" in DemoMarket().arguments("")
    assert spec.exchange.credentials_secret is not None
    assert DemoMarket().to_parquet() is None


def test_the_example_needs_no_torch_as_the_environment_of_the_local_demo_has_none() -> None:
    spec = TradingBotSpec.model_validate(DemoMarket().bot()["spec"])
    assert WITHOUT_TORCH.issuperset(spec.model.candidates)


def test_a_file_s_symbol_and_timeframe_are_found(tmp_path: Path) -> None:
    market = DemoMarket.of_file(_file(tmp_path, _candles(3000)))
    spec = TradingBotSpec.model_validate(market.bot()["spec"])
    assert (spec.symbols, spec.timeframe) == (("ETH/USDT",), "5m")
    assert spec.training.lookback == f"{(3000 - FUTURE_CANDLES) * 5 // 60}h"
    assert spec.decision == DecisionSpec()
    assert (spec.risk, spec.model.horizon_steps) == (RiskSpec(), ModelSpec().horizon_steps)
    assert market.bot()["metadata"]["name"] == "candles-eth-usdt-5m"
    assert "--symbols=ETH/USDT" in market.arguments("/x.parquet")
    assert market.exchange != DemoMarket().exchange
    assert f"--replay-now=end-{FUTURE_CANDLES}" in market.arguments("/x.parquet")


def test_a_long_file_is_cut_to_its_newest_candles_and_fits_a_config_map(tmp_path: Path) -> None:
    candles = _candles(30_000)
    content = DemoMarket.of_file(_file(tmp_path, candles)).to_parquet()
    assert content is not None
    assert len(content) <= CONFIG_MAP_LIMIT
    (tmp_path / "cut.parquet").write_bytes(content)
    cut = parquet.read_table(tmp_path / "cut.parquet")
    assert cut["close"][-1].as_py() == candles.close[-1]


def test_candles_of_no_timeframe_are_refused_with_what_was_found(tmp_path: Path) -> None:
    candles = _candles(50, minutes=10)
    with pytest.raises(ValueError, match="candles are 600 s apart"):
        DemoMarket.of_file(_file(tmp_path, candles))
