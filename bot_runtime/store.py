"""The store: where every file of a bot lies, and how it gets there.

A file or a version is there whole or not at all: it is written beside its place, flushed to the
disk and renamed. So a killed pod leaves nothing half-written under a name that anybody reads.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot_runtime.contract.names import ENV_STORE, STORE_PATH
from bot_runtime.errors import ArtifactInvalidError, StoreUnavailableError

BANDS_FOLDER = "bands"
DRIFT_FOLDER = "drift"
REFERENCES_FOLDER = "references"


@dataclass(frozen=True, slots=True)
class Store:
    """Paths under `root`.

    The methods are pure functions of their names, but for those that list what the volume has:
    these raise StoreUnavailableError.
    """

    root: Path

    @classmethod
    def from_environment(cls) -> "Store":
        """Return the store that $BOTCRIPTO_STORE names, else the mounted volume."""
        return cls(Path(os.environ.get(ENV_STORE) or STORE_PATH))

    def trainings(self) -> list[Path]:
        """Return the directories of all trainings, as the volume has them, by name."""
        return _folders(self._trainings, hidden=False)

    def versions(self) -> list[Path]:
        """Return the directories of all versions, as the volume has them, by name."""
        return _folders(self._versions, hidden=False)

    def unfinished(self) -> list[Path]:
        """Return the directories of trainings and versions that are being written or deleted."""
        return [f for p in (self._versions, self._trainings) for f in _folders(p, hidden=True)]

    @property
    def _trainings(self) -> Path:
        return self.root / "trainings"

    @property
    def _versions(self) -> Path:
        return self.root / "versions"

    def training(self, name: str) -> Path:
        """Return the directory of a training."""
        return self._trainings / name

    def dataset(self, training: str) -> Path:
        """Return the file that fixes which candles a training sees."""
        return self.training(training) / "dataset.json"

    def candles(self, training: str, symbol: str) -> Path:
        """Return the snapshot of a symbol's candles."""
        return self.training(training) / "candles" / f"{file_stem(symbol)}.parquet"

    def own_candles(self, symbol: str, timeframe: str) -> Path:
        """Return the file, but for its extension, of candles that the user has put there."""
        return self.root / "candles" / f"{file_stem(symbol)}-{timeframe}"

    def objective(self, training: str, objective: str) -> Path:
        """Return the directory that a training step publishes."""
        return self.training(training) / "objectives" / objective

    def checkpoints(self, training: str, objective: str) -> Path:
        """Return the directory of what a training step leaves for its next attempt."""
        return self.training(training) / "checkpoints" / objective

    def result(self, training: str, step: str) -> Path:
        """Return the file that keeps a step's result."""
        return self.training(training) / f"result-{step}.json"

    def version(self, version: str) -> Path:
        """Return the directory of a version."""
        return self._versions / version

    def band(self, version: str, symbol: str) -> Path:
        """Return the file of a symbol's adaptive band, which changes while the version serves."""
        return self.version(version) / BANDS_FOLDER / f"{file_stem(symbol)}.json"

    def drift(self, version: str, symbol: str) -> Path:
        """Return the file of what inference has seen of a symbol while the version serves."""
        return self.version(version) / DRIFT_FOLDER / f"{file_stem(symbol)}.json"

    def reference(self, version: str, symbol: str) -> Path:
        """Return the file of what a symbol was like on the candles the version was judged on."""
        return self.version(version) / REFERENCES_FOLDER / f"{file_stem(symbol)}.json"

    def promoted(self) -> Path:
        """Return the pointer to the last version that passed the gate."""
        return self.root / "promoted.json"

    def signal(self, symbol: str) -> Path:
        """Return the last signal of a symbol."""
        return self.root / "signals" / f"{file_stem(symbol)}.json"


def _folders(parent: Path, *, hidden: bool) -> list[Path]:
    """Return the directories in `parent`: those whose name begins with a dot, or the others."""
    if not parent.is_dir():
        return []
    with _reading(parent):
        found = [f for f in parent.iterdir() if f.name.startswith(".") == hidden and f.is_dir()]
    return sorted(found)


def file_stem(symbol: str) -> str:
    """Return the file name of a symbol without extension: BTC/USDT -> BTC-USDT."""
    return symbol.replace("/", "-")


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, 64 hexadecimal digits.

    Raises ArtifactInvalidError where the file is missing, StoreUnavailableError where unreadable.
    """
    with _reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises ArtifactInvalidError where it is missing or is not one, StoreUnavailableError where it
    cannot be read.
    """
    with _reading(path):
        data = path.read_bytes()
    try:
        value = json.loads(data)
    except ValueError as e:
        raise ArtifactInvalidError(f"{path.name}: is not JSON; it must be written again") from e
    if not isinstance(value, dict):
        raise ArtifactInvalidError(f"{path.name}: found {type(value).__name__}, not an object")
    return value


def save_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically; raises StoreUnavailableError."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    save_bytes(path, f"{text}\n".encode())


def save_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: whole or not at all; raises StoreUnavailableError."""
    with new_file(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it into place when the block ends well.

    Raises StoreUnavailableError where the volume does not take it.
    """
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
    temporary = Path(name)
    try:
        with _writing(path):
            yield temporary
            temporary.chmod(0o644)
            _flush(temporary)
            temporary.replace(path)
            _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_directory(path: Path, *, keep_existing: bool) -> Iterator[Path]:
    """Give a temporary directory beside `path`, and rename it into place when the block ends well.

    An existing `path` stays as it is with `keep_existing` (a version's name holds its digest),
    else it is replaced. Raises StoreUnavailableError where the volume does not take it.
    """
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        with _writing(path):
            yield temporary
            temporary.chmod(0o755)
            for entry in (*temporary.rglob("*"), temporary):
                _flush(entry)
            if not (keep_existing and path.is_dir()):
                _replace_directory(temporary, path)
            _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace_directory(temporary: Path, path: Path) -> None:
    """Rename over `path`; a directory that is not empty has to make room first."""
    if not path.exists():
        temporary.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        path.rename(old)
        temporary.rename(path)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as e:
        raise ArtifactInvalidError(
            f"{path.parent.name}/{path.name}: is not in the store; run the step that writes it"
        ) from e
    except OSError as e:
        raise StoreUnavailableError(
            f"{path.parent.name}/{path.name}: cannot be read: {e.strerror}"
        ) from e


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        if e.errno is None:  # a shared library that cannot be loaded: no word of the volume
            raise
        raise StoreUnavailableError(
            f"{path.parent.name}/{path.name}: cannot be written: {e.strerror}; "
            "enlarge the volume or make it writable"
        ) from e
