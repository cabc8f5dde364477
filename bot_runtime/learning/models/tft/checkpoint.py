"""Checkpoints of a fit: after every epoch its whole state, so that an evicted pod's work goes on.

Lightning's own checkpoint (weights, optimiser, schedule, early stopping, loops) with the best
weights so far. It is written beside its place and renamed, and read without unpickling objects.
An epoch draws its random numbers from a seed of its own, so there is no state of them to keep, and
a fit that was taken up again ends with the same weights as one that never stopped.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from bot_runtime.learning.models.forecaster import Checkpoint
from bot_runtime.store.files import new_file

_KEY = "fit"
"""Name in the file of what was being fitted."""


@dataclass(slots=True)
class Checkpoints(Callback):
    """Writes the state at the end of every epoch; the last of the callbacks, so it has all."""

    checkpoint: Checkpoint
    ended: bool = False
    """Whether the fit ended by itself with this epoch: what remains is to use it."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fit no further what had stopped early before it was interrupted."""
        del pl_module
        trainer.should_stop = self.ended

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file; raises StoreUnavailableError."""
        del pl_module
        self.ended = trainer.should_stop
        with new_file(self.checkpoint.path) as temporary:
            trainer.save_checkpoint(temporary)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what is being fitted."""
        del trainer, pl_module
        checkpoint[_KEY] = key_of(self.checkpoint)

    def state_dict(self) -> dict[str, Any]:
        """Return what lightning keeps of this callback."""
        return {"ended": self.ended}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.ended = bool(state_dict["ended"])


def key_of(checkpoint: Checkpoint) -> str:
    """Return what a file has to be of: the same fit by the same torch."""
    return f"{checkpoint.key} torch {torch.__version__}"


def find_checkpoint(checkpoint: Checkpoint | None) -> Path | None:
    """Return the file of the fit's last complete epoch, None where there is none to go on from.

    One that cannot be read, or is of another fit, is left for the next epoch to replace.
    """
    if checkpoint is None or not checkpoint.path.exists():
        return None
    try:
        found = torch.load(checkpoint.path, map_location="cpu", weights_only=True)
        if found.get(_KEY) == key_of(checkpoint):
            return checkpoint.path
        reason = "it is of another fit"
    except Exception as e:  # noqa: BLE001 - a broken archive raises what zip, pickle or torch raise
        reason = type(e).__name__
    logging.getLogger(__name__).warning("%s: %s: starting anew", checkpoint.path.name, reason)
    return None
