"""`live-skill`: drawn days and what is told of them; a permuted version is asked at other rows."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import live_skill
from benchmarks.live_skill import Days, drawn, figures_of, is_told
from benchmarks.permuted_version import PermutedVersion
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import compute_features
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import COMBINATION, bot_spec, publish_version, random_candles


def days(mean: float) -> np.ndarray:
    return np.random.default_rng(2).normal(mean, 1.0, (40, 3))


def test_days_are_drawn_in_runs_of_what_there_is() -> None:
    numbers = np.arange(40.0)[:, None]
    found = drawn(numbers, (50, 100), np.random.default_rng(1))[:, :, 0]
    assert set(np.unique(found)) <= set(range(40))
    follows = (np.diff(found) % 40) == 1
    assert float(follows.mean()) == pytest.approx(0.75, abs=0.05)


def test_lost_skill_is_told_of_any_month_among_the_days() -> None:
    good, bad = -np.ones((1, 60, 2)), -np.ones((1, 60, 2))
    bad[:, 20:40, 1] = 1.0
    assert is_told(np.concatenate([good, bad])).tolist() == [False, False]
    bad[:, 20:50, 1] = 1.0
    assert is_told(np.concatenate([good, bad])).tolist() == [False, True]


def test_figures_are_of_the_watched_losses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_skill, "YEARS", 5)
    monkeypatch.setattr(live_skill, "MONTHS", 5)
    own = np.column_stack([days(-2.0)[:, :2], days(9.0)[:, 2]])
    found = Days("bot", True, own, (days(2.0),), np.array([0, 1]))
    calm, told = figures_of([found])
    assert (calm.value, told.value) == (100.0, 100.0)
    assert figures_of([]) == []


def test_a_permuted_version_says_of_rows_what_belongs_to_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = publish_version(store, bot_spec(), score=0.1, slope=90.0, combination=COMBINATION)
    version, candles = load_version(store, name), random_candles(1_200, seed=4)
    features, closes = compute_features(candles), Closes.of(candles)
    rows = np.arange(900, 1_000)
    told = version.predict_rows(features, closes, rows)
    permuted = PermutedVersion(store.version(name), version.manifest)
    permuted.permute(rows, len(features), seed=1)
    found = permuted.predict_rows(features, closes, rows)
    assert not np.array_equal(found.prob_up, told.prob_up)
    assert np.array_equal(np.sort(found.prob_up), np.sort(told.prob_up))
    before = np.arange(850, 880)
    assert np.array_equal(
        permuted.predict_rows(features, closes, before).prob_up,
        version.predict_rows(features, closes, before).prob_up,
    )
