"""A study: bounded, taken up where it ended, and never mixed with another one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot_runtime.backtest.study import Budget, Study, run_study
from bot_runtime.backtest.study_plan import StudyAsked, plan_lessons
from bot_runtime.backtest.walk_forward import tell_fold
from bot_runtime.contract.trading import TradingSettings
from bot_runtime.process.errors import (
    ArtifactInvalidError,
    ConfigurationError,
)
from bot_runtime.store.layout import Store
from bot_runtime.store.trials import load_trials
from tests.unit.bot_runtime.learning import QUICK_MODEL, market_candles
from tests.unit.bot_runtime.markets import bot_spec

CANDLES = market_candles(1100, volatility_bps=50.0)
MODEL = QUICK_MODEL | {"horizonSteps": 4, "gradientBoosting": {"maxIterations": 10}}


class Steps:
    """A clock that shows one second more each time it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def study(root: Path, seconds: float = 1e9, **changes: Any) -> Study:
    spec = {"training": {"lookback": "1000m"}, "model": MODEL, **changes}
    asked = StudyAsked(bot_spec(**spec), TradingSettings())
    lessons = plan_lessons(asked, {"1m": CANDLES})
    budget = Budget(seconds, Steps())
    return run_study(asked, lessons, Store(root), budget, lambda _what, _share: None)


def figures(found: Study) -> list[tuple[Any, ...]]:
    return [
        (str(one.lesson), one.policy, one.performance.to_text(), one.held, one.skill)
        for one in found.tried
    ]


def folds(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "study").glob("*.npz"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    """A study of all there is: six folds of one minute, and coarser ones that are too short."""
    root = tmp_path_factory.mktemp("study")
    return root, study(root)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Horizons of the folds that are computed from now on."""
    found: list[str] = []

    def counted(fold: Any, candles: Any, model: Any, threads: int, go_on: Any) -> Any:
        told = tell_fold(fold, candles, model, threads, go_on)
        found.append(f"{fold.number}/{model.horizon_steps}")
        return told

    monkeypatch.setattr("bot_runtime.backtest.study.tell_fold", counted)
    return found


def test_everything_is_tried_by_both_policies(done: tuple[Path, Study]) -> None:
    _, found = done
    assert [(str(one.lesson), one.policy) for one in found.tried] == [
        (f"1m, horizonSteps {steps}", policy)
        for steps in (1, 4, 12)
        for policy in ("Thresholds", "VolatilityManaged")
    ]
    assert found.trials == 6
    assert found.done == found.total
    for one in found.tried:
        assert all(np.isfinite(value) for value in one.held)
        assert 0.0 <= one.traded <= 1.0
        assert np.isfinite(one.performance.net_return)


def test_lessons_without_a_whole_fold_are_named(done: tuple[Path, Study]) -> None:
    _, found = done
    assert [note.split(":")[0] for note in found.notes] == [
        f"{timeframe}, horizonSteps {steps}" for timeframe in ("15m", "1h") for steps in (1, 4, 12)
    ]
    assert "2 of 2 folds are left out" in found.notes[0]


def test_a_day_is_too_short_to_know_anything(done: tuple[Path, Study]) -> None:
    _, found = done
    assert np.isnan(found.overfitting)
    assert not found.is_enough


def test_a_second_study_computes_nothing_and_finds_the_same(
    done: tuple[Path, Study], computed: list[str]
) -> None:
    root, found = done
    again = study(root)
    assert computed == []
    assert repr(figures(again)) == repr(figures(found))
    assert again.trials == found.trials


def test_a_study_that_ended_early_goes_on_where_it_was(
    done: tuple[Path, Study], tmp_path: Path, computed: list[str]
) -> None:
    first = study(tmp_path, seconds=12)
    assert 0 < len(folds(tmp_path)) < 6
    assert first.done < first.total
    assert "no fold is done yet" in "".join(first.notes)
    begun = list(computed)
    again = study(tmp_path)
    assert sorted(computed) == sorted(set(computed)), "no fold is computed twice"
    assert len(computed) > len(begun)
    assert repr(figures(again)) == repr(figures(done[1]))
    assert folds(tmp_path) == folds(done[0])


def test_a_budget_that_ends_in_the_first_fold_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"--budget: 0\.05 minutes ended in the first fold"
    ):
        study(tmp_path, seconds=3)
    assert folds(tmp_path) == []
    assert load_trials(Store(tmp_path)) == ()


def test_other_thresholds_take_the_same_folds_and_count_as_other_trials(
    tmp_path: Path, computed: list[str]
) -> None:
    study(tmp_path, seconds=60)
    count, before = len(computed), len(load_trials(Store(tmp_path)))
    study(tmp_path, seconds=60, decision={"probMin": 0.6})
    assert sorted(computed) == sorted(set(computed))
    assert len(load_trials(Store(tmp_path))) >= 2 * before
    assert len(computed) >= count


def test_other_models_and_other_code_take_no_fold(
    tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study(tmp_path, seconds=25)
    first = len(computed)
    assert first > 0
    study(tmp_path, seconds=25, model=MODEL | {"seed": 8})
    second = len(computed)
    assert second > first
    monkeypatch.setenv("BOTCRIPTO_GIT_COMMIT", "another")
    study(tmp_path, seconds=25)
    assert len(computed) > second
    assert len(folds(tmp_path)) == len(computed)


def test_a_list_of_trials_that_is_none_costs_no_fold(tmp_path: Path) -> None:
    (tmp_path / "trials.json").write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactInvalidError, match="is no list of trials"):
        study(tmp_path)
    assert folds(tmp_path) == []


def test_prices_that_stand_still_teach_nothing(tmp_path: Path) -> None:
    whole = CANDLES["BTC/USDT"]
    same = np.full(len(whole), 100.0)
    flat = replace(whole, open=same, high=same, low=same, close=same)
    asked = StudyAsked(bot_spec(training={"lookback": "1000m"}, model=MODEL), TradingSettings())
    lessons = plan_lessons(asked, {"1m": {"BTC/USDT": flat}})
    found = run_study(asked, lessons, Store(tmp_path), Budget(1e9), lambda _what, _share: None)
    assert not found.is_enough
    assert found.best.skill.least == 0.0
    assert all(one.held[1] <= 0.0 and np.isfinite(one.held).all() for one in found.tried)
