"""Files that are there whole or not at all.

A file or a directory is written beside its place, flushed to the disk and renamed. So a killed pod
leaves nothing half-written under a name that anybody reads.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot_runtime.process.errors import ArtifactInvalidError, StoreUnavailableError


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, 64 hexadecimal digits.

    Raises ArtifactInvalidError where the file is missing, StoreUnavailableError where unreadable.
    """
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises ArtifactInvalidError where it is missing or is not one, StoreUnavailableError where it
    cannot be read.
    """
    with reading(path):
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
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
    temporary = Path(name)
    try:
        with writing(path):
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
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        with writing(path):
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
def reading(path: Path) -> Iterator[None]:
    """Raise ArtifactInvalidError or StoreUnavailableError where a read in the block fails."""
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
def writing(path: Path) -> Iterator[None]:
    """Raise StoreUnavailableError where a write in the block fails."""
    try:
        yield
    except OSError as e:
        if e.errno is None or (e.errno == errno.ENOENT and e.filename is None):
            raise  # no word of the volume: a library that cannot be loaded, no temporary folder
        raise StoreUnavailableError(
            f"{path.parent.name}/{path.name}: cannot be written: {os.strerror(e.errno)}; "
            "make room on the volume, or make it writable"
        ) from e
