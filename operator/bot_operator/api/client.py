"""What the operator asks of an API server: the seam between deciding and doing.

`kube.ApiServer` is the real one; tests hand in one of memory.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bot_operator.api.resources import Manifest, Ref, Resource


class Kube(Protocol):
    """What the operator asks of an API server. Every call may raise ApiError."""

    async def get(self, ref: Ref) -> Manifest | None:
        """Return the object as it is now, None where it does not exist."""
        ...

    async def list_all(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Manifest], int]:
        """Return all matching objects and the version of the list."""
        ...

    async def events_about(self, subject: Manifest, fields: str) -> list[Manifest]:
        """Return the Events about an object that match `fields`, as they were seconds ago."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Create the object; AlreadyExists where one of its name is there."""
        ...

    async def apply(self, manifest: Manifest, *, force: bool) -> Manifest:
        """Apply the object server-side as our field manager, and return it.

        Without `force` a field that somebody else has set is a Conflict and nothing is changed.
        """
        ...

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Apply the status subresource of the object with the manifest's uid."""
        ...

    async def patch_status(self, seen: Manifest, body: Mapping[str, Any]) -> Manifest:
        """Merge `body` into the status of the object as it was seen; None removes a field."""
        ...

    async def patch(
        self, ref: Ref, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Manifest | None:
        """Merge `body` into the object of this uid; None where it does not exist."""
        ...

    async def delete(self, ref: Ref) -> bool:
        """Delete the object of this uid and what it owns; return whether it was there."""
        ...

    async def read_log(self, pod: Ref, container: str, lines: int) -> str:
        """Return the last lines of a container's log."""
        ...
