"""What a study tries follows from the bot and from the candles that there are."""

from typing import Any

import pytest

from bot_runtime.backtest.study_plan import StudyAsked, plan_lessons
from bot_runtime.contract.intervals import Timeframe, seconds_of
from bot_runtime.contract.trading import RiskSpec, TradingSettings
from bot_runtime.market.candles import Candles
from bot_runtime.process.errors import DataUnusableError
from tests.unit.bot_runtime.markets import bot_spec, random_candles

DAYS = 12


def asked(timeframe: str = "5m", **changes: Any) -> StudyAsked:
    spec = {"timeframe": timeframe, "training": {"lookback": "10d"}, **changes}
    return StudyAsked(bot_spec(**spec), TradingSettings())


def stored(*timeframes: Timeframe, days: int = DAYS) -> dict[Timeframe, dict[str, Candles]]:
    return {
        timeframe: {
            "BTC/USDT": random_candles(
                days * 86_400 // seconds_of(timeframe), interval_ms=seconds_of(timeframe) * 1000
            )
        }
        for timeframe in timeframes
    }


@pytest.mark.parametrize(
    ("own", "there", "tried"),
    [
        ("5m", ("5m",), ["5m", "15m", "1h", "4h"]),
        ("5m", ("1m",), ["1m", "5m", "15m", "1h", "4h"]),
        ("1h", ("1h",), ["1h", "4h"]),
        ("1h", ("5m",), ["5m", "1h", "4h"]),
        ("1h", ("5m", "1d"), ["5m", "1h", "4h", "1d"]),
        ("4h", ("4h",), ["4h"]),
        ("2h", ("3m", "30m"), ["3m", "30m", "2h", "4h"]),
    ],
)
def test_timeframes_are_the_own_coarser_ones_and_those_of_the_store(
    own: str, there: tuple[Timeframe, ...], tried: list[str]
) -> None:
    lessons = plan_lessons(asked(own), stored(*there))
    assert list(dict.fromkeys(lesson.timeframe for lesson in lessons)) == tried


def test_a_timeframe_that_nothing_fits_into_is_left_out() -> None:
    lessons = plan_lessons(asked("5m"), stored("3m"))
    assert {lesson.timeframe for lesson in lessons} == {"3m", "15m", "1h", "4h"}


def test_stored_candles_come_before_those_that_are_made() -> None:
    there = stored("5m", "1h")
    lessons = plan_lessons(asked(), there)
    found = {lesson.timeframe: lesson.candles["BTC/USDT"] for lesson in lessons}
    assert found["1h"] is there["1h"]["BTC/USDT"]
    assert found["4h"].interval_ms == 4 * 3_600_000


def test_horizons_are_a_grid_and_the_own_one() -> None:
    lessons = plan_lessons(asked("4h", model={"horizonSteps": 6}), stored("4h"))
    assert [lesson.model.horizon_steps for lesson in lessons] == [1, 4, 6, 12]
    lessons = plan_lessons(asked("4h", model={"horizonSteps": 4}), stored("4h"))
    assert [lesson.model.horizon_steps for lesson in lessons] == [1, 4, 12]


@pytest.mark.parametrize(
    ("candidates", "fitted"),
    [
        (["GradientBoosting", "TemporalFusionTransformer"], ("GradientBoosting",)),
        (["TemporalFusionTransformer"], ("TemporalFusionTransformer",)),
    ],
)
def test_trees_are_fitted_where_the_bot_has_them(
    candidates: list[str], fitted: tuple[str, ...]
) -> None:
    assert asked(model={"candidates": candidates}).model.candidates == fitted


def test_strategies_are_the_bots_own_but_for_what_is_tried() -> None:
    settings = TradingSettings(capital="500", risk=RiskSpec(max_position=0.4))
    mine = StudyAsked(
        bot_spec(timeframe="5m", training={"lookback": "10d"}, decision={"probMin": 0.6}), settings
    )
    lesson = plan_lessons(mine, stored("5m"))[-1]
    strategy = lesson.strategy("VolatilityManaged", mine)
    assert strategy.is_managed
    assert strategy.settings == settings
    assert strategy.decision.prob_min == 0.6
    assert (strategy.horizon_steps, strategy.interval_ms) == (12, 4 * 3_600_000)


def test_a_trial_is_the_setting_and_not_its_candles() -> None:
    def digests(mine: StudyAsked, days: int = DAYS) -> set[str]:
        lessons = plan_lessons(mine, stored("4h", days=days))
        return {
            lesson.trial(policy, mine).digest
            for lesson in lessons
            for policy in ("Thresholds", "VolatilityManaged")
        }

    first = digests(asked("4h"))
    assert len(first) == 8
    assert digests(asked("4h"), days=14) == first
    assert not digests(asked("4h", decision={"probMin": 0.6})) & first
    assert not digests(asked("4h", training={"lookback": "11d"})) & first
    richer = StudyAsked(asked("4h").spec, TradingSettings(capital="20000"))
    assert not digests(richer) & first


def test_no_candles_and_too_few_say_what_to_do() -> None:
    with pytest.raises(
        DataUnusableError, match=r"no timeframe with candles of BTC/USDT .*-5m\.csv"
    ):
        plan_lessons(asked(), {})
    with pytest.raises(DataUnusableError, match=r"the most are 8 days, of 5m, .*lookback, 10d"):
        plan_lessons(asked(), stored("5m", "4h", days=8))
