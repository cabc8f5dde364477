"""Candles since the last training: asked for once, kept, and missing without harm."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.local import newer_candles
from bot_runtime.local.newer_candles import POLICY, NewerCandles
from bot_runtime.market.candles import Candles
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.markets import bot_spec

SYMBOL = "BTC/USDT"


def market(exchange: Exchange, begin_ms: int, end_ms: int) -> Candles:
    """Return what the exchange has itself."""
    client = ExchangeClient(
        ExchangeSpec(id="binance", endpoint=exchange.url), "1m", POLICY, lambda *_, **__: None
    )
    client.load_markets([SYMBOL])
    return client.candles(SYMBOL, begin_ms, end_ms)


def test_newer_candles_are_asked_for_once_and_kept(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    whole = market(exchange, now_ms - 900 * MINUTE_MS, now_ms)
    monkeypatch.setattr(newer_candles, "STRETCH", 250)
    shown: list[float] = []
    newer = NewerCandles(Store(tmp_path), bot_spec(exchange.url))
    found = newer.add_to({SYMBOL: whole[:300]}, lambda _, share: shown.append(share))
    np.testing.assert_array_equal(found[SYMBOL].open_time_ms, whole.open_time_ms)
    np.testing.assert_array_equal(found[SYMBOL].close, whole.close)
    assert newer.notes == []
    assert shown == pytest.approx([0, 250 / 600, 500 / 600])
    exchange.order(error_next=100)
    again = NewerCandles(Store(tmp_path), bot_spec(exchange.url))
    kept = again.add_to({SYMBOL: whole[:300]}, lambda *_: None)
    np.testing.assert_array_equal(kept[SYMBOL].close, whole.close)


def test_without_the_exchange_what_is_known_is_enough(exchange: Exchange, tmp_path: Path) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    known = market(exchange, now_ms - 60 * MINUTE_MS, now_ms - 30 * MINUTE_MS)
    newer = NewerCandles(Store(tmp_path), bot_spec("http://127.0.0.1:9"))
    found = newer.add_to({SYMBOL: known}, lambda *_: None)
    np.testing.assert_array_equal(found[SYMBOL].close, known.close)
    (note,) = newer.notes
    assert note.startswith("candles after ")
    assert "could not be asked for: " in note


def test_a_file_that_is_none_is_asked_for_again(exchange: Exchange, tmp_path: Path) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    known = market(exchange, now_ms - 60 * MINUTE_MS, now_ms - 30 * MINUTE_MS)
    newer = NewerCandles(Store(tmp_path), bot_spec(exchange.url))
    newer.add_to({SYMBOL: known}, lambda *_: None)
    (path,) = (tmp_path / "newer-candles").glob("*/BTC-USDT.parquet")
    path.write_bytes(b"x")
    found = newer.add_to({SYMBOL: known}, lambda *_: None)
    assert len(found[SYMBOL]) == 60


def test_another_address_is_another_feed(exchange: Exchange, tmp_path: Path) -> None:
    """Candles of a test exchange never stand in for those of the real one."""
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    known = market(exchange, now_ms - 60 * MINUTE_MS, now_ms - 30 * MINUTE_MS)
    spec = bot_spec(exchange.url)
    NewerCandles(Store(tmp_path), spec).add_to({SYMBOL: known}, lambda *_: None)
    elsewhere = spec.model_copy(
        update={"exchange": spec.exchange.model_copy(update={"endpoint": "http://127.0.0.1:9"})}
    )
    found = dataclasses.replace(NewerCandles(Store(tmp_path), elsewhere), notes=[]).add_to(
        {SYMBOL: known}, lambda *_: None
    )
    assert len(found[SYMBOL]) == 30
