"""What a report tells of one version, and what of it has to be computed first."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.results import EvaluationResult
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.frontier import Frontier
from bot_runtime.evaluation.gate import Duel
from bot_runtime.evaluation.score_tables import (
    MODEL,
    Table,
    forecast_of,
    forecasts_of,
    losses_of,
    outcome_of,
)
from bot_runtime.evaluation.tradable_share import TradingRecord
from bot_runtime.learning.choice import Choice
from bot_runtime.learning.curve import LearningCurve
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.objectives import RULES
from bot_runtime.learning.refit import Compared
from bot_runtime.serving.predictions import Predictions, columns_of
from bot_runtime.serving.version import ServedVersion
from bot_runtime.store.bundle import RiskScale
from bot_runtime.trading.account import Account
from bot_runtime.trading.performance import Performance

IMPORTANCE_ROWS = 256
"""Rows that a feature's importance is measured on: a sequence model reads a window for each."""


class Champion(NamedTuple):
    """A version that has served, and what its predictions of the last month were worth."""

    version: str
    skill: LiveSkill


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Everything that stands in a report.

    Attributes:
        rows: the unseen rows, sorted by time; `served` and `adapted` are the predictions there,
            before and after their bands adapt.
        frontier: what other thresholds would have traded and earned there.
        learning: by objective and algorithm, how each candidate was fitted.
        importance: by objective and feature, the share by which the loss grows without it.
        refits: what is served beside what was judged, by objective; none where that is the same.
        champion: the version that served before, and what its predictions were worth of late.
    """

    result: EvaluationResult
    reasons: tuple[str, ...]
    duels: tuple[Duel, ...]
    choices: dict[Objective, Choice]
    tables: dict[Objective, Table]
    record: TradingRecord
    account: Account
    performance: Performance
    frontier: Frontier
    data: TrainingData
    rows: Rows
    served: Predictions
    adapted: Predictions
    learning: dict[Objective, dict[str, LearningCurve]]
    importance: dict[Objective, dict[str, float]]
    refits: tuple[Compared, ...] = ()
    champion: Champion | None = None

    def losses(self, objective: Objective) -> dict[str, Values]:
        """Return each forecaster's loss at every row, (n,), the model's first."""
        columns = columns_of(self.adapted, objective)
        forecasts = forecasts_of(objective, columns, self.data, self.rows)
        return losses_of(objective, forecasts, outcome_of(objective, self.data, self.rows))


def permutation_importance(
    version: ServedVersion, data: TrainingData, rows: Rows
) -> dict[Objective, dict[str, float]]:
    """Return by which share each objective's loss grows when a feature's values are shuffled.

    Breiman, Random Forests (2001); the same for every kind of model, on at most IMPORTANCE_ROWS of
    `rows`. Near 0 or below: the feature was not needed there. Risk's loss is that of the learned
    forecast before it is mixed: HAR reads no feature, and a weight costs 12 more windows a row.
    """
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), IMPORTANCE_ROWS)).astype(int)]
    features = data.features.copy()
    whole = np.flatnonzero(np.isfinite(features).all(axis=1))
    shuffled = np.random.default_rng(0).permutation(whole)
    before = _mean_losses(version, data, rows, features)
    found: dict[Objective, dict[str, float]] = {o: {} for o in OBJECTIVES}
    for i, name in enumerate(version.manifest.inputs.features):
        features[whole, i] = data.features[shuffled, i]
        after = _mean_losses(version, data, rows, features)
        features[whole, i] = data.features[whole, i]
        for objective in OBJECTIVES:
            found[objective][name] = growth(before[objective], after[objective])
    return found


def growth(before: float, after: float) -> float:
    """Return by which share of its size a loss grew; 0 where there is none to grow from.

    The loss of a constant price is 0, and one with a logarithm in it may be below.
    """
    return (after - before) / abs(before) if before else 0.0


def _mean_losses(
    version: ServedVersion, data: TrainingData, rows: Rows, features: Values
) -> dict[Objective, float]:
    means: dict[Objective, float] = {}
    for part in version.manifest.objectives:
        objective, calibration = part.objective, part.calibration
        if isinstance(calibration, RiskScale):
            calibration = calibration.model_copy(update={"combination": None})
        raw = version.raw(objective, features)
        columns = RULES[objective].finish(raw, calibration, data, rows)
        own = {MODEL: forecast_of(objective, columns)}
        loss = losses_of(objective, own, outcome_of(objective, data, rows))[MODEL]
        means[objective] = float(np.mean(loss))
    return means
