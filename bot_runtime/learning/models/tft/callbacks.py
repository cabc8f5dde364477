"""What happens between the steps of a fit: best weights, lines of progress."""

import math
import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from bot_runtime.learning.models.forecaster import Epoch, Progress
from bot_runtime.learning.models.tft.schedule import Schedule

SECONDS_BETWEEN_LINES = 10.0


class BestWeights(Callback):
    """Keeps the weights of the epoch with the lowest validation loss, in memory."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.epochs = 0
        """How many the best weights have seen."""
        self.weights: dict[str, Tensor] | None = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare and keep."""
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self.loss:
            self.loss = loss
            self.epochs = trainer.current_epoch + 1
            self.weights = {k: v.clone() for k, v in pl_module.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        return {"loss": self.loss, "epochs": self.epochs, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.loss, self.epochs = state_dict["loss"], state_dict["epochs"]
        self.weights = state_dict["weights"]


class ProgressLines(Callback):
    """Tells epoch, losses, samples per second and the time left."""

    def __init__(self, schedule: Schedule, epochs: int, progress: Progress) -> None:
        self._schedule = schedule
        self._epochs = epochs
        self._progress = progress
        self._started = self._told = time.monotonic()
        self._first_step = 0
        self._loss: Tensor | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember where this process begins: a fit that is taken up again is some steps in."""
        del pl_module
        self._started = self._told = time.monotonic()
        self._first_step = trainer.global_step
        if self._first_step:
            done, epochs = trainer.current_epoch, self._epochs
            message = f"epoch {done} of {epochs}: taken up where it was interrupted"
            self._progress(self._share(trainer), message, Epoch(done, epochs))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Tell within a long epoch, every few seconds."""
        del pl_module
        self._loss = outputs["loss"]
        if time.monotonic() - self._told > SECONDS_BETWEEN_LINES:
            self._tell(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell at the end of every epoch, with its validation loss."""
        del pl_module
        self._tell(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell at the end of an epoch that nothing is held back from."""
        del pl_module
        if not trainer.enable_validation:
            self._tell(trainer)

    def _tell(self, trainer: Trainer) -> None:
        self._told = time.monotonic()
        steps, total = trainer.global_step, self._schedule.steps * self._epochs
        pace = (steps - self._first_step) / max(self._told - self._started, 1e-9)
        held = trainer.callback_metrics.get("val_loss")
        epoch = Epoch(
            trainer.current_epoch + 1,
            self._epochs,
            loss=None if self._loss is None else float(self._loss),
            validation_loss=None if held is None else float(held),
            samples_per_second=pace * self._schedule.batch_size,
        )
        losses = {"loss": epoch.loss, "validation loss": epoch.validation_loss}
        known = ", ".join(
            f"{name} {value:.5f}" for name, value in losses.items() if value is not None
        )
        self._progress(
            self._share(trainer),
            f"epoch {epoch.number} of {epoch.most}: {known}, {epoch.samples_per_second:.0f} "
            f"samples/s, {(total - steps) / pace if pace else math.inf:.0f} s left at most",
            epoch,
        )

    def _share(self, trainer: Trainer) -> float:
        return trainer.global_step / (self._schedule.steps * self._epochs)
