"""The trades that are looked at one by one, and where their stops and targets lay."""

import numpy as np
import pytest

from bot_runtime.backtest.close_ups import EACH, close_ups_of, returns_of
from bot_runtime.trading.orders import Purpose
from tests.unit.bot_runtime.backtests import backtest_of, eager


def test_best_worst_and_latest_are_shown_and_none_twice() -> None:
    backtest = backtest_of(eager())
    account = backtest.account
    found = close_ups_of(account, backtest.tracks, backtest.strategy)
    assert [one.kind for one in found] == EACH * ["best"] + EACH * ["worst"] + EACH * ["latest"]
    earned = returns_of(account.trades)
    assert returns_of(found[0].trade.reshape(1))[0] == earned.max()
    assert returns_of(found[EACH].trade.reshape(1))[0] == earned.min()
    assert found[2 * EACH].trade["closed_ms"] == account.trades["closed_ms"].max()
    opened = [int(one.trade["opened_ms"]) for one in found]
    assert len(set(opened)) == len(opened)


@pytest.mark.parametrize("seed_candles", [1500, 3000])
def test_exits_lie_at_the_stop_and_the_target_that_are_drawn(seed_candles: int) -> None:
    backtest = backtest_of(eager(), count=seed_candles)
    exits = {Purpose.STOP: 0, Purpose.TARGET: 0}
    for one in close_ups_of(backtest.account, backtest.tracks, backtest.strategy):
        assert one.stop is not None
        assert one.target is not None
        price = float(one.fills["ticks"][-1]) * one.tick
        purpose = Purpose(int(one.trade["purpose"]))
        if purpose is Purpose.STOP:
            assert price == pytest.approx(one.stop * (1 - 1e-4), rel=1e-4)
        elif purpose is Purpose.TARGET:
            assert price == pytest.approx(one.target, abs=2 * one.tick)
        else:
            assert one.stop < price < one.target
        exits[purpose] = exits.get(purpose, 0) + 1
        bought = one.fills["purpose"] == Purpose.ENTRY
        assert one.fills["lots"][bought].sum() == one.trade["lots"]
    assert exits[Purpose.STOP] > 0
    assert exits[Purpose.TARGET] > 0


def test_candles_around_a_trade_are_shown() -> None:
    backtest = backtest_of(eager())
    for one in close_ups_of(backtest.account, backtest.tracks, backtest.strategy):
        times = one.candles.open_time_ms
        assert times[0] < one.trade["opened_ms"] <= one.trade["closed_ms"] <= times[-1]
        assert np.isin(one.fills["at_ms"], times).all()
