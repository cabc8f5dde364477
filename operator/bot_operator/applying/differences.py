"""Whether an observed object stands as desired, so that nothing is sent in steady state."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bot_operator.api.resources import Manifest
from bot_runtime.contract import names

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    **{s: Decimal(10 ** (3 * i)) for i, s in enumerate("MGTPE", start=2)},
    **{s: Decimal(1024**i) for i, s in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}
_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)([a-zA-Z]{0,2})")
_OF_QUANTITIES = frozenset({"requests", "limits"})


def merging(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `before` into exactly `wanted`."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - wanted.keys())
    for key, value in wanted.items():
        if key not in before:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(before[key], dict):
            inner = merging(before[key], value)
            patch |= {key: inner} if inner else {}
        elif before[key] != value:
            patch[key] = value
    return patch


def is_current(desired: Manifest, observed: Manifest | None) -> bool:
    """Tell whether all that `desired` says holds in `observed`.

    What `desired` does not mention (defaults, other managers' fields) does not count. The digest
    of what was sent last tells a field that is no longer desired.
    """
    if observed is None:
        return False
    return _digest(desired) == _digest(observed) and _holds(desired, observed)


def is_as_stored(desired: Manifest, stored: Manifest | None, observed: Manifest | None) -> bool:
    """Tell whether `observed` is still what the API server made of `desired`, namely `stored`.

    Admission changes what is sent (another registry, a capped amount): to insist on every field
    would be to write for ever.
    """
    if stored is None or _digest(desired) != _digest(stored):
        return False
    return is_current(_stored_part(desired, stored), observed)


def to_quantity(value: Any) -> Decimal | None:
    """Return the number of a Kubernetes quantity such as `250m` or `1Gi`, None where it is none."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None or match[2] not in _SUFFIXES:
        return None
    return Decimal(match[1]) * _SUFFIXES[match[2]]


def _digest(manifest: Manifest) -> str | None:
    found = (manifest["metadata"].get("annotations") or {}).get(names.ANNOTATION_SPEC_DIGEST)
    return None if found is None else str(found)


def _stored_part(desired: Any, stored: Any) -> Any:
    """Return the values in `stored` of the fields that `desired` names."""
    if isinstance(desired, dict) and isinstance(stored, dict):
        return {key: _stored_part(value, stored.get(key)) for key, value in desired.items()}
    if isinstance(desired, list) and isinstance(stored, list) and len(desired) == len(stored):
        return [_stored_part(d, s) for d, s in zip(desired, stored, strict=True)]
    return stored


def _holds(desired: Any, observed: Any, *, quantities: bool = False) -> bool:
    if isinstance(desired, dict):
        if not isinstance(observed, dict):
            return not desired and observed is None
        return all(
            _holds(value, observed.get(key), quantities=key in _OF_QUANTITIES or quantities)
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        if not desired:
            return not observed
        return (
            isinstance(observed, list)
            and len(desired) == len(observed)
            and all(_holds(d, o) for d, o in zip(desired, observed, strict=True))
        )
    if quantities and desired != observed:
        amount = to_quantity(desired)
        return amount is not None and amount == to_quantity(observed)
    return bool(desired == observed)
