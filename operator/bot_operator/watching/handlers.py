"""kopf's part: it watches, and hands every event to the feed. Nothing is decided here."""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import kopf
import structlog

from bot_operator import metrics
from bot_operator.api.resources import CHILDREN, OWNERS, Resource
from bot_operator.watching.changes import CHILD_SELECTOR, Feed
from bot_runtime.contract import names

RESTART_SECONDS = 2.0
_CANCELLATIONS = 40

log = structlog.get_logger()


class NoMemory(kopf.DiffBaseStorage):
    """What kopf would compare an object with: nothing, as no handler of ours asks what changed.

    Its own storages copy every object of every event, a tenth of the operator's work.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return what of an object would be compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """Return what was remembered."""

    def store(self, **_: Any) -> None:
        """Remember nothing, so that nothing of ours stands in a user's annotations."""


def build_registry(feed: Feed) -> kopf.OperatorRegistry:
    """Return the watches: both kinds, and their children by a server-side label selector."""
    registry = kopf.OperatorRegistry()
    # Explicit, so that kopf does not import the whole synchronous client to find out.
    kopf.on.login(registry=registry)(_login)
    for resource in (*OWNERS, *CHILDREN):
        kopf.on.event(
            resource.group,
            resource.version,
            resource.plural,
            registry=registry,
            id=f"see-{resource.plural}",
        )(_seeing(feed, resource))
    return registry


def _login(*, settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
    """Log in as all other requests do: in a pod by its ServiceAccount, else by KUBECONFIG.

    kopf asks again where a token is refused. The address of the API server is the one that
    Kubernetes puts into the environment: a cluster may have no DNS, which kopf's own way asks.
    """
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    account = kopf.login_with_service_account(settings=settings) if host and port else None
    if account is None or host is None:
        return kopf.login_with_kubeconfig(settings=settings)
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    return dataclasses.replace(account, server=server)


def build_settings() -> kopf.OperatorSettings:
    """Return kopf's settings: watch only; nothing is written by kopf, neither Events nor marks."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    # Our kinds are there before the operator is; watching for new ones would need cluster rights.
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.queueing.error_delays = (1, 2, 5, 10)
    # Else kopf, started again after an error, kills the process 30 s later.
    settings.process.ultimate_exiting_timeout = None
    settings.persistence.diffbase_storage = NoMemory()
    settings.persistence.finalizer = f"{names.GROUP}/unused"
    for resource in CHILDREN:
        settings.watching.label_selectors[resource.plural] = CHILD_SELECTOR
    return settings


@dataclass(frozen=True, slots=True)
class Watches:
    """kopf, started again where it ends by itself."""

    feed: Feed
    scope: str | None
    stop: asyncio.Event
    take_signals: Callable[[], None]
    """Handles the signals again, which kopf takes over whenever it starts."""

    async def run(self) -> None:
        """Watch until `stop` is set."""
        quiet = asyncio.create_task(self._quiet())
        try:
            await self._watch_on()
        finally:
            quiet.cancel()

    async def _quiet(self) -> None:
        await self.stop.wait()
        # What was still under way finds its connection closed, and kopf would log an error.
        logging.getLogger("kopf").setLevel(logging.CRITICAL)

    async def _watch_on(self) -> None:
        while True:
            try:
                return await self._watch()
            except Exception:
                # An answer that kopf does not know, such as an error of the storage in the middle
                # of a watch, ends all of its watches; the process and the Lease outlive that.
                log.exception("the watches ended; they are started again")
                metrics.WATCH_RESTARTS.inc()
            try:
                return await asyncio.wait_for(_set(self.stop), RESTART_SECONDS)
            except TimeoutError:
                continue

    async def _watch(self) -> None:
        others = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=build_registry(self.feed),
            settings=build_settings(),
            standalone=True,
            clusterwide=self.scope is None,
            namespaces=[] if self.scope is None else [self.scope],
            stop_flag=self.stop,
        )
        self.take_signals()
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        failures = [e for task in ended if (e := task.exception()) is not None]
        if failures:
            await _end(others)
            raise failures[0]
        await kopf.run_tasks(tasks, ignored=others)


async def _end(others: set[asyncio.Task[Any]]) -> None:
    """End all of kopf's tasks after one has failed.

    kopf does so itself, but waits without end for a watch that takes its cancellation for a pause
    and goes on: such a one ends at the second.
    """
    mine = {asyncio.current_task(), *others}
    for _ in range(_CANCELLATIONS):
        left = [task for task in asyncio.all_tasks() if task not in mine]
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.5)
    raise SystemExit("the watches do not end")


async def _set(stop: asyncio.Event) -> None:
    await stop.wait()


def _seeing(feed: Feed, resource: Resource) -> Any:
    async def see(event: Any, **_: Any) -> None:
        # Kinds are left out of listed objects.
        manifest = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            **dict(event["object"]),
        }
        if event["type"] is None:
            feed.listed()
        feed.seen(event["type"], manifest)

    return see
