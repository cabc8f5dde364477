"""Folds in the store: whole, and never those of something else."""

from pathlib import Path

import numpy as np
import pytest

from bot_runtime.backtest.kept_folds import fold_path, forget_unfinished, load_fold, save_fold
from bot_runtime.backtest.told import Told
from bot_runtime.backtest.walk_forward import Fold
from bot_runtime.serving.predictions import Predictions
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import model_spec
from tests.unit.bot_runtime.markets import random_candles

FOLD = Fold(3, 0, 100, 200)
SPEC = model_spec()
CANDLES = {"BTC/USDT": random_candles(50)}
SYMBOLS = ("BTC/USDT",)


def told() -> dict[str, Told]:
    draw = np.random.default_rng(1)
    columns = (draw.random(5) for _ in range(6))
    times = np.arange(1_700_000_000_000, 1_700_000_000_005)
    return {"BTC/USDT": Told(times, Predictions(*columns), np.array([0, 1, 2, 3, 0]))}


def test_a_kept_fold_is_what_was_told(tmp_path: Path) -> None:
    path = tmp_path / "study" / "a.npz"
    assert load_fold(path, SYMBOLS) is None
    save_fold(path, told())
    kept, expected = load_fold(path, SYMBOLS), told()
    assert kept is not None
    one, other = kept["BTC/USDT"], expected["BTC/USDT"]
    assert one.open_ms.tolist() == other.open_ms.tolist()
    assert one.open_ms.dtype == np.int64
    assert one.regimes.tolist() == other.regimes.tolist()
    assert one.predictions[4] == other.predictions[4]


@pytest.mark.parametrize("left", [0, 200, -1])
def test_a_damaged_fold_is_none(tmp_path: Path, left: int) -> None:
    path = tmp_path / "a.npz"
    save_fold(path, told())
    path.write_bytes(path.read_bytes()[:left])
    assert load_fold(path, SYMBOLS) is None
    path.write_bytes(b"no archive")
    assert load_fold(path, SYMBOLS) is None


def test_a_fold_of_other_symbols_is_none(tmp_path: Path) -> None:
    save_fold(tmp_path / "a.npz", told())
    assert load_fold(tmp_path / "a.npz", ("BTC/USDT", "ETH/USDT")) is None


def test_whatever_decides_changes_the_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other_candles = {"BTC/USDT": random_candles(50, seed=2)}
    second = {**CANDLES, "ETH/USDT": random_candles(50)}
    turned = dict(reversed(second.items()))
    names = [
        fold_path(store, FOLD, CANDLES, SPEC, "a"),
        fold_path(store, FOLD, CANDLES, SPEC, "b"),
        fold_path(store, FOLD, CANDLES, model_spec(horizonSteps=6), "a"),
        fold_path(store, FOLD, CANDLES, model_spec(seed=8), "a"),
        fold_path(store, Fold(3, 0, 100, 201), CANDLES, SPEC, "a"),
        fold_path(store, FOLD, other_candles, SPEC, "a"),
        fold_path(store, FOLD, second, SPEC, "a"),
        fold_path(store, FOLD, turned, SPEC, "a"),
    ]
    assert len(set(names)) == len(names)
    assert names[0] == fold_path(store, FOLD, CANDLES, SPEC, "a")


def test_what_a_killed_study_left_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    save_fold(store.study / "a.npz", told())
    (store.study / ".b.npz.x1y2").write_bytes(b"half")
    (store.study / ".lock").touch()
    forget_unfinished(store)
    assert sorted(path.name for path in store.study.iterdir()) == [".lock", "a.npz"]
