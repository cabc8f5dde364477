"""The account that follows the decisions on past candles."""

from typing import Any

import numpy as np
import pytest

from bot_runtime.evaluation.account import Backtest, backtest
from tests.unit.bot_runtime.learning import training_data

DATA = training_data(1500, symbols=("BTC/USDT", "ETH/USDT"))
ROWS = DATA.splits.test


def follow(sides: np.ndarray, fees_bps: float, trials: int = 1) -> Backtest:
    words: dict[float, Any] = {1.0: "LONG", -1.0: "SHORT", 0.0: "NO_TRADE"}
    return backtest([words[side] for side in sides], DATA, ROWS, fees_bps, trials)


def test_staying_out_earns_nothing() -> None:
    account = follow(np.zeros(len(ROWS)), 10)
    assert (account.net_return, account.drawdown, account.sharpe) == (0, 0, 0)


def test_one_decision_is_a_fifth_of_the_equity_of_its_symbol_for_the_horizon() -> None:
    """Half of the equity is a symbol's; a fifth of it goes in and out once, and pays twice."""
    sides = np.zeros(len(ROWS))
    sides[100] = 1.0
    row, share = ROWS[100], 1 / (2 * DATA.horizon_steps)
    path = DATA.close[row : row + DATA.horizon_steps + 1]
    earned = share * np.sum(path[1:] / path[:-1] - 1)
    assert follow(sides, 0).net_return == pytest.approx(earned)
    assert follow(sides, 10).net_return == pytest.approx(earned - 2 * share * 0.001)
    assert follow(sides, 10).gross_return == pytest.approx(earned)


def test_a_position_that_is_kept_pays_once_for_each_way() -> None:
    held = follow(np.ones(len(ROWS)), 10)
    assert held.gross_return - held.net_return == pytest.approx(2 * 0.001)


def test_who_holds_nothing_has_nothing_to_sell() -> None:
    """A spot market: no account earns from a fall."""
    account = follow(-np.ones(len(ROWS)), 10)
    assert (account.net_return, account.gross_return) == (0, 0)


def test_short_sells_what_is_held() -> None:
    """Ten LONG, then ten SHORT of one symbol: sold after half of them, and stays sold."""
    sides, own = np.zeros(len(ROWS)), np.flatnonzero(DATA.symbol[ROWS] == 0)
    sides[own[100:110]], sides[own[110:120]] = 1.0, -1.0
    account = follow(sides, 0)
    at = account.bar - DATA.time_ms[ROWS[own[100]]] // DATA.interval_ms
    moved = at[np.flatnonzero(account.net)]
    assert moved.min() >= 0
    assert moved.max() < 10 + (DATA.horizon_steps + 1) // 2


def test_knowing_the_future_earns_and_its_opposite_loses() -> None:
    known = np.sign(DATA.labels.simple_return[ROWS])
    good, bad = follow(known, 0), follow(-known, 0)
    assert good.net_return > 0.1
    assert bad.net_return < -0.1
    assert good.deflated_sharpe > 0.99
    assert bad.deflated_sharpe < 0.01
    assert bad.drawdown == pytest.approx(-bad.net_return, rel=0.05)
    lucky = follow(np.random.default_rng(1).choice([-1.0, 0.0, 1.0], len(ROWS)), 0, trials=50)
    assert lucky.deflated_sharpe < 0.95


def test_decisions_earn_nothing_before_they_are_taken() -> None:
    sides = np.zeros(len(ROWS))
    sides[-1] = 1.0
    account = follow(sides, 10)
    moved = np.flatnonzero(account.net)
    assert account.bar[moved[0]] == DATA.time_ms[ROWS[-1]] // DATA.interval_ms
    assert account.net[moved[0]] < 1e-2
