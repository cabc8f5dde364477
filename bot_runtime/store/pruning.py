"""Pruning: what nobody will load any more leaves the store, so that the volume does not fill.

A version goes when it is neither in use nor among the newest, and when no run has begun to load it
lately: a run lasts an hour at most. It is renamed before it is deleted, so that whoever opens it
finds all of it or nothing.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot_runtime.contract.names import ENV_PRUNING, bot_of_training, bot_of_version
from bot_runtime.contract.retention import Pruning
from bot_runtime.process.errors import StoreUnavailableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.process.step_orders import load_order
from bot_runtime.store.layout import BANDS_FOLDER, DRIFT_FOLDER, SKILL_FOLDER, Store
from bot_runtime.store.promotion import promoted_version

IN_USE_SECONDS: Final = 2 * 3600.0
"""Longer than any run of inference."""
ABANDONED_SECONDS: Final = 8 * 86_400.0
"""Longer than any step of a training."""
_USED_FILE: Final = ".used"
_SERVING: Final = (_USED_FILE, BANDS_FOLDER, DRIFT_FOLDER, SKILL_FOLDER)


def load_pruning() -> Pruning | None:
    """Return what the operator lets go, None where nobody has said so (on a laptop)."""
    return load_order(ENV_PRUNING, Pruning)


def note_use(store: Store, version: str) -> None:
    """Leave word that a run is about to load `version`."""
    with suppress(OSError):  # a volume that is full or gone is told by what comes next
        (store.version(version) / _USED_FILE).touch()


def prune(store: Store, pruning: Pruning, current: str, reporter: Reporter) -> tuple[str, ...]:
    """Take out old versions and trainings of the bot; return the names of those that went.

    `current` is the training that is being evaluated. Nothing here fails the evaluation.
    """
    gone: list[str] = []
    try:
        for folder in (*_old_versions(store, pruning), *_old_trainings(store, pruning, current)):
            _remove(folder)
            gone.append(folder.name)
        for folder in _leftovers(store):
            _remove(folder)
    except (OSError, StoreUnavailableError) as e:
        found = e.strerror if isinstance(e, OSError) else e
        reporter.warn(f"old versions could not be taken out of the store: {found}")
    if gone:
        reporter.log("pruned", names=gone)
    return tuple(gone)


def _old_versions(store: Store, pruning: Pruning) -> list[Path]:
    kept = {*pruning.keep, promoted_version(store)}
    found = [
        f for f in store.versions() if bot_of_version(f.name) == pruning.bot and f.name not in kept
    ]
    return [f for f in _newest_first(found)[pruning.last :] if _age(f) > IN_USE_SECONDS]


def _old_trainings(store: Store, pruning: Pruning, current: str) -> list[Path]:
    found = [
        f for f in store.trainings() if bot_of_training(f.name) == pruning.bot and f.name != current
    ]
    return [
        folder
        for folder in _newest_first(found)[pruning.last :]
        if _age(folder) > (IN_USE_SECONDS if _has_ended(store, folder) else ABANDONED_SECONDS)
    ]


def _leftovers(store: Store) -> list[Path]:
    """Return what steps that were killed have left half-written."""
    return [folder for folder in store.unfinished() if _age(folder) > ABANDONED_SECONDS]


def _newest_first(folders: list[Path]) -> list[Path]:
    return sorted(folders, key=lambda folder: (_changed_at(folder), folder.name), reverse=True)


def _age(folder: Path) -> float:
    return time.time() - max(_changed_at(folder), _time_of(folder / _USED_FILE))


def _changed_at(folder: Path) -> float:
    """Return when any file of the folder itself was last written, seconds since the epoch.

    What serving a version writes there says nothing of how old it is.
    """
    files = (f for f in folder.iterdir() if f.name not in _SERVING)
    return max((_time_of(f) for f in files), default=_time_of(folder))


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _has_ended(store: Store, folder: Path) -> bool:
    return store.result(folder.name, "Evaluation").is_file()


def _remove(folder: Path) -> None:
    hidden = folder
    if not folder.name.startswith("."):
        hidden = folder.with_name(f".{folder.name}.pruned")
        folder.rename(hidden)
    shutil.rmtree(hidden)
