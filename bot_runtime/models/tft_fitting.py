"""Fit a Temporal Fusion Transformer with lightning: batches, schedule, progress, best weights."""

import copy
import logging
import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from pytorch_forecasting.models import TemporalFusionTransformer
from torch import Tensor

from bot_runtime.contract.spec import TemporalFusionTransformerSpec
from bot_runtime.models.forecaster import Progress, Rows, Task

PATIENCE_EPOCHS = 3
LARGEST_GRADIENT = 1.0
VALIDATION_ROWS = 512
SECONDS_BETWEEN_LINES = 10.0

Batch = tuple[dict[str, Tensor], tuple[Tensor, None]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn."""

    epochs: int
    steps: int
    batch_size: int
    learning_rate: float
    seed: int

    @classmethod
    def of(cls, spec: TemporalFusionTransformerSpec, rows: int, seed: int) -> Self:
        """Return the schedule of a specification on so many rows."""
        steps = min(spec.max_steps_per_epoch, max(1, math.ceil(rows / spec.batch_size)))
        return cls(spec.max_epochs, steps, spec.batch_size, spec.learning_rate, seed)


class ScheduledNetwork(TemporalFusionTransformer):  # type: ignore[misc]  # the library ships no types
    """The library's network; its learning rate rises to the largest one and falls to none."""

    largest_learning_rate = 1e-3

    def configure_optimizers(self) -> dict[str, Any]:
        """Return Adam under the one-cycle policy (Smith, Topin, 2018): few epochs are enough."""
        adam = torch.optim.Adam(self.parameters(), lr=self.largest_learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            adam,
            self.largest_learning_rate,
            total_steps=self.trainer.estimated_stepping_batches,
            pct_start=0.1,
            div_factor=4.0,
            final_div_factor=25.0,
        )
        return {"optimizer": adam, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


class Windowed(Protocol):
    """The part of WindowNetwork that fitting needs."""

    network: ScheduledNetwork

    def to_batch(self, windows: Tensor) -> dict[str, Tensor]:
        """Return the library's input of flat windows."""


class Batches:
    """Windows and targets of rows, gathered when they are asked for: shuffled, or all in order.

    The windows of all rows would be encoder_length times as large as the features.
    """

    def __init__(self, network: Windowed, task: Task, rows: Rows, schedule: Schedule) -> None:
        self._network = network
        self._features = torch.as_tensor(task.features, dtype=torch.float32)
        target = torch.as_tensor(task.target[rows])
        self._target = target.long() if task.objective == "Trend" else target.float()
        self._rows = torch.as_tensor(rows)
        self._offsets = torch.arange(1 - task.spec.encoder_length, 1)
        self._schedule = schedule
        self._generator = torch.Generator().manual_seed(schedule.seed)

    def shuffled(self) -> Iterator[Batch]:
        """Give one epoch's batches: a new order each time, the same for the same seed."""
        order = torch.randperm(len(self._rows), generator=self._generator)
        for part in torch.split(order, self._schedule.batch_size)[: self._schedule.steps]:
            yield self._batch(part)

    def in_order(self) -> Iterator[Batch]:
        """Give every row once."""
        for part in torch.split(torch.arange(len(self._rows)), VALIDATION_ROWS):
            yield self._batch(part)

    def _batch(self, positions: Tensor) -> Batch:
        windows = self._features[self._rows[positions][:, None] + self._offsets]
        batch = self._network.to_batch(windows.flatten(1))
        return batch, (self._target[positions][:, None], None)


@dataclass(frozen=True, slots=True)
class _Epochs:
    """An iterable that starts anew for every epoch, as lightning asks of a data loader."""

    start: Any
    length: int

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.start())

    def __len__(self) -> int:
        return self.length


class BestWeights(Callback):
    """Keeps the weights of the epoch with the lowest validation loss, in memory."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.weights: dict[str, Tensor] | None = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare and keep."""
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self.loss:
            self.loss, self.weights = loss, copy.deepcopy(pl_module.state_dict())


class ProgressLines(Callback):
    """Tells epoch, losses, samples per second and the time left."""

    def __init__(self, schedule: Schedule, progress: Progress) -> None:
        self._schedule = schedule
        self._progress = progress
        self._started = self._told = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Tell within a long epoch, every few seconds."""
        if time.monotonic() - self._told > SECONDS_BETWEEN_LINES:
            self._tell(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell at the end of every epoch."""
        del pl_module
        self._tell(trainer)

    def _tell(self, trainer: Trainer) -> None:
        self._told = time.monotonic()
        elapsed = self._told - self._started
        steps, total = trainer.global_step, self._schedule.steps * self._schedule.epochs
        losses = ", ".join(
            f"{name} {float(trainer.callback_metrics[key]):.5f}"
            for name, key in (("loss", "train_loss_step"), ("validation loss", "val_loss"))
            if key in trainer.callback_metrics
        )
        self._progress(
            steps / total,
            f"epoch {trainer.current_epoch + 1} of {self._schedule.epochs}: {losses}, "
            f"{steps * self._schedule.batch_size / elapsed:.0f} samples/s, "
            f"{elapsed * (total / max(steps, 1) - 1):.0f} s left at most",
            (trainer.current_epoch + 1, self._schedule.epochs),
        )


def fit_network(network: Windowed, task: Task, schedule: Schedule) -> None:
    """Fit in place and leave the weights of the best epoch; deterministic on one machine."""
    best = BestWeights()
    train = Batches(network, task, task.fit, schedule)
    held = Batches(network, task, task.selection, schedule)
    network.network.largest_learning_rate = schedule.learning_rate
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lightning's advice on loaders with several workers
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=schedule.epochs,
            deterministic=True,
            gradient_clip_val=LARGEST_GRADIENT,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[
                best,
                ProgressLines(schedule, task.progress),
                EarlyStopping("val_loss", patience=PATIENCE_EPOCHS),
            ],
        )
        trainer.fit(
            network.network,
            _Epochs(train.shuffled, schedule.steps),
            _Epochs(held.in_order, math.ceil(len(task.selection) / VALIDATION_ROWS)),
        )
    if best.weights is not None:
        network.network.load_state_dict(best.weights)
