"""The data step as tests run it: against a test exchange, with less patience than a pod."""

import dataclasses
from io import StringIO
from typing import Any, ClassVar

from bot_runtime.contract.results import DataResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import FETCH
from bot_runtime.market.candles import Candles
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.fetch import fetch
from bot_runtime.store.layout import Store
from tests.exchanges import Exchange
from tests.unit.bot_runtime.markets import bot_spec, training_configuration

HASTY = dataclasses.replace(FETCH, attempts=2, base_seconds=0.01, timeout_seconds=0.5)


def configuration(exchange: Exchange, lookback: str = "1d", **changes: Any) -> RunConfiguration:
    spec = bot_spec(exchange.url, training={"lookback": lookback}, **changes)
    return training_configuration(spec)


def run(run_configuration: RunConfiguration, store: Store) -> tuple[DataResult, Reporter]:
    reporter = Reporter("Data", stream=StringIO())
    return fetch(run_configuration, store, reporter), reporter


def training(run_configuration: RunConfiguration) -> str:
    assert run_configuration.training is not None
    return run_configuration.training.name


class Asked(ExchangeClient):
    """The real client, which keeps the spans that it was asked for."""

    spans: ClassVar[list[tuple[int, int]]] = []

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        self.spans.append((start_ms, end_ms))
        return super().candles(symbol, start_ms, end_ms)
