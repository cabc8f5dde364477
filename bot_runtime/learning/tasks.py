"""What a model has to learn of a training's rows, and where it may leave how far it has come."""

from dataclasses import replace

from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.runconfig import RunConfiguration, learned_digest
from bot_runtime.contract.spec import ModelSpec, Objective
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.labels import to_target
from bot_runtime.learning.models.forecaster import Checkpoint, Task
from bot_runtime.process.config import training_of
from bot_runtime.process.git import git_commit
from bot_runtime.process.threads import cpu_count
from bot_runtime.store.files import sha256_of
from bot_runtime.store.layout import Store


def task_of(objective: Objective, data: TrainingData, spec: ModelSpec, threads: int) -> Task:
    """Return what a candidate has to learn; nobody is told how far it is, and nothing is kept."""
    return Task(
        objective=objective,
        features=data.features,
        target=to_target(objective, data.labels, data.volatility, data.horizon_steps),
        fit=data.splits.fit,
        selection=data.splits.selection,
        spec=spec,
        threads=threads,
        progress=lambda _share, _message, _epoch: None,
        weight=data.weight,
    )


def task_of_training(
    configuration: RunConfiguration, objective: Objective, data: TrainingData, store: Store
) -> Task:
    """Return what every candidate has to learn; its checkpoint is a folder with a file for each.

    The key of a checkpoint holds all that a fit depends on, the code included: an attempt of
    another release begins anew.
    """
    name = training_of(configuration).name
    learned = {
        "learned": learned_digest(configuration),
        "candles": sha256_of(store.dataset(name)),
        "code": git_commit(),
    }
    checkpoint = Checkpoint(store.checkpoints(name, objective), digest_of(learned))
    task = task_of(objective, data, configuration.model, cpu_count())
    return replace(task, checkpoint=checkpoint)
