"""An exchange that gives the newest candles alone is told from a market that is young."""

import pytest

from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.short_memory import describe_short_memory
from bot_runtime.market.candles import from_rows
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.fetching import HASTY, configuration, run
from tests.unit.bot_runtime.markets import bot_spec

pytestmark = pytest.mark.usefixtures("hasty")
DAY = 1440
BTC = "BTC/USDT"


def test_training_with_enough_candles_is_warned(exchange: Exchange, store: Store) -> None:
    exchange.stop_clock()
    exchange.order(memory_candles=1001)
    result, reporter = run(configuration(exchange, "2d"), store)
    assert result.candles == 1000
    (warning,) = reporter.warnings
    assert "BTC/USDT: binance gives no candles of 1m before 20" in warning
    assert "put older ones into candles/BTC-USDT-1m.csv, or take a coarser timeframe" in warning


def test_training_with_too_few_is_not_told_to_ask_for_more(
    exchange: Exchange, store: Store
) -> None:
    exchange.order(memory_candles=720)
    with pytest.raises(DataUnusableError, match=r"719 closed .*are needed.*candles/BTC-") as caught:
        run(configuration(exchange, "2d"), store)
    assert "longer" not in str(caught.value)


def test_market_that_is_young_or_was_quiet_is_none(exchange: Exchange, store: Store) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    exchange.order(gaps=[[0, end - 1000 * MINUTE_MS]])
    result, reporter = run(configuration(exchange, "2d"), store)
    assert (result.candles, reporter.warnings) == (1000, [])
    exchange.order(gaps=[[end - 900 * MINUTE_MS, end - 100 * MINUTE_MS]])
    _, reporter = run(configuration(exchange, "2d", symbols=["ETH/USDT"]), store)
    assert ["800 candles in 1 holes" in text for text in reporter.warnings] == [True]


def test_exchange_that_does_not_answer_has_no_short_memory(exchange: Exchange) -> None:
    spec = bot_spec(exchange.url).exchange
    client = ExchangeClient(spec, "1m", HASTY, lambda *_, **__: None)
    client.load_markets([BTC])
    exchange.order(error_next=99)
    nothing = from_rows([], MINUTE_MS)
    assert describe_short_memory(client, BTC, nothing, (0, DAY * MINUTE_MS)) == ""
