"""All candles that a store has, whatever brought them there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.market.candle_files import save_candles
from bot_runtime.market.stored_candles import all_stored_candles, stored_candles
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import BOTH, market_candles, prepare_training
from tests.unit.bot_runtime.markets import START_MS, random_candles

BINANCE = ExchangeSpec(id="binance")


def own(store: Store, name: str, interval_ms: int) -> None:
    store.own_candles.mkdir(parents=True, exist_ok=True)
    begin_ms = START_MS // interval_ms * interval_ms
    times = begin_ms + np.arange(100, dtype=np.int64) * interval_ms
    candles = replace(random_candles(100, interval_ms=interval_ms), open_time_ms=times)
    save_candles(store.own_candles / name, candles)


def test_a_timeframe_counts_where_every_symbol_has_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert all_stored_candles(store, BINANCE, BOTH) == {}
    prepare_training(store, market_candles(300, BOTH))
    own(store, "BTC-USDT-5m.parquet", 300_000)
    own(store, "BTC-USDT-1h.parquet", 3_600_000)
    own(store, "ETH-USDT-1h.parquet", 3_600_000)
    found = all_stored_candles(store, BINANCE, BOTH)
    assert [(timeframe, list(parts)) for timeframe, parts in found.items()] == [
        ("1m", list(BOTH)),
        ("1h", list(BOTH)),
    ]
    assert len(found["1m"]["ETH/USDT"]) == 300
    assert list(all_stored_candles(store, BINANCE, ("BTC/USDT",))) == ["1m", "5m", "1h"]


def test_candles_of_another_feed_are_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    prepare_training(store, market_candles(300))
    other = ExchangeSpec(id="binance", endpoint="http://exchange.test:8080")
    assert all_stored_candles(store, other, ("BTC/USDT",)) == {}
    with pytest.raises(
        DataUnusableError,
        match=r"has no candles of 1m from binance at http://exchange\.test:8080, but from its own "
        r"address: leave endpoint out, or run",
    ):
        stored_candles(store, other, "BTC/USDT", "1m")


def test_candles_of_a_test_exchange_name_its_address(tmp_path: Path) -> None:
    store = Store(tmp_path)
    prepare_training(store, market_candles(300))
    path = store.dataset("bot-1")
    dataset = load_json(path) | {"endpoint": "http://127.0.0.1:8080"}
    save_json(path, dataset)
    with pytest.raises(
        DataUnusableError,
        match=r"but from http://127\.0\.0\.1:8080: name it with --endpoint, or run",
    ):
        stored_candles(store, BINANCE, "BTC/USDT", "1m")
    there = ExchangeSpec(id="binance", endpoint="http://127.0.0.1:8080")
    assert len(stored_candles(store, there, "BTC/USDT", "1m")) == 300


def test_a_file_whose_candles_are_of_another_length_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    own(store, "BTC-USDT-1h.parquet", 300_000)
    with pytest.raises(DataUnusableError, match=r"BTC-USDT-1h\.parquet"):
        all_stored_candles(store, BINANCE, ("BTC/USDT",))
