"""`trials.json`: every setting that was tried on past candles, so that luck can be told from skill.

The best of many settings looks good by luck alone. A study adds what it shows, and every later
figure of the store is deflated by the length of this list. It is never shortened.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.contract.digests import digest_of
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, reading, save_json
from bot_runtime.store.layout import Store


class Trial(Model, extra="ignore"):
    """One setting: what a person would change, and the digest of all that decides."""

    timeframe: str
    horizon_steps: int
    policy: str
    digest: str = Field(min_length=1)

    @classmethod
    def of(cls, timeframe: str, horizon_steps: int, policy: str, settings: Any) -> "Trial":
        """Return the trial of a setting; `settings` is JSON, all else that decides."""
        named = {"timeframe": timeframe, "horizonSteps": horizon_steps, "policy": policy}
        return cls(
            timeframe=timeframe,
            horizon_steps=horizon_steps,
            policy=policy,
            digest=digest_of({**named, "settings": settings}),
        )


class Trials(Model, extra="ignore"):
    """All trials of a store, in the order in which they were first tried."""

    trials: tuple[Trial, ...] = ()


def load_trials(store: Store) -> tuple[Trial, ...]:
    """Return all trials of a store, none where nothing was tried.

    Raises ArtifactInvalidError where the list is none, StoreUnavailableError where it cannot be
    read.
    """
    path = store.trials()
    with reading(path):
        if not path.is_file():
            return ()
    try:
        return Trials.model_validate(load_json(path)).trials
    except (ValidationError, ArtifactInvalidError) as e:
        raise ArtifactInvalidError(
            f"{path}: is no list of trials; take it from a copy of the store, or remove it: what "
            "was tried so far is not counted any more then"
        ) from e


def add_trials(store: Store, tried: Iterable[Trial]) -> int:
    """Add what was tried, each setting once; return how many there are now.

    Raises as `load_trials`, and StoreUnavailableError where the list cannot be written.
    """
    known = load_trials(store)
    found = {trial.digest: trial for trial in (*known, *tried)}
    if len(found) > len(known):
        save_json(store.trials(), Trials(trials=tuple(found.values())).to_json())
    return len(found)
