"""Whether any setting of the thresholds would earn money: a grid of them, on unseen candles.

The best cell is chosen on the first half of the unseen candles, by its account's mean return after
costs. What it earns is stated on the second half, which nobody has chosen by, with the standard
error of the mean; the probability of skill is deflated by the number of cells that differ.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Rows
from bot_runtime.evaluation.tracks import follow_decisions
from bot_runtime.evaluation.tradable_share import decisions_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring import scores
from bot_runtime.scoring.overfitting import deflated_sharpe
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.strategy import Strategy

PROB_MIN: Final = (0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.57, 0.6, 0.65)
MIN_EXPECTED_RETURN: Final = (0.0, 0.0005, 0.001, 0.002)
RISK_MAX: Final = (0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of the thresholds on half of the unseen candles.

    Attributes:
        traded: share of the rows that are decided LONG or SHORT.
        mean: net return of a candle, a share of the equity; `error`: its standard error.
        trades: positions that were closed.
        deflated: probability of skill, given how many settings were tried.
    """

    prob_min: float
    min_expected_return: float
    risk_max: float
    traded: float
    mean: float
    error: float
    trades: int
    deflated: float

    @property
    def setting(self) -> str:
        """Return the thresholds as the spec spells them."""
        return (
            f"probMin {self.prob_min:g}, minExpectedReturn {self.min_expected_return:g}, "
            f"riskMax {self.risk_max:g}"
        )


@dataclass(frozen=True, slots=True)
class Frontier:
    """Every setting on the first half; the best of them, on both halves, None where none trades."""

    cells: tuple[Cell, ...]
    best: Cell | None
    stated: Cell | None
    fees_bps: float

    @property
    def sentence(self) -> str:
        """Return what a trader has to know, in one sentence."""
        found = self.stated
        at = f"at fees of {self.fees_bps:g} bps"
        if self.best is None or found is None:
            return f"{at} no setting trades a single unseen candle"
        figure = f"{1e4 * found.mean:+.2g} ± {1e4 * found.error:.1g} bps a candle"
        if self.best.mean <= 0.0:
            return f"{at} no setting earns money on unseen candles; the best, {self.best.setting}, {figure}"
        return f"{at} {self.best.setting} would trade {found.traded:.2g} at {figure}"
