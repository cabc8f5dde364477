"""Stops: who has stopped every bot of a namespace at once, looked up every few seconds."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from bot_operator.api.client import Kube
from bot_operator.api.errors import ApiError, Forbidden
from bot_operator.api.resources import NAMESPACES, Ref, labels_of
from bot_runtime.contract.names import LABEL_STOP

LOOK_SECONDS = 5.0
_STOPPED = "true"

log = structlog.get_logger()


class Stops:
    """The namespaces whose label stops their bots, as far as they have been looked at."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._stopped: dict[str, bool] = {}

    async def stopper(self, namespace: str) -> str | None:
        """Return who has stopped the bots of a namespace and how they go on, None for nobody.

        A namespace that has not been looked at is read first: what is stopped must not run for a
        moment after a restart. ApiError where it cannot be read, so that nothing is decided then.
        """
        if namespace not in self._stopped:
            self._stopped[namespace] = await self._read(namespace)
        if not self._stopped[namespace]:
            return None
        return (
            f"stopped by the label {LABEL_STOP} of namespace {namespace}; to go on: "
            f"kubectl label namespace {namespace} {LABEL_STOP}-"
        )

    async def look(self, namespaces: Iterable[str]) -> list[str]:
        """Read namespaces again; return those that were stopped or let go since.

        The others are forgotten: who returns to them reads them first.
        """
        namespaces, changed = set(namespaces), []
        self._stopped = {n: found for n, found in self._stopped.items() if n in namespaces}
        for namespace in namespaces:
            try:
                found = await self._read(namespace)
            except ApiError as e:
                log.warning("who stops a namespace stays unknown", of=namespace, error=str(e))
                continue
            if self._stopped.get(namespace) not in {None, found}:
                changed.append(namespace)
                log.warning("stopped" if found else "goes on", namespace=namespace)
            self._stopped[namespace] = found
        return changed

    async def _read(self, namespace: str) -> bool:
        try:
            found = await self._kube.get(Ref(NAMESPACES, "", namespace))
        except Forbidden:
            # A Role of an earlier release: nobody can have meant its label to be read.
            log.warning("a stop by label is not seen: the Role lacks get on namespaces")
            return False
        return found is not None and labels_of(found).get(LABEL_STOP) == _STOPPED


async def keep_looking(
    stops: Stops, namespaces: Callable[[], Iterable[str]], wake: Callable[[str], None]
) -> None:
    """Look at every namespace with bots for ever, and wake those of one that has changed."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            for namespace in await stops.look(namespaces()):
                wake(namespace)
        except Exception:  # this loop must outlive every answer
            log.exception("the namespaces are looked at again")
