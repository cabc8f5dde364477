"""What is gone: the newest deleted Jobs, and deleted pods that had ended, of each owner.

What a pod said at its end is news even where the pod was deleted at once. It is kept for as long as
there is a bot or training to tell it of, and no more of it than their plans may ask for.
"""

from collections import OrderedDict, deque

from bot_operator.api.resources import JOBS, PODS, Manifest, Resource, controller_uid, resource_of

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
        ended = manifest.get("status", {}).get("phase") in {"Succeeded", "Failed"}
        if controller is None or not (resource == JOBS or (resource == PODS and ended)):
            return
        controllers = self._of.setdefault(owner, OrderedDict())
        controllers.setdefault(controller, deque(maxlen=_CHILDREN)).append(manifest)
        controllers.move_to_end(controller)
        if len(controllers) > _CONTROLLERS:
            controllers.popitem(last=False)

    def forget(self, owner: Owner) -> None:
        """Drop all that was kept for an owner, which is gone itself."""
        self._of.pop(owner, None)
