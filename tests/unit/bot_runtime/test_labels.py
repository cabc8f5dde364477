"""Labels: three different targets, of the right candles, scaled and scaled back."""

import dataclasses

import numpy as np
import pytest

from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.features.volatility import VOLATILITY_CANDLES, realised_volatility
from bot_runtime.learning.labels import compute_labels, to_target, uniqueness
from bot_runtime.market.candles import Candles
from bot_runtime.serving.outputs import to_quantiles, to_volatility
from bot_runtime.store.bundle import ConformalBand
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.markets import random_candles, without

HORIZON = 3


def candles_of(closes: list[float]) -> Candles:
    close = np.array(closes)
    times = np.arange(len(closes), dtype=np.int64) * 60_000
    return Candles(60_000, times, close, close, close, close, np.ones(len(closes)))


def test_labels_of_a_series_known_by_hand() -> None:
    labels = compute_labels(candles_of([100, 110, 99, 105, 90, 90]), HORIZON)
    assert labels.simple_return[:3] == pytest.approx([0.05, 90 / 110 - 1, 90 / 99 - 1])
    assert np.isnan(labels.simple_return[3:]).all()
    logs = np.log([110 / 100, 99 / 110, 105 / 99])
    assert labels.variance[0] == pytest.approx(np.mean(logs**2))
    assert labels.up[:3].tolist() == [1, 0, 0]
    assert labels.known.tolist() == [True, True, True, False, False, False]


BARRIERS = [
    pytest.param([100, 101, 103, 90], 0.02, (1, 2), id="upper first"),
    pytest.param([100, 97, 103, 110], 0.02, (0, 1), id="lower first"),
    pytest.param([100, 101, 101, 101], 0.02, (1, 3), id="none, and higher at the end"),
    pytest.param([100, 101, 99, 99], 0.02, (0, 3), id="none, and lower at the end"),
    pytest.param([100, 101, 99, 100], 0.02, (0, 3), id="none, and nowhere at the end"),
    pytest.param([100, 150, 100, 100], 0.5, (1, 1), id="touched and no more"),
]


@pytest.mark.parametrize(("closes", "width", "expected"), BARRIERS)
def test_first_barrier_that_is_touched_decides(
    closes: list[float], width: float, expected: tuple[int, int]
) -> None:
    labels = compute_labels(candles_of(closes), HORIZON, np.full(4, width))
    assert (labels.up[0], labels.span[0]) == expected
    assert np.isnan(labels.up[1:]).all()


def test_adverse_excursion_is_the_worst_of_highs_and_lows() -> None:
    candles = candles_of([100, 100, 100, 100, 100, 100])
    candles = dataclasses.replace(
        candles,
        high=np.array([999, 103, 101, 100, 100, 100.0]),
        low=np.array([1, 100, 98, 100, 95, 100.0]),
    )
    found = compute_labels(candles, HORIZON).adverse_excursion
    assert found[:3] == pytest.approx([0.03, 0.05, 0.05])


def test_label_that_nothing_overlaps_is_unique_and_others_share() -> None:
    span = np.array([2.0, 2.0, 1.0, np.nan, 2.0, np.nan, np.nan])
    rows = np.isfinite(span)
    # candle 1: label 0; 2: labels 0, 1; 3: labels 1, 2; 5 and 6: label 4
    expected = [(1 + 1 / 2) / 2, (1 / 2 + 1 / 2) / 2, 1 / 2, 0, 1, 0, 0]
    assert uniqueness(span, rows) == pytest.approx(expected)


def test_price_that_stands_still_is_no_rise() -> None:
    assert compute_labels(candles_of([100.0] * 6), HORIZON).up[0] == 0


def test_horizon_that_misses_a_candle_is_unknown() -> None:
    candles = without(random_candles(50), 20)
    known = compute_labels(candles, HORIZON).known
    assert np.flatnonzero(~known).tolist() == [17, 18, 19, 46, 47, 48]


def test_label_reads_no_candle_beyond_its_horizon() -> None:
    candles = random_candles(60)
    whole, cut = (compute_labels(part, HORIZON) for part in (candles, candles[:40]))
    assert np.array_equal(whole.simple_return[:37], cut.simple_return[:37])
    assert np.array_equal(whole.variance[:37], cut.variance[:37])


def test_objectives_have_three_different_targets() -> None:
    data = training_data(4000, strength=0.0)
    rows = data.splits.fit
    trend, band, risk = (
        to_target(o, data.labels, data.volatility, data.horizon_steps)[rows] for o in OBJECTIVES
    )
    assert set(np.unique(trend)) == {0.0, 1.0}
    assert band.min() < 0 < band.max()
    assert risk.min() > 0
    assert len(np.unique(risk)) > 100
    # What grows with the move either way is not what tells the ways apart.
    assert np.corrcoef(np.abs(band), risk)[0, 1] > 0.4
    assert abs(np.corrcoef(band, risk)[0, 1]) < 0.3
    assert np.array_equal(band > 0, trend > 0)


def test_targets_are_scaled_back_to_returns_and_volatility() -> None:
    """A model that knew the target would predict the market's own numbers."""
    candles = random_candles(3000)
    labels = compute_labels(candles, HORIZON)
    volatility = realised_volatility(candles.close, VOLATILITY_CANDLES)
    rows = np.arange(VOLATILITY_CANDLES, 3000 - HORIZON)
    known = to_target("Return", labels, volatility, HORIZON)[rows]
    nothing = ConformalBand(lower=0, upper=0, rows=0)
    found = to_quantiles(np.tile(known[:, None], 3), nothing, volatility[rows], HORIZON)
    assert found.p50 == pytest.approx(labels.simple_return[rows], rel=1e-12)
    assert found.p50.std() == pytest.approx(0.002 * np.sqrt(HORIZON), rel=0.2)
    ratio = to_target("Risk", labels, volatility, HORIZON)[rows]
    predicted = to_volatility(np.log(ratio), volatility[rows])
    assert predicted == pytest.approx(np.sqrt(labels.variance[rows]), rel=1e-9)
