"""Answers with status 200 that are none, of a real test exchange: an outage, whatever was asked."""

import time
from collections.abc import Callable

import pytest

from bot_runtime.contract.signal import DecisionReason
from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.exchange.answers import read_candles
from bot_runtime.exchange.ccxt_import import exchange_errors
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.newest import observe_feeds
from bot_runtime.process.errors import ConfigurationError, ExchangeUnavailableError
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.fetching import HASTY

GARBLED = ("html", "cut", "empty", "error", "null")
BTC = "BTC/USDT"


def connect(exchange: Exchange) -> ExchangeClient:
    spec = ExchangeSpec(id="binance", endpoint=exchange.url)
    return ExchangeClient(spec, "1m", HASTY, lambda *_, **__: None)


def newest(client: ExchangeClient) -> int:
    end_ms = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    return len(client.candles(BTC, end_ms - 9 * MINUTE_MS, end_ms))


REQUESTS: dict[str, Callable[[ExchangeClient], object]] = {
    "exchangeInfo": lambda client: client.load_markets([BTC]),
    "time": lambda client: client.server_time_ms(),
    "klines": newest,
}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("kind", GARBLED)
def test_answer_that_is_none_is_an_outage(exchange: Exchange, path: str, kind: str) -> None:
    client = connect(exchange)
    if path == "klines":
        client.load_markets([BTC])
    exchange.order(garbled_next=99, garbled_as=kind, garbled_path=path)
    with pytest.raises(ExchangeUnavailableError, match="no usable answer after 2 tries") as caught:
        REQUESTS[path](client)
    assert ("not JSON" in str(caught.value)) == (kind != "error")
    exchange.order(garbled_next=1, garbled_as=kind, garbled_path=path)
    REQUESTS[path](client)


def test_message_shows_what_came(exchange: Exchange) -> None:
    exchange.order(garbled_next=99)
    with pytest.raises(ExchangeUnavailableError, match="found '<html><head><title>Just a moment"):
        connect(exchange).load_markets([BTC])


def test_market_that_the_exchange_has_not_is_still_one_of_the_configuration(
    exchange: Exchange,
) -> None:
    with pytest.raises(ConfigurationError, match="no spot market NO/SUCH"):
        connect(exchange).load_markets([BTC, "NO/SUCH"])


@pytest.mark.parametrize("kind", GARBLED)
def test_run_that_gets_no_answer_decides_nothing(exchange: Exchange, kind: str) -> None:
    exchange.order(garbled_next=99, garbled_as=kind, garbled_path="klines")
    feed = observe_feeds(connect(exchange), [BTC], (60, 5), time.monotonic())[BTC]
    assert feed.candles is None
    assert feed.trouble is not None
    assert feed.trouble.reason == DecisionReason.EXCHANGE_UNAVAILABLE


def test_times_in_another_unit_are_no_candles() -> None:
    now_us = float(time.time_ns() // 1000)
    with pytest.raises(exchange_errors().BadResponse, match="expected milliseconds since 1970"):
        read_candles([[now_us, 1, 1, 1, 1, 1]], None)


EMPTY: tuple[object, ...] = (
    [],
    {"data": []},
    {"data": None},
    {"s": "no_data"},
    {"result": {"ticks": []}},
)


@pytest.mark.parametrize("answer", EMPTY, ids=str)
def test_page_without_candles_is_an_answer(answer: object) -> None:
    assert read_candles([], answer).shape == (0, 6)


@pytest.mark.parametrize("answer", [{}, {"message": "later"}, {"error": {"code": 7}}], ids=str)
def test_object_without_a_place_for_candles_is_none(answer: object) -> None:
    with pytest.raises(exchange_errors().BadResponse, match="has no candles, found"):
        read_candles([], answer)
