"""What a training step left in the store beside an objective's model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np

from bot_runtime.arrays import Columns, Values
from bot_runtime.contract.results import ObjectiveResult
from bot_runtime.learning.choice import Choice
from bot_runtime.learning.curve import LearningCurve
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json

FIT_FILE = "fit.json"
"""Apart from the scores: a repeated step takes another time, and ends with the same of these."""
NATIVE_FILE = "native.npz"
SCORES_FILE = "scores.json"


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One objective's training.

    Attributes:
        result: what the step reported.
        choice: how its candidate was chosen.
        learning: by algorithm, how each candidate was fitted.
        native: the chosen model's own predictions of the unseen rows, by column.
        fit_seconds: how long the chosen candidate's fit took; None where nobody noted it.
    """

    result: ObjectiveResult
    choice: Choice
    learning: dict[str, LearningCurve]
    native: Columns
    fit_seconds: float | None

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
            fit_seconds=_fit_seconds(folder),
        )


def _part(folder: Path, name: str) -> dict[str, Any]:
    found = load_json(folder / SCORES_FILE).get(name)
    if not isinstance(found, dict):
        raise ArtifactInvalidError(f"{folder.name}/{SCORES_FILE}: has no {name}; train again")
    return found


def _fit_seconds(folder: Path) -> float | None:
    """Return what was noted, None where nothing was: by an earlier release."""
    path = folder / FIT_FILE
    found = load_json(path).get("seconds") if path.is_file() else None
    return float(found) if isinstance(found, int | float) else None


def load_columns(path: Path) -> dict[str, Values]:
    """Return the named arrays that `save_columns` wrote; raises ArtifactInvalidError."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile) as e:
        raise ArtifactInvalidError(f"{path.parent.name}/{path.name}: {e}; train again") from e


def save_columns(path: Path, columns: Columns) -> None:
    """Write named arrays, as numpy's own archive."""
    with path.open("wb") as file:
        np.savez(file, **columns)  # type: ignore[arg-type]  # its stub takes them for allow_pickle
