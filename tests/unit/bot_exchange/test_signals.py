"""What can be learned from the generated market, by a plain learner on plain features."""

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from bot_exchange.market.candles import Candles
from bot_exchange.market.generated import GeneratedMarket

HORIZON = 5
FEES = 0.002  # a round trip of 10 bps a side
BARS = 9_000
END_MS = 1_790_000_040_000
Floats = npt.NDArray[np.float64]


class Study:
    """Features and five-bar returns of one market, split by time."""

    def __init__(self, candles: Candles) -> None:
        self.features, self.history = features_of(candles), history_of(candles)
        price = np.log(candles.close)
        self.future = np.append(price[HORIZON:] - price[:-HORIZON], np.zeros(HORIZON))
        split = int(0.7 * len(candles))
        self.fit = slice(64, split - HORIZON)
        self.test = slice(split, len(candles) - HORIZON)

    def auc_of_trees(self) -> float:
        return self._auc(self._boosted("binary", self.future > 0))

    def auc_of_a_linear_model_of_the_history(self) -> float:
        fitted, target = self.history[self.fit], np.sign(self.future[self.fit])
        penalty = len(fitted) / 10 * np.eye(fitted.shape[1])
        weights = np.linalg.solve(fitted.T @ fitted + penalty, fitted.T @ target)
        return self._auc(self.history[self.test] @ weights)

    def trades(self) -> tuple[Floats, Floats]:
        """Return direction and log return of each trade by probMin 0.6 and minExpectedReturn."""
        probability = self._boosted("binary", self.future > 0)
        expected = self._boosted("regression", self.future)
        long = (probability >= 0.6) & (expected >= 0.001 + FEES)
        short = (probability <= 0.4) & (expected <= -0.001 - FEES)
        direction = long.astype(float) - short
        traded = direction != 0
        return direction[traded], self.future[self.test][traded]

    def _boosted(self, objective: str, target: npt.NDArray[Any]) -> Floats:
        # One thread: on a busy machine a second one is waited for far longer than it saves.
        settings = {"objective": objective, "learning_rate": 0.05, "num_leaves": 15}
        settings |= {"min_data_in_leaf": 40, "num_threads": 1, "verbosity": -1, "seed": 7}
        rows = lgb.Dataset(self.features[self.fit], target[self.fit].astype(float))
        model = lgb.train(settings, rows, num_boost_round=100)
        return np.asarray(model.predict(self.features[self.test], num_threads=1))

    def _auc(self, score: Floats) -> float:
        return float(roc_auc_score(self.future[self.test] > 0, score))


def lagged(values: Floats, lag: int) -> Floats:
    return np.concatenate([np.zeros(lag), values[: len(values) - lag]])


def rolling_mean(values: Floats, span: int) -> Floats:
    return np.convolve(values, np.full(span, 1 / span))[: len(values)]


def features_of(candles: Candles) -> Floats:
    """Return lagged returns, RSI and volume z-score of each bar, from it and earlier ones."""
    price, volume = np.log(candles.close), np.log(candles.volume + 1)
    step = price - lagged(price, 1)
    level = rolling_mean(volume, 30)
    spread = np.sqrt(np.maximum(rolling_mean(volume**2, 30) - level**2, 1e-12))
    up, down = rolling_mean(np.maximum(step, 0), 14), rolling_mean(np.maximum(-step, 0), 14)
    returns = [price - lagged(price, lag) for lag in (1, 2, 3, 5, 10, 20, 30)]
    relative_strength = up / np.maximum(up + down, 1e-12)
    return np.column_stack([*returns, relative_strength, (volume - level) / spread])


def history_of(candles: Candles) -> Floats:
    """Return the last 60 returns and relative log volumes of each bar, as a sequence model sees."""
    price, volume = np.log(candles.close), np.log(candles.volume + 1)
    step = (price - lagged(price, 1)) / 0.0025
    relative = volume - rolling_mean(volume, 60)
    columns = [lagged(column, lag) for lag in range(60) for column in (step, relative)]
    return np.nan_to_num(np.column_stack(columns))


def study(flavour: str, strength: float = 1.0, seed: int = 7, bars: int = BARS) -> Study:
    market = GeneratedMarket(seed=seed, flavour=flavour, strength=strength)
    span = (END_MS - bars * 60_000, END_MS)
    return Study(market.candles("BTC/USDT", *span))


@pytest.mark.parametrize("seed", [1, 7])
def test_momentum_is_traded_both_ways_and_pays_its_fees(seed: int) -> None:
    direction, future = study("momentum", seed=seed).trades()
    tested = 0.3 * BARS
    for side in (1, -1):
        mine = direction == side
        assert mine.sum() > 0.05 * tested
        assert np.mean(np.sign(future[mine]) == side) >= 0.6
    assert np.mean(direction * future) > FEES


def test_half_the_strength_is_learned_half_as_well() -> None:
    assert 0.52 < study("momentum", strength=0.5).auc_of_trees() < 0.62


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_without_strength_nothing_is_learned(seed: int) -> None:
    martingale = study("momentum", strength=0, seed=seed, bars=20_000)
    assert abs(martingale.auc_of_trees() - 0.5) < 0.03
    assert abs(martingale.auc_of_a_linear_model_of_the_history() - 0.5) < 0.03


def test_trees_win_on_thresholds() -> None:
    market = study("threshold")
    assert market.auc_of_trees() > 0.68
    assert market.auc_of_trees() > market.auc_of_a_linear_model_of_the_history() + 0.04


def test_a_model_of_the_sequence_wins_on_the_oscillation() -> None:
    market = study("oscillation")
    assert market.auc_of_a_linear_model_of_the_history() > 0.78
    assert market.auc_of_a_linear_model_of_the_history() > market.auc_of_trees() + 0.04
