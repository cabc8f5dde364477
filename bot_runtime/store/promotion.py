"""`promoted.json`: which version passed the gate last; `promotions.json`: all that ever did.

The evaluation alone writes them. A laptop serves the version that the first names, adoption takes
it over, and pruning keeps it. The second outlives the versions: a backtest asks who decided when.
"""

from datetime import datetime

from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.contract.results import EvaluationResult
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, reading, save_json
from bot_runtime.store.layout import EVALUATION_FILE, Store


class Promotion(Model, extra="ignore"):
    """The pointer to a version; a field of a later release is passed over."""

    version: str = Field(min_length=1)
    trained_at: str | None = None
    training_digest: str | None = Field(
        default=None, description="What `learned_digest` gave for it."
    )


class Promotions(Model, extra="ignore"):
    """Every version that passed the gate, oldest first."""

    promotions: tuple[Promotion, ...] = ()


def promote(store: Store, promotion: Promotion) -> None:
    """Point to a version that passed the gate, atomically; raises StoreUnavailableError."""
    known = [p for p in past_promotions(store) if p.version != promotion.version]
    history = Promotions(promotions=(*known, promotion))
    save_json(store.promotions(), history.to_json())
    save_json(store.promoted(), promotion.to_json())


def past_promotions(store: Store) -> tuple[Promotion, ...]:
    """Return every version that passed the gate, by the time at which it was assembled.

    The list of an earlier release is empty: versions that the store still has tell of themselves.
    A version whose time is not known is left out.
    """
    found = {p.version: p for p in (*_told_by_versions(store), *_listed(store))}
    return tuple(sorted((p for p in found.values() if p.trained_at), key=_trained_at))


def _listed(store: Store) -> tuple[Promotion, ...]:
    path = store.promotions()
    with reading(path):
        if not path.is_file():
            return ()
    try:
        return Promotions.model_validate(load_json(path)).promotions
    except (ValidationError, ArtifactInvalidError):
        return ()


def _told_by_versions(store: Store) -> list[Promotion]:
    found = []
    for folder in store.versions():
        try:
            result = load_json(folder / EVALUATION_FILE).get("result")
            told = EvaluationResult.model_validate(result)
        except (ValidationError, ArtifactInvalidError):
            continue
        if told.promoted:
            found.append(Promotion(version=told.version, trained_at=told.trained_at))
    return found


def _trained_at(promotion: Promotion) -> datetime:
    assert promotion.trained_at is not None, "those without a time are left out"
    return datetime.fromisoformat(promotion.trained_at)


def load_promotion(store: Store) -> Promotion | None:
    """Return the pointer, None where no version was ever promoted.

    Raises ArtifactInvalidError where the file is no pointer, StoreUnavailableError where it cannot
    be read.
    """
    path = store.promoted()
    with reading(path):
        if not path.is_file():
            return None
    try:
        return Promotion.model_validate(load_json(path))
    except ValidationError as e:
        raise ArtifactInvalidError(f"{path.name}: names no version; evaluate again") from e


def promoted_version(store: Store) -> str | None:
    """Return the promoted version's name, None where there is none or the pointer is unusable.

    Raises StoreUnavailableError where it cannot be read.
    """
    try:
        promotion = load_promotion(store)
    except ArtifactInvalidError:
        return None
    return None if promotion is None else promotion.version
