"""The training step of one objective: train every candidate, publish the better one.

objectives/<Objective>/manifest.json, graphs      what evaluation assembles
                       scores.json                scores, metrics, forecasts, reasons
                       fit.json                   how long its fit took
                       native.npz                 the trained model's own test predictions
                       candidates/<Algorithm>/    every candidate's model as it was loaded
checkpoints/<Objective>/<Algorithm>               how far a fit was, until its step has ended
"""

import dataclasses
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from bot_runtime.arrays import Columns
from bot_runtime.contract.progress import seconds_left
from bot_runtime.contract.results import ObjectiveResult, to_text
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import Algorithm, Objective
from bot_runtime.evaluation.score_tables import measure
from bot_runtime.learning.candidate import Candidate, train_candidate
from bot_runtime.learning.choice import Choice, choose
from bot_runtime.learning.datasets import TrainingData, inputs_of, load_training_data
from bot_runtime.learning.models.forecaster import Epoch, Progress, Task
from bot_runtime.learning.models.registry import check_installed
from bot_runtime.learning.tasks import task_of_training
from bot_runtime.learning.trained import FIT_FILE, NATIVE_FILE, SCORES_FILE, save_columns
from bot_runtime.process.config import training_of
from bot_runtime.process.errors import ModelUnfitError
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.bundle import MANIFEST_FILE, Inputs
from bot_runtime.store.files import new_directory, save_json
from bot_runtime.store.layout import Store


def train(
    configuration: RunConfiguration, objective: Objective, store: Store, reporter: Reporter
) -> ObjectiveResult:
    """Train, choose, calibrate, measure and publish one objective; return what came out.

    Raises ModelUnfitError where no candidate is served as it was trained, and ConfigurationError
    where a candidate's library is not installed.
    """
    check_installed(configuration.model.candidates)
    data = load_training_data(configuration, store)
    reporter.log(
        "training data",
        **{name: len(getattr(data.splits, name)) for name in data.splits.__slots__},
    )
    task = task_of_training(configuration, objective, data, store)
    published = store.objective(training_of(configuration).name, objective)
    with new_directory(published, keep_existing=False) as folder:
        candidates, diverged = _train_all(task, inputs_of(configuration), data, folder, reporter)
        choice = choose(candidates, diverged)
        for algorithm, reason in choice.dropped.items():
            reporter.warn(f"{algorithm} dropped, {reason}")
        result = publish(choice, candidates, data, folder)
    shutil.rmtree(store.checkpoints(training_of(configuration).name, objective), ignore_errors=True)
    return result


def _train_all(
    task: Task, inputs: Inputs, data: TrainingData, folder: Path, reporter: Reporter
) -> tuple[dict[Algorithm, Candidate], dict[Algorithm, str]]:
    """Return the candidates that can be compared, and why the others cannot."""
    algorithms = task.spec.candidates
    candidates: dict[Algorithm, Candidate] = {}
    diverged: dict[Algorithm, str] = {}
    for i, algorithm in enumerate(algorithms):
        own_task = dataclasses.replace(
            task,
            progress=_telling(reporter, algorithm, i, len(algorithms)),
            checkpoint=task.checkpoint and task.checkpoint.of(algorithm),
        )
        reporter.progress(i / len(algorithms), f"{algorithm}: started")
        own = folder / "candidates" / algorithm
        own.mkdir(parents=True)
        try:
            candidates[algorithm] = train_candidate(algorithm, own_task, data, inputs, own)
            told = f"selection loss {candidates[algorithm].loss:.6g}"
        except ModelUnfitError as e:
            told = diverged[algorithm] = str(e)
        reporter.progress((i + 1) / len(algorithms), f"{algorithm}: {told}")
    return candidates, diverged


def _telling(reporter: Reporter, algorithm: Algorithm, i: int, candidates: int) -> Progress:
    """Return what tells of the fit of the i-th candidate.

    The time left is at this candidate's own pace, as if those after it took as long: one kind of
    model says nothing of how fast the one before it was.
    """
    began = time.monotonic()

    def tell(share: float, message: str, epoch: Epoch) -> None:
        elapsed = time.monotonic() - began
        left = seconds_left(elapsed, share / (candidates - i)) if share else None
        reporter.progress(
            (i + share) / candidates,
            f"{algorithm}: {message}",
            epoch=epoch.number,
            epochs=epoch.most,
            loss=_told(epoch.loss),
            validation_loss=_told(epoch.validation_loss),
            samples_per_second=_told(epoch.samples_per_second),
            eta_seconds=left,
        )

    return tell


def _told(value: float | None) -> float | None:
    """Return a number as a log line has it, None for what is none: a line of NaN is not JSON."""
    return float(f"{value:.6g}") if value is not None and np.isfinite(value) else None


def publish(
    choice: Choice, candidates: dict[Algorithm, Candidate], data: TrainingData, folder: Path
) -> ObjectiveResult:
    """Write the objective's files of the chosen candidate into `folder` and return its result."""
    best = candidates[choice.taken]
    manifest = best.manifest
    for graph in manifest.graphs:
        shutil.copyfile(best.folder / graph.file, folder / graph.file)
    save_columns(folder / NATIVE_FILE, best.native)
    metrics = measure(manifest.objective, best.served, data, data.splits.test)
    result = ObjectiveResult(
        objective=manifest.objective,
        algorithm=manifest.algorithm,
        scores=to_text(choice.losses),
        metrics=to_text(metrics),
        artifact_sha256=manifest.digest,
    )
    details = {
        "result": result.to_json(),
        "choice": choice.to_json(),
        "candidates": {a: _details_of(c, data) for a, c in candidates.items()},
        "metricsBySymbol": _by_symbol(best, data),
    }
    save_json(folder / SCORES_FILE, details)
    save_json(folder / FIT_FILE, {"seconds": best.fit_seconds})
    save_json(folder / MANIFEST_FILE, manifest.to_json())
    return result


def _details_of(candidate: Candidate, data: TrainingData) -> dict[str, Any]:
    symbols = [data.symbols[data.symbol[row]] for row in data.newest]
    return {
        "learning": candidate.learning.to_json(),
        "forecast": {
            symbol: to_text({name: float(v[i]) for name, v in candidate.forecast.items()})
            for i, symbol in enumerate(symbols)
        },
    }


def _by_symbol(best: Candidate, data: TrainingData) -> dict[str, dict[str, str]]:
    rows = data.splits.test
    return {
        symbol: to_text(measure(best.manifest.objective, _at(best.served, own), data, rows[own]))
        for i, symbol in enumerate(data.symbols)
        if (own := data.symbol[rows] == i).any()
    }


def _at(columns: Columns, rows: Any) -> Columns:
    return {name: values[rows] for name, values in columns.items()}
