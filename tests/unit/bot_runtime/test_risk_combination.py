"""The mixed risk forecast: the same for a row alone and among all, and sensible in any market."""

from collections.abc import Callable

import numpy as np
import pytest

from bot_runtime.arrays import Rows, Values
from bot_runtime.features.closes import Closes
from bot_runtime.features.sequences import RawOutputs
from bot_runtime.features.volatility import FLOOR, VOLATILITY_CANDLES
from bot_runtime.market.candles import Candles, rows_without_gap
from bot_runtime.serving import risk_combination as module
from bot_runtime.serving.outputs import to_volatility
from bot_runtime.serving.risk_combination import (
    MOST_WEIGHT,
    SCORED,
    combined_volatility,
    har_terms_at,
    har_variance,
    memory_of,
    predicted_volatility,
    weight_of,
)
from bot_runtime.store.bundle import RiskScale
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import COMBINATION, random_candles, without

STEPS, CONTEXT = 5, 80
MEMORY = memory_of(STEPS, CONTEXT)
DAY = 288


def learned_of(candles: Candles, tell: Callable[[Candles], Values] | None = None) -> RawOutputs:
    """Return raw outputs that swing with the price, of rows whose history is whole."""
    told = np.sin(40 * np.log(candles.close)) if tell is None else tell(candles)
    whole = rows_without_gap(candles, CONTEXT)

    def at(rows: Rows) -> Values:
        assert whole[rows].all(), "asked for a row without a window"
        return told[rows][:, None]

    return RawOutputs(at, whole)


def combined(candles: Candles, rows: Rows, learned: RawOutputs | None = None) -> Values:
    raw = learned_of(candles) if learned is None else learned
    return combined_volatility(COMBINATION, raw, Closes.of(candles), rows, STEPS)


def moved(candles: Candles, returns: Values) -> Candles:
    """Return candles with other log returns (n,), as flat as can be."""
    close = 100.0 * np.exp(np.cumsum(returns))
    columns = (close, close, close, close, candles.volume)
    return Candles(candles.interval_ms, candles.open_time_ms, *columns)


@pytest.mark.parametrize(
    "missing",
    [(), (1_500,), tuple(range(1_300, 1_300 + DAY)), tuple(range(900, 1_400, 3))],
    ids=["none", "one", "a day", "every third"],
)
def test_a_row_from_its_memory_alone_is_the_row_among_all(missing: tuple[int, ...]) -> None:
    candles = without(random_candles(2_600, seed=5), *missing)
    rows = np.flatnonzero(rows_without_gap(candles, CONTEXT))
    rows = rows[candles.open_time_ms[rows] >= candles.open_time_ms[0] + MEMORY * MINUTE_MS]
    together = combined(candles, rows)
    assert np.isfinite(together).all()
    for place in range(0, len(rows), 37):
        end_ms = int(candles.close_time_ms[rows[place]])
        alone = candles.between(end_ms - MEMORY * MINUTE_MS, end_ms)
        [found] = combined(alone, np.array([len(alone) - 1]))
        assert found == pytest.approx(together[place], rel=1e-12)


def test_nothing_after_a_row_is_known_to_it() -> None:
    candles = random_candles(2_000, seed=6)
    later = random_candles(2_000, seed=7)
    close = np.concatenate([candles.close[:1_501], later.close[1_501:]])
    other = Candles(MINUTE_MS, candles.open_time_ms, close, close, close, close, candles.volume)
    rows = np.arange(1_000, 1_501)
    assert combined(candles, rows) == pytest.approx(combined(other, rows), rel=1e-12)


def test_the_better_one_gains_weight_and_the_other_keeps_some() -> None:
    leads = np.array([np.full(SCORED, lead) for lead in (0.0, 9.0, -9.0, np.nan, 0.1)])
    weights = weight_of(leads)
    assert weights[0] == weights[3] == 0.5, "of nothing known neither is the better"
    assert weights[1] == pytest.approx(MOST_WEIGHT, abs=1e-4)
    assert weights[2] == pytest.approx(1 - MOST_WEIGHT, abs=1e-4)
    assert 0.5 < weights[4] < 0.6


def test_a_learned_forecast_that_has_lost_its_level_hardly_counts() -> None:
    candles = random_candles(3_000, seed=8)
    rows = np.arange(2_000, 3_000)
    lost = learned_of(candles, lambda c: np.full(len(c), 6.0))
    har = har_variance(COMBINATION, har_terms_at(Closes.of(candles), rows))
    exact = learned_of(candles, lambda c: np.zeros(len(c)))
    away = [
        np.mean(np.abs(np.log(combined(candles, rows, raw) ** 2 / har))) for raw in (lost, exact)
    ]
    current = Closes.of(candles).volatility(VOLATILITY_CANDLES)[rows] ** 2
    alone = np.mean(np.abs(np.log(current * np.exp(6.0 + COMBINATION.level) / har)))
    assert away[0] < alone - 1.5, "it is 400 times too high, and told is a tenth of it"
    assert away[1] < 1.0


def test_a_market_that_doubles_within_an_hour() -> None:
    calm = np.random.default_rng(9).normal(0, 1e-3, 2_000)
    calm[1_500:1_560] += np.log(2.0) / 60
    candles = moved(random_candles(2_000), calm)
    told = combined(candles, np.arange(1_000, 2_000))
    assert np.isfinite(told).all()
    before, within, after = told[400:499].mean(), told[559], told[860:].mean()
    assert within > 5 * before, "it is seen while it lasts"
    assert after < 2.5 * before, "and forgotten afterwards"


def test_a_month_in_which_nothing_moves_and_the_hour_that_ends_it() -> None:
    returns = np.random.default_rng(10).normal(0, 1e-3, 10_500)
    returns[1_000:9_640] = 0.0
    candles = moved(random_candles(10_500), returns)
    told = combined(candles, np.arange(900, 10_500))
    assert np.isfinite(told).all()
    assert (told > 0).all()
    still = told[2_000:8_700]
    assert still.max() < 1e-3
    assert still.min() >= FLOOR * 0.1
    assert told[-300:].mean() == pytest.approx(1e-3, rel=1.0), "it moves as before"


def test_a_market_that_was_listed_just_now() -> None:
    candles = random_candles(CONTEXT, seed=11)
    [told] = combined(candles, np.array([CONTEXT - 1]))
    [har] = har_variance(COMBINATION, har_terms_at(Closes.of(candles), np.array([CONTEXT - 1])))
    current = Closes.of(candles).volatility(VOLATILITY_CANDLES)[-1:]
    raw = learned_of(candles).at(np.array([CONTEXT - 1]))
    [own] = to_volatility(raw, current) ** 2 * np.exp(COMBINATION.level)
    assert told**2 == pytest.approx((own + har) / 2), "nothing could be scored: halves"


def test_each_run_asks_for_a_dozen_more_predictions_at_most() -> None:
    candles, asked = random_candles(2_000, seed=12), list[int]()
    learned = learned_of(candles)

    def at(rows: Rows) -> Values:
        asked.append(len(rows))
        return learned.at(rows)

    combined(candles, np.array([1_999]), RawOutputs(at, learned.whole))
    assert asked == [1 + SCORED]


def test_a_version_of_an_earlier_format_says_what_its_model_does() -> None:
    candles, rows = random_candles(400, seed=13), np.arange(200, 400)
    closes, learned = Closes.of(candles), learned_of(candles)
    scale = RiskScale(knots=(1e-5, 1.0), rows=500)
    told = predicted_volatility(scale, learned, closes, rows, STEPS)
    current = closes.volatility(VOLATILITY_CANDLES)[rows]
    assert told.tolist() == to_volatility(learned.at(rows), current).tolist()


def test_the_memory_is_what_the_oldest_scored_candle_looks_back_on() -> None:
    assert memory_of(5, 80) == 5 + 11 * 48 + 289
    assert memory_of(5, 500) == 5 + 11 * 48 + 500
    assert max(module.SPANS) < 500
