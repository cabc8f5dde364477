"""Command line: `python -m bot_operator run [--namespace NAME | --all-namespaces]`."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import REGISTRY

from bot_operator import metrics
from bot_operator.api.errors import ApiError, SettingsError, Unavailable
from bot_operator.api.kube import ApiServer
from bot_operator.applying.apply import Applier
from bot_operator.health import Health
from bot_operator.leadership import Lease, lead
from bot_operator.logs import configure_logs
from bot_operator.reconcile import Reconciler, work
from bot_operator.settings import Settings, load_settings
from bot_operator.watching.cache import Cache
from bot_operator.watching.changes import Feed
from bot_operator.watching.fleet import FleetCollector
from bot_operator.watching.handlers import Watches
from bot_operator.watching.stops import Stops, keep_looking
from bot_operator.watching.workqueue import Key, WorkQueue

log = structlog.get_logger()

_EXIT_SETTINGS = 2
_RELIST_BACKOFF_SECONDS = 2.0
_SHARE_OF_SECOND_LINE = 4
"""One of so many workers looks after what stands in the queue's second line."""


async def operate(settings: Settings) -> None:
    """Run one operator process until a signal ends it."""
    server = await ApiServer.connect()
    _calm_collector()
    queue: WorkQueue[Key] = WorkQueue(
        behind_at_once=max(1, settings.workers // _SHARE_OF_SECOND_LINE)
    )
    health = Health(server, queue)
    lease = Lease(server, settings)
    server.leads_until = lambda: lease.sure_until
    stop = asyncio.Event()
    _stop_on_signals(stop)
    beating = asyncio.create_task(health.beat(), name="heartbeat")
    runner = await health.serve(settings.port)

    async def act() -> None:
        metrics.IS_LEADER.set(1)
        await _act(settings, server, queue, stop)

    try:
        await lead(lease, act, stop)
    finally:
        beating.cancel()
        await runner.cleanup()
        await server.close()


async def _act(
    settings: Settings, server: ApiServer, queue: WorkQueue[Key], stop: asyncio.Event
) -> None:
    cache = Cache()
    feed = Feed(server, settings.scope, cache, queue)
    applier = Applier(server, cache)
    stops = Stops(server)
    reconciler = Reconciler(server, cache, settings, lambda: datetime.now(UTC), applier, stops)
    await _list_first(feed)
    REGISTRY.register(FleetCollector(cache))
    log.info("serving", namespace=settings.scope or "all", owners=len(queue))
    # Made before kopf starts, which ends every task that is made later.
    tasks = [
        asyncio.create_task(work(queue, reconciler), name=f"worker {n}")
        for n in range(settings.workers)
    ]
    tasks.append(asyncio.create_task(feed.keep_relisting(), name="relist"))
    looking = keep_looking(stops, feed.namespaces, feed.wake_namespace)
    tasks.append(asyncio.create_task(looking, name="stops"))
    try:
        await Watches(feed, settings.scope, stop, lambda: _stop_on_signals(stop)).run()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _list_first(feed: Feed) -> None:
    """List everything, however long the API server is too busy for it."""
    while True:
        try:
            return await feed.relist()
        except Unavailable as e:
            delay = max(_RELIST_BACKOFF_SECONDS, e.retry_after)
            log.warning("the first list is tried again", error=str(e), in_seconds=delay)
            await asyncio.sleep(delay)


def _stop_on_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


def _calm_collector() -> None:
    """Have the collector of cycles look rarely, and never at what is there from the start.

    It took a tenth of the operator's time: JSON comes and goes by reference counts alone, and the
    modules' hundred thousand objects stay for ever.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def build_parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    parser = argparse.ArgumentParser(prog="bot-operator", description="Operator of trading bots.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="serve until a signal ends it")
    scope = run.add_mutually_exclusive_group()
    scope.add_argument("--namespace", help="namespace to serve; default: the operator's own")
    scope.add_argument("--all-namespaces", action="store_true", help="serve every namespace")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    given = build_parser().parse_args(arguments)
    configure_logs()
    try:
        settings = load_settings(namespace=given.namespace, all_namespaces=given.all_namespaces)
    except SettingsError as e:
        log.critical("the operator cannot start", error=str(e))
        return _EXIT_SETTINGS
    try:
        asyncio.run(operate(settings))
    except ApiError as e:
        log.critical("the operator ends; are its CRDs and Role installed?", error=str(e))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
