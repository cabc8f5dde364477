"""The protocol that every candidate algorithm keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.spec import ModelSpec, Objective
from bot_runtime.process.errors import DataUnusableError


class Epoch(NamedTuple):
    """How a fit stands in an epoch, or boosting round; None is what it does not know."""

    number: int
    most: int
    """How many there are at most: a fit may stop early."""
    loss: float | None = None
    validation_loss: float | None = None
    """Loss on the selection rows, which decides when to stop."""
    samples_per_second: float | None = None
    part: str = ""
    """Which of several fits of one candidate: trees learn every quantile on its own."""


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
        weight: (N,), how much each row counts in the fit; None: all alike.
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
    weight: Values | None = None

    def check(self, window_length: int) -> None:
        """Refuse what no model may learn from: NaN or infinity in a window or a target.

        Raises DataUnusableError that names the slice and the first row.
        """
        broken = np.cumsum(~np.isfinite(self.features).all(axis=1))
        for name, rows in (("fit", self.fit), ("selection", self.selection)):
            before = np.where(rows >= window_length, broken[rows - window_length], 0)
            for what, wrong in (
                ("features", (broken[rows] > before) | (rows < window_length - 1)),
                ("target", ~np.isfinite(self.target[rows])),
            ):
                if wrong.any():
                    raise DataUnusableError(
                        f"{name} slice: {what} of row {rows[wrong][0]}: {int(wrong.sum())} of "
                        f"{len(rows)} rows are not finite; check the candles that they are from"
                    )


class Forecaster(Protocol):
    """A candidate that was fitted to one objective."""

    @classmethod
    def window_of(cls, spec: ModelSpec) -> int:
        """Return how many feature rows a prediction reads, its own included."""

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Return a model fitted to the task; the same task gives the same model.

        Raises DataUnusableError where the task has what is not finite.
        """

    def fit_again(self, task: Task) -> Self:
        """Return a model of the same recipe fitted to other rows, for as many rounds or epochs.

        The selection rows are not read: where to stop is known. Raises what `fit` raises.
        """

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what `save` wrote; loads no pickle."""

    def save(self, folder: Path) -> None:
        """Write the model as numbers and text into an existing empty folder."""

    def raw(self, features: Values, rows: Rows) -> Values:
        """Return raw outputs (len(rows), outputs) by the algorithm's own library.

        Raises ValueError where a row's window holds what is not finite.
        """

    def export(self, folder: Path, stem: str) -> str:
        """Write an ONNX graph by the bundle's format into `folder`; return its file's name."""
