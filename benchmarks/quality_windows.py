"""A series cut into rolling windows, each trained by the product's own steps.

    | learned from                 | month |
           | learned from                 | month |
                  | learned from                 | month |      by time

A training has the candles of its window and none after them. Its data step is left out: the
snapshot is cut from the series.
"""

import os
from dataclasses import dataclass
from io import StringIO

from bot_runtime.arrays import Rows
from bot_runtime.contract.intervals import DAY_MS, TIMEFRAMES, seconds_of
from bot_runtime.contract.names import ENV_REFIT, claim_name, training_name
from bot_runtime.contract.refitting import Refit
from bot_runtime.contract.results import EvaluationResult
from bot_runtime.contract.runconfig import (
    RunConfiguration,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.spec import OBJECTIVES, GateSpec
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.learning.datasets import (
    TrainingData,
    build_training_data,
    load_training_data,
)
from bot_runtime.market.candles import Candles
from bot_runtime.market.snapshot import Dataset, save_snapshot, save_symbol
from bot_runtime.process.config import training_of
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.steps.evaluate import evaluate
from bot_runtime.steps.train import train
from bot_runtime.store.layout import Store

MONTH_DAYS = 30
BOT = "months"
SYMBOL = "BTC/USDT"
"""Stands for every series: what is learned does not depend on the name."""


@dataclass(frozen=True, slots=True)
class Window:
    """Candles that open in [learn_ms, begin_ms) are learned from, those until end_ms judged on."""

    learn_ms: int
    begin_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a training has left, and the candles to judge it on.

    Attributes:
        training: what the steps were told.
        store: what they have written; it is gone once the window is judged.
        result: the gate's verdict on it.
        known: the window's rows, as the steps had them.
        data: the same rows, all of which are known, then those of the month: the test slice.
        version: what inference would serve, the gate aside: it was fitted once more.
        judged: the same as it was judged.
    """

    training: RunConfiguration
    store: Store
    result: EvaluationResult
    known: TrainingData
    data: TrainingData
    version: ServedVersion
    judged: ServedVersion

    @property
    def rows(self) -> Rows:
        """Return the month's rows whose outcome the month has, by time."""
        test = self.data.splits.test
        return test[self.data.labels.known[test]]


def windows_of(candles: Candles, learned_days: int) -> tuple[Window, ...]:
    """Return the windows of a series, oldest first: each month of them is whole, none overlap."""
    if len(candles) == 0:
        return ()
    first_ms, end_ms = int(candles.open_time_ms[0]), int(candles.close_time_ms[-1])
    learned_ms, month_ms = learned_days * DAY_MS, MONTH_DAYS * DAY_MS
    begins = range(first_ms + learned_ms, end_ms - month_ms + 1, month_ms)
    return tuple(Window(begin - learned_ms, begin, begin + month_ms) for begin in begins)


def learn(candles: Candles, window: Window, store: Store) -> Learned:
    """Return what a training of the window's candles has learned, in an empty store.

    Settings are those of a bot of which nothing but its market is set, and its candidates: trees.
    """
    bot = _bot(candles, window)
    spec = training_spec_of(BOT, bot, image="bench:1", claim=claim_name(BOT), champion_version=None)
    name = training_name(BOT, training_digest(spec), 1)
    training = training_run("bench", name, spec)
    _save_snapshot(training, candles.between(window.learn_ms, window.begin_ms), store)
    for objective in OBJECTIVES:
        train(training, objective, store, _quiet(objective))
    result = evaluate(training, store, _quiet("Evaluation"))
    served = _fitted_once_more(training, store)
    return Learned(
        training=training,
        store=store,
        result=result,
        known=load_training_data(training, store),
        data=_with_month(training, candles, window),
        version=load_version(store, served),
        judged=load_version(store, result.version),
    )


def _fitted_once_more(training: RunConfiguration, store: Store) -> str:
    """Return the version that is served where the gate is off: it passes, and is fitted again."""
    run = training_of(training).model_copy(update={"gate": GateSpec(mode="Off")})
    os.environ[ENV_REFIT] = Refit(deadline_seconds=DAY_MS // 1000).model_dump_json(by_alias=True)
    try:
        lenient = training.model_copy(update={"training": run})
        return evaluate(lenient, store, _quiet("Evaluation")).version
    finally:
        del os.environ[ENV_REFIT]


def _bot(candles: Candles, window: Window) -> TradingBotSpec:
    timeframe = next(t for t in TIMEFRAMES if seconds_of(t) * 1000 == candles.interval_ms)
    return TradingBotSpec.model_validate(
        {
            "exchange": {"id": "binance"},
            "symbols": [SYMBOL],
            "timeframe": timeframe,
            "mode": "Paper",
            "model": {"candidates": ["GradientBoosting"]},
            "training": {"lookback": f"{(window.begin_ms - window.learn_ms) // DAY_MS}d"},
        }
    )


def _save_snapshot(training: RunConfiguration, candles: Candles, store: Store) -> None:
    run = training_of(training)
    dataset = Dataset(
        training=run.name,
        exchange=training.exchange.id,
        timeframe=training.timeframe,
        lookback=run.lookback,
        symbols=(save_symbol(store, run.name, SYMBOL, candles),),
    )
    save_snapshot(store, dataset)


def _with_month(training: RunConfiguration, candles: Candles, window: Window) -> TrainingData:
    """Return the rows of window and month; what is naive is fitted to the window's alone.

    The test slice begins a horizon after the time that it is asked for.
    """
    model = training.model
    return build_training_data(
        {SYMBOL: candles.between(window.learn_ms, window.end_ms)},
        model.horizon_steps,
        model.encoder_length,
        model.triple_barrier_width,
        window.begin_ms - model.horizon_steps * candles.interval_ms,
    )


def _quiet(step: StepOrRun) -> Reporter:
    """Return a reporter whose lines nobody reads: the benchmark tells of windows."""
    return Reporter(step, stream=StringIO())
