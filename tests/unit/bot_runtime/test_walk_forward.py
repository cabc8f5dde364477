"""Folds follow each other without a gap, and none knows what comes after it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.backtest.told import Told
from bot_runtime.backtest.walk_forward import Fold, folds_of, tell_fold
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.market.candles import Candles
from bot_runtime.process.errors import DataUnusableError
from tests.unit.bot_runtime.learning import MINUTE_MS, market_candles, model_spec
from tests.unit.bot_runtime.markets import random_candles, without

SPEC = model_spec(horizonSteps=3, gradientBoosting={"maxIterations": 10})
LOOKBACK_MS = 1000 * MINUTE_MS
CANDLES = market_candles(1500, ("BTC/USDT", "ETH/USDT"))


def nothing() -> None:
    """Go on."""


def told_of(fold: Fold, candles: dict[str, Candles]) -> dict[str, Told]:
    return tell_fold(fold, fold.candles(candles, SPEC), SPEC, 1, nothing)


@given(
    days=st.integers(1, 400), lookback=st.integers(1, 200), hours=st.sampled_from([1, 4, 12, 24])
)
def test_folds_follow_each_other_and_learn_from_as_much_as_a_training(
    days: int, lookback: int, hours: int
) -> None:
    interval_ms = hours * 3_600_000
    candles = {"BTC/USDT": random_candles(days * 24 // hours, interval_ms=interval_ms)}
    folds = folds_of(candles, lookback * DAY_MS)
    end_ms = int(candles["BTC/USDT"].close_time_ms[-1])
    for before, after in pairwise(folds):
        assert after.begin_ms == before.end_ms
        assert after.learn_ms - before.learn_ms == before.end_ms - before.begin_ms
    for number, fold in enumerate(folds):
        assert fold.number == number
        assert fold.learn_ms >= candles["BTC/USDT"].open_time_ms[0]
        assert fold.begin_ms - fold.learn_ms >= round(0.8 * lookback * DAY_MS)
    assert not folds or folds[-1].end_ms == end_ms
    assert bool(folds) == (days * DAY_MS > folds_length(lookback))


def folds_length(lookback: int) -> int:
    """Return the ms of candles that the first fold learns from."""
    stretch_ms = round(lookback * DAY_MS * 0.2)
    return lookback * DAY_MS - (
        stretch_ms - stretch_ms % DAY_MS if stretch_ms > DAY_MS else stretch_ms
    )


def test_every_candle_of_a_stretch_is_told_of() -> None:
    folds = folds_of(CANDLES, LOOKBACK_MS)
    assert len(folds) == 4
    for fold in folds[:2]:
        times = range(fold.begin_ms, fold.end_ms, MINUTE_MS)
        for told in told_of(fold, CANDLES).values():
            assert told.open_ms.tolist() == list(times)
            assert np.isfinite(told.predictions.p90).all()


def test_nothing_is_learned_from_the_stretch_that_is_told_of() -> None:
    """What its candles are changes no prediction that was made before them."""
    fold = folds_of(CANDLES, LOOKBACK_MS)[1]
    whole = told_of(fold, CANDLES)
    for rows in (70, 133):
        until_ms = fold.begin_ms + rows * MINUTE_MS
        cut = Fold(fold.number, fold.learn_ms, fold.begin_ms, until_ms)
        known = told_of(cut, CANDLES)
        for symbol, told in known.items():
            expected = whole[symbol].within(fold.begin_ms, until_ms)
            assert told.open_ms.tolist() == expected.open_ms.tolist()
            assert told.regimes.tolist() == expected.regimes.tolist()
            for name in ("prob_up", "p10", "p50", "p90", "risk_score", "volatility"):
                found, wanted = (getattr(t.predictions, name) for t in (told, expected))
                assert found.tolist() == wanted.tolist(), name


def test_a_hole_after_a_candle_keeps_no_decision_from_it() -> None:
    """Whether the candles of its horizon will come is not known at its close."""
    fold = folds_of(CANDLES, LOOKBACK_MS)[0]
    btc = CANDLES["BTC/USDT"]
    hole = int(np.searchsorted(btc.open_time_ms, fold.begin_ms)) + 100
    told = told_of(fold, {"BTC/USDT": without(btc, hole)})["BTC/USDT"]
    assert btc.open_time_ms[hole - 1] in told.open_ms
    assert btc.open_time_ms[hole + 1] not in told.open_ms, "its history has the hole"


def test_too_few_candles_say_so() -> None:
    short = {"BTC/USDT": CANDLES["BTC/USDT"][:400]}
    fold = folds_of(short, 300 * MINUTE_MS)[0]
    with pytest.raises(DataUnusableError, match="needs 60"):
        told_of(fold, short)
    with pytest.raises(DataUnusableError, match="has 40 candles, 68 are history"):
        told_of(fold, {"BTC/USDT": short["BTC/USDT"][:40]})


def test_who_raises_ends_it() -> None:
    class OverError(Exception):
        pass

    def over() -> None:
        raise OverError

    fold = folds_of(CANDLES, LOOKBACK_MS)[0]
    with pytest.raises(OverError):
        tell_fold(fold, fold.candles(CANDLES, SPEC), SPEC, 1, over)
