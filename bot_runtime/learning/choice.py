"""Which candidate of an objective is taken, by how much, and how likely that was luck."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bot_runtime.contract.spec import Algorithm
from bot_runtime.learning.candidate import Candidate
from bot_runtime.process.errors import ModelUnfitError
from bot_runtime.scoring.overfitting import probability_of_overfitting


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice by the mean loss on the selection slice.

    Attributes:
        taken: the candidate with the lowest loss of those that can be served as trained.
        losses: every candidate's mean loss.
        dropped: why a candidate could not be taken.
        lead: share of its loss by which the next best's is higher; NaN where there is none.
        overfitting: how likely the choice would not hold elsewhere, 0.5 for pure luck; NaN where
            there was nothing to choose from.
    """

    taken: Algorithm
    losses: dict[str, float]
    dropped: dict[str, str]
    lead: float
    overfitting: float

    def to_json(self) -> dict[str, Any]:
        """Return it with its numbers as text of six significant digits."""
        return {
            "taken": self.taken,
            "losses": {algorithm: f"{loss:.6g}" for algorithm, loss in self.losses.items()},
            "dropped": self.dropped,
            "lead": f"{self.lead:.6g}",
            "probabilityOfOverfitting": f"{self.overfitting:.6g}",
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what `to_json` gave."""
        return cls(
            taken=found["taken"],
            losses={algorithm: float(loss) for algorithm, loss in found["losses"].items()},
            dropped=dict(found["dropped"]),
            lead=float(found["lead"]),
            overfitting=float(found["probabilityOfOverfitting"]),
        )


def choose(
    candidates: Mapping[Algorithm, Candidate], diverged: Mapping[Algorithm, str] | None = None
) -> Choice:
    """Return which candidate is taken; `diverged` are those that there is nothing of to compare.

    Raises ModelUnfitError with every candidate's reason where none can be.
    """
    dropped: dict[str, str] = dict((diverged or {}).items())
    losses: dict[str, float] = dict.fromkeys(dropped, math.nan)
    losses |= {algorithm: candidate.loss for algorithm, candidate in candidates.items()}
    for algorithm, candidate in candidates.items():
        if candidate.dropped is not None:
            dropped[algorithm] = f"its graph differs from it: {candidate.dropped}"
        elif not np.isfinite(candidate.loss):
            dropped[algorithm] = f"its selection loss is {candidate.loss}"
    fit = sorted((c.loss, a) for a, c in candidates.items() if a not in dropped)
    if not fit:
        reasons = "; ".join(f"{algorithm}: {reason}" for algorithm, reason in dropped.items())
        raise ModelUnfitError(f"no candidate can be served as it was trained: {reasons}")
    performance = -np.column_stack([candidates[algorithm].losses for _, algorithm in fit])
    return Choice(
        taken=fit[0][1],
        losses=losses,
        dropped=dropped,
        lead=(fit[1][0] - fit[0][0]) / abs(fit[0][0]) if fit[1:] and fit[0][0] else float("nan"),
        overfitting=probability_of_overfitting(performance),
    )
