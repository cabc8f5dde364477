"""What is gone: the newest deleted Jobs, and deleted pods that had said something, of each owner.

What a container said at its end is news even where its pod was deleted at once, and whether or not
another one of that pod had ended. It is kept for as long as there is a bot or training to tell it
of, and no more of it than their plans may ask for.
"""

from collections import OrderedDict, deque

from bot_operator.api.resources import (
    JOBS,
    PODS,
    Manifest,
    Resource,
    controller_uid,
    resource_of,
)

_CONTROLLERS = 16
"""Jobs and CronJobs of one owner of which children are remembered: those that lost one last."""
_CHILDREN = 3

Owner = tuple[Resource, str, str]
"""Kind, namespace and name of a bot or training."""


class Gone:
    """The children that are gone, by owner and by the uid of the Job or CronJob they were of."""

    def __init__(self) -> None:
        self._of: dict[Owner, OrderedDict[str, deque[Manifest]]] = {}

    def __len__(self) -> int:
        return sum(len(kept) for found in self._of.values() for kept in found.values())

    def of(self, owner: Owner, controller: str) -> tuple[Manifest, ...]:
        """Return the children of the owner's Job or CronJob of this uid."""
        found = self._of.get(owner)
        return () if found is None else tuple(found.get(controller, ()))

    def remember(self, owner: Owner, manifest: Manifest) -> None:
        """Keep a child that is gone, if it is of those that are asked for."""
        controller, resource = controller_uid(manifest), resource_of(manifest)
        kept = resource == JOBS or (resource == PODS and _has_spoken(manifest))
        if controller is None or not kept:
            return
        controllers = self._of.setdefault(owner, OrderedDict())
        controllers.setdefault(controller, deque(maxlen=_CHILDREN)).append(manifest)
        controllers.move_to_end(controller)
        if len(controllers) > _CONTROLLERS:
            controllers.popitem(last=False)

    def forget(self, owner: Owner) -> None:
        """Drop all that was kept for an owner, which is gone itself."""
        self._of.pop(owner, None)


def _has_spoken(pod: Manifest) -> bool:
    """Tell whether the pod or one of its containers has ended."""
    status = pod.get("status", {})
    if status.get("phase") in {"Succeeded", "Failed"}:
        return True
    states = (s.get("state") or {} for s in status.get("containerStatuses") or ())
    return any("terminated" in state for state in states)
