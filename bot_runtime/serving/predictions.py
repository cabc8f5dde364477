"""What the three models of a version say, of one row and of many."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from bot_runtime.arrays import Columns, Rows, Values
from bot_runtime.contract.spec import Objective


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the three models say at one closed candle.

    Returns are simple returns over the horizon (0.01 = 1 %), p10 <= p50 <= p90; `risk_score` is
    the share of training-window rows with a lower predicted risk, `volatility` one candle's,
    predicted.
    """

    prob_up: float
    p10: float
    p50: float
    p90: float
    risk_score: float
    volatility: float


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions of many rows, every column (n,)."""

    prob_up: Values
    p10: Values
    p50: Values
    p90: Values
    risk_score: Values
    volatility: Values

    def __len__(self) -> int:
        return len(self.prob_up)

    def __getitem__(self, row: int) -> Prediction:
        return Prediction(*(float(getattr(self, name)[row]) for name in PREDICTED))

    def at(self, rows: Rows | slice) -> "Predictions":
        """Return the predictions of some rows."""
        return Predictions(*(getattr(self, name)[rows] for name in PREDICTED))

    @classmethod
    def none(cls) -> "Predictions":
        """Return the predictions of no row."""
        return cls(*(np.empty(0) for _ in PREDICTED))

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """Return the predictions of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in PREDICTED))

    def with_band(self, p10: Values, p90: Values) -> "Predictions":
        """Return the predictions with another band (n,)."""
        return replace(self, p10=p10, p90=p90)

    @classmethod
    def of(cls, prediction: Prediction) -> "Predictions":
        """Return one prediction as columns of one row."""
        return cls(*(np.array([getattr(prediction, name)]) for name in PREDICTED))


_OF_OBJECTIVE: dict[Objective, tuple[str, ...]] = {
    "Trend": ("prob_up",),
    "Return": ("p10", "p50", "p90"),
    "Risk": ("volatility", "risk_score"),
}


def columns_of(predictions: Predictions, objective: Objective) -> Columns:
    """Return one objective's part of predictions."""
    return {name: getattr(predictions, name) for name in _OF_OBJECTIVE[objective]}


PREDICTED = tuple(field.name for field in fields(Prediction))
"""The columns of predictions."""
