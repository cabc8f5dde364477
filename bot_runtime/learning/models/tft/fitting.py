"""Fit a Temporal Fusion Transformer with lightning: batches, losses, and what lightning is told."""

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name in torch's own documentation
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor

from bot_runtime.arrays import Rows
from bot_runtime.contract.spec import Objective
from bot_runtime.learning.models.forecaster import Task
from bot_runtime.learning.models.tft.callbacks import BestWeights, ProgressLines
from bot_runtime.learning.models.tft.checkpoint import Checkpoints, find_checkpoint
from bot_runtime.learning.models.tft.network import WindowNetwork
from bot_runtime.learning.models.tft.schedule import Schedule
from bot_runtime.scoring.scores import QUANTILES

PATIENCE_EPOCHS = 3
LARGEST_GRADIENT = 1.0
VALIDATION_ROWS = 512

Batch = tuple[Tensor, Tensor, Tensor]
"""Windows, targets, and how much each row counts."""


def loss_of(objective: Objective, raw: Tensor, target: Tensor) -> Tensor:
    """Return the loss of each row (n,) of raw outputs (n, outputs).

    Trend: log loss of the log odds. Return: pinball loss of the quantiles. Risk: gamma deviance
    under a logarithmic link, which is QLIKE but for a constant.
    """
    if objective == "Trend":
        return F.binary_cross_entropy_with_logits(raw[:, 0], target, reduction="none")
    if objective == "Return":
        error = target[:, None] - raw
        levels = torch.tensor(QUANTILES)
        return torch.maximum(levels * error, (levels - 1) * error).mean(1)
    return target * torch.exp(-raw[:, 0]) + raw[:, 0]


class Lesson(LightningModule):
    """What lightning is told: the network, its loss, and how its learning rate moves."""

    def __init__(self, network: WindowNetwork, schedule: Schedule) -> None:
        super().__init__()
        self.network = network
        self.schedule = schedule
        self._objective = network.shape.objective
        self._held: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's dropout from a seed of its own."""
        torch.manual_seed(self.schedule.seed_of(self.current_epoch))

    def training_step(self, batch: Batch) -> Tensor:
        """Return the weighted mean loss of a batch."""
        return (self._losses(batch) * batch[2]).mean()

    def validation_step(self, batch: Batch) -> None:
        """Keep the losses of a part of the selection rows."""
        self._held.append(self._losses(batch))

    def on_validation_epoch_end(self) -> None:
        """Tell the mean loss of the selection rows."""
        self.log("val_loss", torch.cat(self._held).mean())
        self._held.clear()

    def configure_optimizers(self) -> Any:
        """Return Adam under the schedule's pace."""
        adam = torch.optim.Adam(self.parameters(), lr=self.schedule.learning_rate, fused=True)
        paced = torch.optim.lr_scheduler.LambdaLR(adam, self.schedule.pace)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": paced, "interval": "step"}}

    def _losses(self, batch: Batch) -> Tensor:
        windows, target, _ = batch
        return loss_of(self._objective, self.network(windows), target)


class Batches:
    """Windows and targets of rows, gathered when they are asked for: shuffled, or all in order.

    The windows of all rows would be encoder_length times as large as the features.
    """

    def __init__(self, features: Tensor, task: Task, rows: Rows, schedule: Schedule) -> None:
        self._features = features
        self._target = torch.as_tensor(task.target[rows], dtype=torch.float32)
        weight = np.ones(len(rows)) if task.weight is None else task.weight[rows]
        self._weight = torch.as_tensor(weight, dtype=torch.float32)
        self._rows = torch.as_tensor(rows)
        self._offsets = torch.arange(1 - task.spec.encoder_length, 1)
        self._schedule = schedule

    def shuffled(self, epoch: Callable[[], int]) -> Iterator[Batch]:
        """Give one epoch's batches, in an order of its own.

        Lightning asks for the iterator before it knows which epoch it takes up: only when it takes
        the first batch does `epoch` tell.
        """
        generator = torch.Generator().manual_seed(self._schedule.seed_of(epoch()))
        order = torch.randperm(len(self._rows), generator=generator)
        for part in torch.split(order, self._schedule.batch_size)[: self._schedule.steps]:
            yield self._batch(part)

    @property
    def parts_in_order(self) -> int:
        """Return how many batches `in_order` gives."""
        return math.ceil(len(self._rows) / VALIDATION_ROWS)

    def in_order(self) -> Iterator[Batch]:
        """Give every row once."""
        for part in torch.split(torch.arange(len(self._rows)), VALIDATION_ROWS):
            yield self._batch(part)

    def _batch(self, positions: Tensor) -> Batch:
        windows = self._features[self._rows[positions][:, None] + self._offsets]
        return windows.flatten(1), self._target[positions], self._weight[positions]


@dataclass(frozen=True, slots=True)
class _Epochs:
    """An iterable that starts anew for every epoch, as lightning asks of a data loader."""

    start: Any
    length: int

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.start())

    def __len__(self) -> int:
        return self.length


def fit_network(
    network: WindowNetwork, task: Task, schedule: Schedule, epochs: int | None = None
) -> int:
    """Fit in place, deterministic on one machine; return how many epochs the weights have seen.

    These are the weights of the best epoch by the selection rows; with `epochs`, of that one: the
    learning rate moves as if all of the schedule came. Goes on after the last complete epoch of the
    task's checkpoint, where there is one.
    """
    features = torch.as_tensor(task.features, dtype=torch.float32)
    train = Batches(features, task, task.fit, schedule)
    held = Batches(features, task, task.selection, schedule)
    lesson, best = Lesson(network, schedule), BestWeights()
    callbacks: list[Callback] = [ProgressLines(schedule, epochs or schedule.epochs, task.progress)]
    if epochs is None:
        # At the end of validation, so that the epoch's checkpoint knows of it.
        stop = EarlyStopping("val_loss", patience=PATIENCE_EPOCHS, check_on_train_epoch_end=False)
        callbacks = [best, *callbacks, stop]
    if task.checkpoint is not None:
        callbacks.append(Checkpoints(task.checkpoint))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lightning's advice on loaders with several workers
        _trainer(epochs or schedule.epochs, callbacks).fit(
            lesson,
            _Epochs(lambda: train.shuffled(lambda: lesson.current_epoch), schedule.steps),
            None if epochs else _Epochs(held.in_order, held.parts_in_order),
            ckpt_path=find_checkpoint(task.checkpoint),
            weights_only=True,
        )
    if epochs is not None:
        return epochs
    if best.weights is not None:
        lesson.load_state_dict(best.weights)
    return best.epochs


def _trainer(epochs: int, callbacks: list[Callback]) -> Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    return Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        deterministic=True,
        gradient_clip_val=LARGEST_GRADIENT,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
    )
