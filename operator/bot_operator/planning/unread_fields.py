"""What of a spec an image of an earlier release does not read, and so refuses. Pure."""

from collections.abc import Collection

from bot_runtime.contract.base import Model
from bot_runtime.contract.newer_fields import newer_fields_set
from bot_runtime.contract.runconfig import NEWER_FIELDS


def find_unread(spec: Model, reads: Collection[str]) -> tuple[str, ...]:
    """Return the newer fields that a spec sets, an image is given and does not read.

    `reads` are those that it reads.
    """
    return tuple(f for f in newer_fields_set(spec) if f in NEWER_FIELDS and f not in reads)


def describe_fields(fields: Collection[str]) -> str:
    """Return the fields as a person finds them in a resource."""
    return ", ".join(f"spec.{field}" for field in fields)
