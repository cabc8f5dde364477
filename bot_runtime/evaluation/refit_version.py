"""A version that passed the gate, fitted once more, objective by objective.

    trainings/<name>/refit/<Objective>/manifest.json, graph    a refit that is to be served
                                       compared.json           what it was compared by
                     refit/began                               when the first attempt began

The training's folder keeps them until the evaluation has ended, so that an evicted pod goes on.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.names import ENV_REFIT
from bot_runtime.contract.refitting import Refit
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.references import freeze_naive
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.models.forecaster import Epoch, Progress
from bot_runtime.learning.refit import Compared, Refitted, refit, split
from bot_runtime.learning.tasks import task_of_training
from bot_runtime.learning.trained import Trained
from bot_runtime.process.config import training_of
from bot_runtime.process.errors import ArtifactInvalidError, ModelUnfitError, StepError
from bot_runtime.process.reporting import Reporter
from bot_runtime.process.step_orders import load_order
from bot_runtime.store.bundle import (
    MANIFEST_FILE,
    ObjectiveManifest,
    VersionManifest,
    load_objective,
)
from bot_runtime.store.files import load_json, new_directory, save_json, writing
from bot_runtime.store.layout import Store

COMPARED_FILE: Final = "compared.json"
TIMES_ITS_FIT: Final = 2.0
"""How many times as long as the judged fit a refit may take."""
LEAST_SECONDS: Final = 60.0
"""A fit of seconds is no measure: a busy machine doubles it."""
SHARE_OF_DEADLINE: Final = 0.5
"""Of the evaluation's time; what comes after the refit is quick."""
PROGRESS_FROM: Final = 0.5
PROGRESS_EACH: Final = 0.15
WHY_MAX: Final = 130


@dataclass(frozen=True, slots=True)
class RefitVersion:
    """What is served instead of the judged version.

    Attributes:
        folders: where the graphs of each objective are.
        compared: of the objectives that were fitted once more; the others are as they were judged.
    """

    manifest: VersionManifest
    folders: tuple[Path, ...]
    compared: tuple[Compared, ...]


def load_refit() -> Refit | None:
    """Return whether and how long a promoted version is fitted again; None: it is not."""
    return load_order(ENV_REFIT, Refit)


@dataclass(frozen=True, slots=True)
class Refitting:
    """What a version is fitted again from."""

    configuration: RunConfiguration
    data: TrainingData
    store: Store
    asked: Refit
    reporter: Reporter

    def fit_again(
        self, judged: VersionManifest, trained: Mapping[Objective, Trained]
    ) -> RefitVersion | None:
        """Return the version fitted once more; None where no objective is to be served so.

        An objective whose refit fails, or is not to be served, stays as it was judged, and a
        warning says why: nothing that goes wrong here is more than that.
        """
        parts: dict[Objective, Refitted] = {}
        reasons: list[str] = []
        for own in judged.objectives:
            try:
                parts[own.objective] = self._objective(own, trained[own.objective])
            except Exception as e:  # noqa: BLE001 - whatever a library raises
                why = str(e) if isinstance(e, StepError) else f"{type(e).__name__}: {e}"
                reasons.append(f"{own.objective}: {why}"[:WHY_MAX])
        if reasons:
            told = "; ".join(reasons)
            self.reporter.warn(f"served as it was judged, not fitted once more: {told}")
        if not parts:
            return None
        served = [
            (parts[own.objective].manifest, self._folder(own.objective))
            if own.objective in parts
            else (own, self.store.judged(self._training))
            for own in judged.objectives
        ]
        return RefitVersion(
            manifest=VersionManifest(
                training=judged.training,
                objectives=tuple(manifest for manifest, _ in served),
                naive=freeze_naive(self.data, split(self.data).before_test),
            ),
            folders=tuple(folder for _, folder in served),
            compared=tuple(part.compared for part in parts.values()),
        )

    def _objective(self, judged: ObjectiveManifest, trained: Trained) -> Refitted:
        """Return what an interrupted attempt has finished, else fit and keep it."""
        task = task_of_training(self.configuration, judged.objective, self.data, self.store)
        assert task.checkpoint is not None, "that of a training has one"
        key = digest_of({"fit": task.checkpoint.key, "judged": judged.digest})
        folder = self._folder(judged.objective)
        kept = _kept(folder, key)
        if kept is not None:
            return kept
        task = replace(task, progress=self._watching(judged.objective, self._limit(trained)))
        with new_directory(folder, keep_existing=False) as work:
            source = self.store.objective(self._training, judged.objective)
            found = refit(judged, source, task, self.data, work)
            save_json(work / MANIFEST_FILE, found.manifest.to_json())
            save_json(work / COMPARED_FILE, {"key": key, **found.compared.to_json()})
        return found

    @property
    def _training(self) -> str:
        return training_of(self.configuration).name

    def _folder(self, objective: Objective) -> Path:
        return self.store.refit(self._training) / objective

    def _limit(self, trained: Trained) -> float:
        """Return how many seconds a refit may take; raises ModelUnfitError."""
        if trained.fit_seconds is None:
            raise ModelUnfitError("how long its fit took is not known")
        most = SHARE_OF_DEADLINE * self.asked.deadline_seconds
        left = self._begun() + most - time.time()
        if left <= 0:
            raise ModelUnfitError(
                f"its time is over: {most:.0f} s, half of training.deadlineSeconds"
            )
        return min(max(LEAST_SECONDS, TIMES_ITS_FIT * trained.fit_seconds), left)

    def _begun(self) -> float:
        """Return when the first attempt at the refit began, seconds since the epoch."""
        path = self.store.refit(self._training) / "began"
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch()
            return path.stat().st_mtime

    def _watching(self, objective: Objective, limit: float) -> Progress:
        """Return a `progress` that ends a fit after `limit` seconds, by raising ModelUnfitError."""
        began, place = time.monotonic(), OBJECTIVES.index(objective)

        def tell(share: float, message: str, epoch: Epoch) -> None:
            del epoch
            if time.monotonic() - began > limit:
                raise ModelUnfitError(f"it took longer than {limit:.0f} s")
            done = PROGRESS_FROM + PROGRESS_EACH * (place + share)
            self.reporter.progress(done, f"{objective} once more: {message}")

        return tell


def forget_refit(store: Store, training: str) -> None:
    """Remove what an evaluation that has ended needs no more."""
    for folder in (store.refit(training), store.judged(training)):
        shutil.rmtree(folder, ignore_errors=True)
    for objective in OBJECTIVES:
        shutil.rmtree(store.checkpoints(training, objective), ignore_errors=True)


def _kept(folder: Path, key: str) -> Refitted | None:
    try:
        compared = load_json(folder / COMPARED_FILE)
        if compared.get("key") != key:
            return None
        return Refitted(load_objective(folder), Compared.from_json(compared))
    except (ArtifactInvalidError, KeyError, ValueError):
        return None
