"""Markets as they come: each ends in a model whose numbers are numbers, or in a clear message."""

import dataclasses
import math
from typing import Any, get_args

import numpy as np
import pytest

from bot_runtime.contract.spec import Algorithm, GateSpec
from bot_runtime.learning.datasets import build_training_data, load_training_data
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, check_candles, from_rows
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.serving.version import load_version
from bot_runtime.steps.train import train
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import (
    market_candles,
    model_spec,
    prepare_training,
    quiet,
    train_and_evaluate,
)
from tests.unit.bot_runtime.markets import without

ROWS = 1500
MARKET = market_candles(ROWS)["BTC/USDT"]


def changed(rows: slice, factor: float = 1.0, **values: float) -> Candles:
    """Return the market with prices times `factor`, and columns replaced, in some rows."""
    columns = {name: getattr(MARKET, name).copy() for name in VALUE_COLUMNS}
    for name in VALUE_COLUMNS[:4]:
        columns[name][rows] *= factor
    for name, value in values.items():
        columns[name][rows] = value
    return dataclasses.replace(MARKET, **columns)


def crashed() -> Candles:
    """Return the market with one candle that falls by 90 % and comes back."""
    crash = changed(slice(0, 0))
    crash.low[700] = crash.close[700] = 0.1 * crash.open[700]
    crash.open[701], crash.low[701] = crash.close[700], min(crash.close[700], crash.low[701])
    check_candles(crash, "BTC/USDT")
    return crash


BAD = {
    "constant prices": changed(slice(None), open=5.0, high=5.0, low=5.0, close=5.0),
    "constant prices in the test slice": changed(
        slice(1200, None), open=5.0, high=5.0, low=5.0, close=5.0
    ),
    "no volume for most of the time": changed(slice(200, 1200), volume=0.0),
    "flash crash of 90 %": crashed(),
    "prices that halve for good": changed(slice(800, None), 0.5),
    "a long hole": without(MARKET, *range(500, 700)),
    "a hole before the newest candles": without(MARKET, *range(1440, 1470)),
}


@pytest.mark.parametrize("algorithm", get_args(Algorithm))
@pytest.mark.parametrize("market", BAD)
def test_bad_market_ends_in_numbers(market: str, algorithm: Algorithm, store: Store) -> None:
    candles = {"BTC/USDT": BAD[market]}
    configuration = prepare_training(
        store,
        candles,
        model_spec(candidates=[algorithm], gradientBoosting={"maxIterations": 10}),
        gate=GateSpec(mode="Off"),
    )
    result = train_and_evaluate(configuration, store)
    data = load_training_data(configuration, store)
    rows = data.splits.test
    found = load_version(store, result.version).predict_rows(data.features, data.closes, rows)
    for field in dataclasses.fields(found):
        assert np.isfinite(getattr(found, field.name)).all(), field.name
    assert ((found.prob_up >= 0) & (found.prob_up <= 1)).all()
    assert ((found.p10 <= found.p50) & (found.p50 <= found.p90)).all()
    assert ((found.risk_score >= 0) & (found.risk_score <= 1)).all()


def test_no_row_of_a_fit_spans_a_long_hole() -> None:
    holed = BAD["a long hole"]
    data = build_training_data({"BTC/USDT": holed}, 5, 8)
    rows = data.splits.before_test
    first = rows[data.time_ms[rows] > MARKET.open_time_ms[500]].min()
    assert data.time_ms[first] == MARKET.open_time_ms[700 + 60 + 7]
    last = rows[data.time_ms[rows] < MARKET.open_time_ms[500]].max()
    assert data.time_ms[last] <= MARKET.open_time_ms[499 - 5]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", VALUE_COLUMNS)
def test_what_is_no_number_is_refused_with_its_row(column: str, value: float) -> None:
    broken = changed(slice(900, 903), **{column: value})
    with pytest.raises(
        DataUnusableError, match=r"3 of 1500 rows \(900, 901, 902\) break '.*(finite|infinity)'"
    ):
        check_schema(broken, "BTC/USDT")
    with pytest.raises(DataUnusableError, match=r"row 900 of 1500 .*; 3 such rows"):
        check_candles(broken, "BTC/USDT")


def test_unsorted_and_doubled_rows_give_the_same_candles() -> None:
    table: Any = np.column_stack(
        [MARKET.open_time_ms, *(getattr(MARKET, n) for n in VALUE_COLUMNS)]
    )
    mixed = np.random.default_rng(1).permutation(np.concatenate([table, table[::3]]))
    found = from_rows(mixed, MARKET.interval_ms)
    check_candles(found, "BTC/USDT")
    assert np.array_equal(found.open_time_ms, MARKET.open_time_ms)
    assert np.array_equal(found.close, MARKET.close)


@pytest.mark.parametrize(("count", "encoder"), [(70, 8), (600, 512), (40, 8), (0, 8)])
def test_too_short_a_history_says_what_is_there_and_needed(count: int, encoder: int) -> None:
    """A symbol that was listed yesterday; an encoder longer than what there is."""
    with pytest.raises(DataUnusableError, match=r"training\.lookback: .* ask for a longer window"):
        build_training_data({"BTC/USDT": MARKET[:count]}, 5, encoder)


@pytest.mark.parametrize(("seed", "moves"), [(2, 0.005), (3, 0.02)])
def test_price_that_rests_on_three_ticks_is_served_as_trained(
    store: Store, seed: int, moves: float
) -> None:
    """The risk score is steep there: float32 rounds by more than a probability may differ."""
    base, draw = market_candles(6000)["BTC/USDT"], np.random.default_rng(seed)
    tick = np.zeros(len(base))
    for i in range(1, len(base)):
        step = draw.choice([-1, 1]) if draw.random() < moves else 0
        tick[i] = np.clip(tick[i - 1] + step, -1, 1)
    close = 1 + 1e-4 * tick
    first = np.r_[close[0], close[:-1]]
    high, low = np.maximum(first, close), np.minimum(first, close)
    pegged = dataclasses.replace(base, open=first, close=close, high=high, low=low)
    configuration = prepare_training(store, {"USDC/USDT": pegged}, model_spec())
    train(configuration, "Risk", store, quiet("Risk"))
