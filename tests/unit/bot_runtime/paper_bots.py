"""Bots that trade on paper by a real test exchange; their signals are written, not inferred."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import numpy as np

from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.names import ENV_POD_UID
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Signal
from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.predictions import Prediction, Predictions
from bot_runtime.steps.trade import SPARE_SECONDS, trade
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from bot_runtime.store.marker import Marker, save_marker
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.strategy import Strategy
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.markets import bot_spec, inference_configuration
from tests.unit.bot_runtime.paper_accounts import VERSION, signal_of

RISING = Prediction(0.9, -0.005, 0.02, 0.04, 0.1, 0.004)
FALLING = Prediction(0.1, -0.04, -0.02, 0.005, 0.1, 0.004)
EAGER: dict[str, Any] = {
    "decision": {"riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0},
    "execution": {"deadlineSeconds": int(SPARE_SECONDS)},
    "model": {"horizonSteps": 3},
    # No stop is near enough for the generated market, which follows the real clock.
    "risk": {"cvarMax": 0.1, "stopLoss": {"min": 0.5, "max": 0.9}},
}
"""Buys whatever is predicted to rise, waits for no marker, and sells after three candles."""


@dataclass
class PaperBot:
    """A bot whose clock is the exchange's; each candle has a pod of its own.

    Attributes:
        changes: fields of the spec that differ from EAGER.
        warnings: of the newest run.
    """

    exchange: Exchange
    store: Store
    changes: dict[str, Any] = field(default_factory=dict)
    version: str = VERSION
    pod_uid: str = ""
    now_ms: int = 0
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_ms = self.exchange.stop_clock() - MINUTE_MS
        self.next_candle()

    @property
    def configuration(self) -> RunConfiguration:
        spec = bot_spec(self.exchange.url, **{**EAGER, **self.changes})
        return inference_configuration(spec, self.version)

    @property
    def interval_ms(self) -> int:
        return seconds_of(self.configuration.timeframe) * 1000

    @property
    def close_ms(self) -> int:
        """Return when the newest candle closed."""
        return self.now_ms // self.interval_ms * self.interval_ms

    def next_candle(self, count: int = 1) -> None:
        """Let candles close, and begin another pod."""
        self.now_ms += count * self.interval_ms
        self.exchange.set_clock(self.now_ms)
        self.pod_uid = str(uuid4())

    def decide(self, prediction: Prediction = RISING, **changes: Any) -> None:
        """Write every symbol's signal and the marker; `changes` are fields of the signals."""
        configuration = self.configuration
        for symbol in configuration.symbols:
            signal = self.signal(symbol, prediction)
            fields = signal.model_dump(mode="json") | changes
            save_json(self.store.signal(symbol), {k: v for k, v in fields.items() if v is not None})
        self.mark()

    def mark(self, **changes: Any) -> None:
        """Write the marker, with fields that differ from this pod's own."""
        own = {"pod_uid": self.pod_uid, "run_digest": self.configuration.digest}
        save_marker(self.store, Marker(**(own | {"candle_ms": self.close_ms} | changes)))

    def signal(self, symbol: str, prediction: Prediction) -> Signal:
        configuration = self.configuration
        views = views_of(
            Predictions.of(prediction),
            Strategy.of_run(configuration),
            np.zeros(1, np.intp),
            np.array([self.close_ms // self.interval_ms - 1]),
        )
        return signal_of(symbol, self.close_ms, views, 0, configuration)

    def trade(self) -> TradeResult:
        """Run the step, as this candle's pod."""
        reporter = Reporter("Trade", stream=StringIO())
        with self.environment():
            try:
                return trade(self.configuration, self.store, reporter)
            finally:
                self.warnings = reporter.warnings

    @contextmanager
    def environment(self) -> Iterator[None]:
        with patch.dict(os.environ, {ENV_POD_UID: self.pod_uid}):
            yield

    def run(self, prediction: Prediction = RISING) -> TradeResult:
        """Decide and trade."""
        self.decide(prediction)
        return self.trade()

    def rows(self, kind: Any) -> list[Any]:
        with read_journal(SqliteFile(self.store.journal)) as journal:
            return list(journal.all(kind))
