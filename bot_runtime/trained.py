"""What a training step left in the store beside an objective's model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bot_runtime.arrays import Columns
from bot_runtime.choice import Choice
from bot_runtime.contract.results import ObjectiveResult
from bot_runtime.errors import ArtifactInvalidError
from bot_runtime.learning import LearningCurve
from bot_runtime.store import load_json
from bot_runtime.train import NATIVE_FILE, SCORES_FILE, load_columns


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One objective's training.

    Attributes:
        result: what the step reported.
        choice: how its candidate was chosen.
        learning: by algorithm, how each candidate was fitted.
        native: the chosen model's own predictions of the unseen rows, by column.
    """

    result: ObjectiveResult
    choice: Choice
    learning: dict[str, LearningCurve]
    native: Columns

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what lies in an objective's folder; raises ArtifactInvalidError."""
        return cls(
            result=ObjectiveResult.model_validate(_part(folder, "result")),
            choice=Choice.from_json(_part(folder, "choice")),
            learning={
                algorithm: LearningCurve.from_json(details["learning"])
                for algorithm, details in _part(folder, "candidates").items()
            },
            native=load_columns(folder / NATIVE_FILE),
        )


def _part(folder: Path, name: str) -> dict[str, Any]:
    found = load_json(folder / SCORES_FILE).get(name)
    if not isinstance(found, dict):
        raise ArtifactInvalidError(f"{folder.name}/{SCORES_FILE}: has no {name}; train again")
    return found
