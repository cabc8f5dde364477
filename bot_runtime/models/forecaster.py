"""The protocol that every candidate algorithm keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from bot_runtime.contract.spec import ModelSpec, Objective

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Epoch = tuple[int, int]
"""Epoch, or boosting round, that is under way, and how many there are at most."""
Progress = Callable[[float, str, Epoch], None]
"""Told the share of the fit that is done, from 0 to 1, what is going on, and the epoch."""

OUTPUTS: dict[Objective, int] = {"Trend": 1, "Return": 3, "Risk": 1}
"""Columns of raw output; `outputs` has their meaning."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a fit of many minutes may leave its state, to be taken up after an interruption.

    Attributes:
        path: the file; there is none before the first state is written.
        key: of what is learned from which rows by which code; a state of another key is not taken.
    """

    path: Path
    key: str

    def of(self, name: str) -> "Checkpoint":
        """Return that of one of several fits, in the folder `path`."""
        return Checkpoint(self.path / name, f"{self.key} {name}")


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What there is to learn.

    Attributes:
        features: (N, F), finite wherever a window of `fit` or `selection` looks.
        target: (N,), what `labels.to_target` gives; finite at these rows.
        fit: rows to fit to.
        selection: later rows, to stop early on.
        threads: how many threads may compute.
        checkpoint: None where an interrupted fit begins anew.
    """

    objective: Objective
    features: Values
    target: Values
    fit: Rows
    selection: Rows
    spec: ModelSpec
    threads: int
    progress: Progress
    checkpoint: Checkpoint | None = None


class Forecaster(Protocol):
    """A candidate that was fitted to one objective."""

    @classmethod
    def window_of(cls, spec: ModelSpec) -> int:
        """Return how many feature rows a prediction reads, its own included."""

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Return a model fitted to the task; the same task gives the same model."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what `save` wrote; loads no pickle."""

    def save(self, folder: Path) -> None:
        """Write the model as numbers and text into an existing empty folder."""

    def raw(self, features: Values, rows: Rows) -> Values:
        """Return raw outputs (len(rows), outputs) by the algorithm's own library."""

    def export(self, folder: Path, stem: str) -> tuple[str, ...]:
        """Write ONNX graphs by the bundle's format into `folder`; return their file names."""
