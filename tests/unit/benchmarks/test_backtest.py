"""The benchmark compares what trades alike, on candles on which that is possible."""

import re

import numpy as np
import pytest

from benchmarks.backtest import assert_equal
from benchmarks.backtest_rules import CHUNK, Outcome, Series
from benchmarks.backtest_side import own, plain
from benchmarks.backtesting_package import PINS
from tools.tree import ROOT


def test_the_account_and_the_plain_loop_trade_alike() -> None:
    series = Series.made(20_000)
    ours, others = own(series, 1).outcome(), plain(series, 1).outcome()
    assert 35 < 20_000 / len(ours.trades) < 45, "the figures are of 40 bars a trade"
    assert_equal(ours, others)


def test_what_does_not_trade_alike_is_told() -> None:
    trades, equity = plain(Series.made(2_000), 1).outcome()
    other = trades[3]._replace(lots=trades[3].lots + 1)
    for different in (
        Outcome([*trades[:3], other, *trades[4:]], equity),
        Outcome(trades[:-1], equity),
        Outcome(trades, equity * (1 + 1e-9)),
    ):
        with pytest.raises(AssertionError):
            assert_equal(Outcome(trades, equity), different)


def test_candles_open_at_the_close_before_them_and_lie_on_the_tick() -> None:
    bars = CHUNK + 100
    series = Series.made(bars)
    assert np.array_equal(series.open[1:], series.close[:-1])
    assert np.all(series.high >= np.maximum(series.open, series.close))
    assert np.all(series.low <= np.minimum(series.open, series.close))
    assert np.array_equal(series.low, np.rint(series.low))
    assert np.array_equal(Series.made(bars + 1).close[:bars], series.close)


def test_backtesting_py_is_in_no_lock() -> None:
    assert re.search(r"^backtesting==", PINS.read_text(encoding="utf-8"), re.MULTILINE)
    asked = re.compile(r"^\s*\"?backtesting[=><]", re.MULTILINE)
    for lock in (ROOT / "pyproject.toml", *(ROOT / "requirements").iterdir()):
        assert not asked.search(lock.read_text(encoding="utf-8")), lock
