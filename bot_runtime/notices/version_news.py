"""Which version a bot has begun to serve, and which were rejected while it served one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bot_runtime.contract.results import EvaluationResult
from bot_runtime.journal.entries import OutboxRow
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.notices.messages import news
from bot_runtime.process.errors import ArtifactInvalidError, StoreUnavailableError
from bot_runtime.store.files import load_json, reading
from bot_runtime.store.layout import EVALUATION_FILE, Store
from bot_runtime.store.promotion import promoted_version

KIND: Final = "Version"


def served_news(
    before: RunRow | None, version: str, store: Store, now_ms: int
) -> Iterator[OutboxRow]:
    """Yield that another version is served than by the run before, where there was one."""
    if before is None or before.model_version in {None, version}:
        return
    is_promoted = _promoted(store) == version
    word = "was promoted and is" if is_promoted else "is"
    text = f"version {version} {word} served, in place of {before.model_version}"
    yield news(KIND, f"version {version} after run {before.run_id}", text, now_ms)


def rejected_news(served: str, store: Store, since_ms: int) -> Iterator[OutboxRow]:
    """Yield which versions were rejected since a time; what cannot be read is left out."""
    try:
        folders = store.versions()
    except StoreUnavailableError:
        return
    for folder in folders:
        try:
            row = _rejected(folder / EVALUATION_FILE, served, since_ms)
        except (ArtifactInvalidError, StoreUnavailableError, ValidationError):
            continue
        if row is not None:
            yield row


def _rejected(file: Path, served: str, since_ms: int) -> OutboxRow | None:
    with reading(file):
        written_ms = file.stat().st_mtime_ns // 1_000_000
    if written_ms < since_ms:
        return None
    result = EvaluationResult.model_validate(load_json(file).get("result"))
    if result.promoted or result.version == served:  # somebody may pin a rejected one
        return None
    why = "; ".join(result.reasons)
    text = f"version {result.version} was rejected and {served} is served on: {why}"
    return news(KIND, f"version {result.version} rejected", text, written_ms)


def _promoted(store: Store) -> str | None:
    try:
        return promoted_version(store)
    except StoreUnavailableError:
        return None
