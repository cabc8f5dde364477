"""Whether any setting of the thresholds would earn money: a grid of them, on unseen candles.

The best setting is chosen on the first half of the unseen candles, by its account's mean return
after costs. What it earns is stated on the second half, which nobody has chosen by, with the
standard error of the mean; the probability of skill is deflated by the number of settings that
decide differently.
"""

import itertools
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bot_runtime.arrays import Counts, Rows
from bot_runtime.evaluation.tracks import follow_decisions
from bot_runtime.evaluation.tradable_share import decisions_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring import scores
from bot_runtime.scoring.overfitting import deflated_sharpe
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Account
from bot_runtime.trading.strategy import Strategy

PROB_MIN: Final = (0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.57, 0.6, 0.65)
MIN_EXPECTED_RETURN: Final = (0.0, 0.0005, 0.001, 0.002)
RISK_MAX: Final = (0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """Three thresholds as the spec has them; None where the policy does not read one."""

    prob_min: float | None
    min_expected_return: float | None
    risk_max: float

    def __str__(self) -> str:
        named = {
            "probMin": self.prob_min,
            "minExpectedReturn": self.min_expected_return,
            "riskMax": self.risk_max,
        }
        return ", ".join(f"{name} {value:g}" for name, value in named.items() if value is not None)

    def of(self, strategy: Strategy) -> Strategy:
        """Return the strategy with these thresholds."""
        named = {
            "prob_min": self.prob_min,
            "min_expected_return": self.min_expected_return,
            "risk_max": self.risk_max,
        }
        changed = {name: value for name, value in named.items() if value is not None}
        return strategy.with_decision(**changed)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one setting does on half of the unseen candles.

    Attributes:
        traded: share of the rows that are decided LONG or SHORT.
        mean: net return of a candle, a share of the equity; `error`: its standard error.
        trades: positions that were closed.
    """

    setting: Setting
    traded: float
    mean: float
    error: float
    trades: int


@dataclass(frozen=True, slots=True)
class Frontier:
    """Every setting on the first half, and the best of them on the second.

    Attributes:
        best: of `cells`, as it was chosen; None where no setting trades.
        stated: the same setting on the second half.
        skill: probability that what is stated is skill, deflated by the settings that were tried.
    """

    cells: tuple[Cell, ...]
    best: Cell | None
    stated: Cell | None
    skill: float

    @property
    def sentence(self) -> str:
        """Return what a trader has to know, in one sentence."""
        if self.best is None or self.stated is None:
            return "no setting of the thresholds trades: what is expected never pays the costs"
        earned, error = 1e4 * self.stated.mean, 1e4 * self.stated.error
        if self.best.mean <= 0.0:
            return (
                "at these fees no setting earns money on unseen candles; the best, "
                f"{self.best.setting}, makes {earned:+.2g} ± {error:.1g} bps a candle"
            )
        return (
            f"{self.best.setting} would trade {100 * self.stated.traded:.3g} % of the candles at "
            f"{earned:+.2g} ± {error:.1g} bps a candle, skill with a probability of "
            f"{100 * self.skill:.0f} %"
        )


def settings_of(strategy: Strategy) -> tuple[Setting, ...]:
    """Return every setting of the grid that the policy of a strategy can tell apart."""
    if strategy.is_managed:
        return tuple(Setting(None, None, risk_max) for risk_max in RISK_MAX)
    grid = itertools.product(PROB_MIN, MIN_EXPECTED_RETURN, RISK_MAX)
    return tuple(Setting(*setting) for setting in grid)


def find_frontier(
    told: Predictions, data: TrainingData, rows: Rows, strategy: Strategy
) -> Frontier:
    """Return the frontier of predictions at `rows`, which are sorted by time."""
    first, second = _halves(data, rows)
    known: dict[bytes, Cell] = {}
    cells = []
    for setting in settings_of(strategy):
        own = setting.of(strategy)
        side = decisions_of(told.at(first), data, rows[first], own).side
        key = side.tobytes()  # most settings decide as one before them
        if key not in known:
            account = follow_decisions(told.at(first), data, rows[first], own)
            known[key] = _cell(setting, side, account, data.horizon_steps)
        cells.append(replace(known[key], setting=setting))
    best = max(cells, key=lambda cell: (cell.trades > 0, cell.mean))
    if best.trades == 0:
        return Frontier(tuple(cells), None, None, float("nan"))
    own = best.setting.of(strategy)
    account = follow_decisions(told.at(second), data, rows[second], own)
    side = decisions_of(told.at(second), data, rows[second], own).side
    stated = _cell(best.setting, side, account, data.horizon_steps)
    return Frontier(tuple(cells), best, stated, deflated_sharpe(account.net, len(known)))


def _halves(data: TrainingData, rows: Rows) -> tuple[Rows, Rows]:
    """Return the positions in `rows` of either half; no trade of the first ends in the second."""
    time_ms = data.time_ms[rows]
    middle = time_ms[len(rows) // 2]
    purged_ms = (data.horizon_steps + 1) * data.interval_ms
    return np.flatnonzero(time_ms < middle - purged_ms), np.flatnonzero(time_ms >= middle)


def _cell(setting: Setting, side: Counts, account: Account, horizon_steps: int) -> Cell:
    """Return the figures of one setting whose decisions are `side` (n,)."""
    net = account.net
    bar = account.close_ms // account.interval_ms
    found = scores.compare(-net, np.zeros(len(net)), bar, horizon_steps)
    return Cell(
        setting=setting,
        traded=float(np.mean(side != 0)),
        mean=found.gain,
        error=found.standard_error,
        trades=len(account.trades),
    )
