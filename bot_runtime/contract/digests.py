"""Digests: one canonical JSON form, one hash."""

import hashlib
import json
from typing import Any


def to_canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no white space: equal values, equal text.

    NaN and infinity are refused with ValueError: they are not JSON.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(value: Any) -> str:
    """Return the sha256 of the canonical JSON of `value`, 64 hexadecimal digits."""
    return hashlib.sha256(to_canonical_json(value).encode()).hexdigest()
