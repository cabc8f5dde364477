"""Ratios: each by numbers that are worked out beside it."""

import math

import numpy as np
import pytest

from bot_runtime.scoring.ratios import (
    YEAR_MS,
    annual_return,
    annual_sharpe,
    annual_sortino,
    calmar,
    drawdowns,
)

QUARTER_MS = int(YEAR_MS / 4)
"""Four candles are a year, so a candle's ratio is doubled."""


def test_sharpe_is_mean_by_deviation() -> None:
    net = np.array([0.03, -0.01, 0.03, -0.01])  # mean 0.01, deviation 0.02
    assert annual_sharpe(net, QUARTER_MS) == pytest.approx(1.0)
    assert annual_sharpe(-net, QUARTER_MS) == pytest.approx(-1.0)
    assert annual_sharpe(np.full(4, 0.0), QUARTER_MS) == 0.0


def test_sortino_takes_the_losses_alone_over_all_returns() -> None:
    net = np.array([0.05, -0.02, 0.03, -0.02])  # mean 0.01, root of (4e-4 + 4e-4) / 4
    assert annual_sortino(net, QUARTER_MS) == pytest.approx(2 * 0.01 / math.sqrt(2e-4))
    assert annual_sortino(np.abs(net), QUARTER_MS) == 0.0


def test_drawdowns_are_from_the_highest_so_far_and_from_the_capital() -> None:
    found = drawdowns(100.0, np.array([80.0, 120.0, 90.0, 150.0, 75.0]))
    assert found.tolist() == pytest.approx([0.2, 0.0, 0.25, 0.0, 0.5])


def test_a_years_return_is_compound() -> None:
    half = np.array([100.0, 110.0])  # a tenth in half a year
    assert annual_return(100.0, half, QUARTER_MS) == pytest.approx(0.21)
    assert annual_return(100.0, np.array([100.0, 0.0]), QUARTER_MS) == -1.0
    assert annual_return(100.0, np.array([100.0, 90.0]), QUARTER_MS) == pytest.approx(-0.19)


def test_a_year_of_one_candles_jump_is_beyond_all_numbers_and_no_error() -> None:
    assert annual_return(100.0, np.array([150.0]), 60_000) == math.inf
    assert annual_return(100.0, np.array([50.0]), 60_000) == -1.0


def test_calmar_is_the_years_return_by_the_deepest_fall() -> None:
    equity = np.array([100.0, 75.0, 120.0, 121.0])
    assert calmar(100.0, equity, QUARTER_MS) == pytest.approx(0.21 / 0.25)
    assert calmar(100.0, np.array([100.0, 101.0]), QUARTER_MS) == 0.0
