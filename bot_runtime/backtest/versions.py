"""Which version decided at which candle: the one that had been promoted by then."""

from collections.abc import Sequence
from typing import NamedTuple

from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.market.candles import ms_of, utc
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.process.threads import cpu_count
from bot_runtime.serving.version import (
    ServedVersion,
    check_inputs,
    load_judged,
    load_version,
)
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import past_promotions


class Term(NamedTuple):
    """A version's time: it decides on the candles that close in [begin, end) ms.

    Attributes:
        version: None where it is gone, and nobody can say what it decided; `name` is its name.
    """

    name: str
    version: ServedVersion | None
    begin_ms: int
    end_ms: int

    @property
    def unseen_ms(self) -> int:
        """Return the close from which on the version has learned from no candle."""
        assert self.version is not None, "asked of versions that are there"
        return max(o.seen_until_ms for o in self.version.manifest.objectives)


def terms_of(store: Store, configuration: RunConfiguration, end_ms: int) -> tuple[Term, ...]:
    """Return the terms of all versions that were ever promoted, up to a time; oldest first.

    Raises DataUnusableError where none was, ArtifactInvalidError where one that is there cannot be
    served with these settings.
    """
    promotions = past_promotions(store)
    if not promotions:
        raise DataUnusableError(
            f"{store.root}: no version was ever promoted; run `python -m bot_runtime run` first, "
            "or name one with --version"
        )
    begins = [ms_of(promotion.trained_at or "") for promotion in promotions]
    ends = [*begins[1:], max(end_ms, begins[-1]) + 1]
    return tuple(
        Term(p.version, _load(store, configuration, p.version), begin, end)
        for p, begin, end in zip(promotions, begins, ends, strict=True)
    )


def terms_of_version(
    store: Store, configuration: RunConfiguration, name: str, end_ms: int
) -> tuple[Term, ...]:
    """Return the terms of one version, as if it had decided on all it has not learned from.

    Where it was fitted once more it has learned from nearly all candles of its training: on those
    that it was judged on, it decides as it was judged. Raises ArtifactInvalidError where the store
    has no such version, or it cannot be served.
    """
    version = _load(store, configuration, name)
    if version is None:
        known = [folder.name for folder in store.versions()]
        raise ArtifactInvalidError(
            f"--version: {name} is not in {store.root}; it has {_listed(known)}"
        )
    served = Term(name, version, 0, end_ms + 1)
    served = served._replace(begin_ms=served.unseen_ms)
    judged = load_judged(store, version, cpu_count())
    if judged is version:
        return (served,)
    before = Term(f"{name} as it was judged", judged, 0, served.begin_ms)
    return before._replace(begin_ms=before.unseen_ms), served


def _load(store: Store, configuration: RunConfiguration, name: str) -> ServedVersion | None:
    """Return a version that the store still has, None where it was taken out."""
    if not store.version(name).is_dir():
        return None
    version = load_version(store, name, cpu_count())
    check_inputs(version, configuration)
    return version


def describe_gone(terms: Sequence[Term]) -> list[str]:
    """Return what is said of versions that nobody has any more."""
    return [
        f"{term.name} decided from {utc(term.begin_ms)} to {utc(term.end_ms)} and is gone: these "
        "candles are left out"
        for term in terms
        if term.version is None
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
