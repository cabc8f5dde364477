"""`promoted.json`: which version passed the gate last, and what it was trained on.

The evaluation alone writes it. A laptop serves the version that it names, adoption takes it over,
and pruning keeps it.
"""

from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, reading, save_json
from bot_runtime.store.layout import Store


class Promotion(Model, extra="ignore"):
    """The pointer to a version; a field of a later release is passed over."""

    version: str = Field(min_length=1)
    trained_at: str | None = None
    training_digest: str | None = Field(
        default=None, description="What `learned_digest` gave for it."
    )


def promote(store: Store, promotion: Promotion) -> None:
    """Point to a version that passed the gate, atomically; raises StoreUnavailableError."""
    save_json(store.promoted(), promotion.to_json())


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
