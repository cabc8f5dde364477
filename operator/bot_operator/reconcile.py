"""Reconciling: observe, plan, apply; the same for both kinds, driven by the work queue."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

import structlog
from structlog.contextvars import bound_contextvars

from bot_operator import metrics
from bot_operator.api.client import Kube
from bot_operator.api.errors import ApiError, Conflict
from bot_operator.api.resources import (
    MODEL_TRAININGS,
    TRADING_BOTS,
    Manifest,
    Ref,
    Resource,
    uid_of,
)
from bot_operator.applying.apply import Applier
from bot_operator.modeltraining.observe import TrainingSeen, observe_training
from bot_operator.modeltraining.plan import plan_training
from bot_operator.planning.plans import Plan
from bot_operator.planning.refusals import Refusal, Refused
from bot_operator.settings import Settings
from bot_operator.tradingbot.observe import observe_bot
from bot_operator.tradingbot.plan import plan_bot
from bot_operator.watching.cache import Cache
from bot_operator.watching.fleet import note_outcome
from bot_operator.watching.slots import find_rivals
from bot_operator.watching.stops import Stops
from bot_operator.watching.workqueue import CONFLICT_BACKOFF_SECONDS, Key, WorkQueue

log = structlog.get_logger()


class Seen(Protocol):
    """What an observation must hold for the plan to be applied."""

    @property
    def owner(self) -> Manifest:
        """The object that is reconciled."""
        ...

    def with_refused(self, refused: tuple[Refusal, ...]) -> "Seen":
        """Return the same with the children that the API server has refused just now."""
        ...


Observe = Callable[[Kube, Cache, Ref, datetime], Awaitable[Any]]
Planner = Callable[[Any, datetime, Settings], Plan]

KINDS: dict[Resource, tuple[Observe, Planner]] = {
    TRADING_BOTS: (observe_bot, plan_bot),
    MODEL_TRAININGS: (observe_training, plan_training),
}


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings one owner a step nearer to its spec."""

    kube: Kube
    cache: Cache
    settings: Settings
    clock: Callable[[], datetime]
    applier: Applier
    stops: Stops

    async def reconcile(self, key: Key) -> float | None:
        """Observe, plan, apply; return the seconds until the next look, 0 after a write."""
        try:
            return await self._reconcile(key)
        except Exception:
            self.cache.doubt(Ref(key.resource, key.namespace, key.name))
            raise

    async def observe(self, key: Key) -> Seen | None:
        """Return what the plan for `key` depends on, None where its object is gone."""
        ref = Ref(key.resource, key.namespace, key.name)
        seen: Seen | None = await KINDS[key.resource][0](self.kube, self.cache, ref, self.clock())
        if self.settings.max_trainings and isinstance(seen, TrainingSeen):
            # The last thing that is read: nothing is awaited from here until the plan is made.
            return replace(seen, rivals=find_rivals(self.cache))
        return seen

    async def settings_of(self, namespace: str) -> Settings:
        """Return the settings that hold in a namespace, which its label may have stopped."""
        if self.settings.stopped_by is not None:
            return self.settings
        stopper = await self.stops.stopper(namespace)
        return self.settings if stopper is None else replace(self.settings, stopped_by=stopper)

    async def _reconcile(self, key: Key) -> float | None:
        settings = await self.settings_of(key.namespace)
        seen = await self.observe(key)
        if seen is None:
            return None
        now = self.clock()
        plan = self._plan(key, seen, now, settings)
        try:
            written = await self.applier.apply(seen.owner, plan, now)
        except Refused as e:
            plan = self._plan(key, seen.with_refused(e.refusals), now, settings)
            await self.applier.record(seen.owner, plan, now)
            note_outcome(seen.owner, plan.status)
            raise
        note_outcome(seen.owner, plan.status)
        return 0.0 if written else plan.requeue_after

    def _plan(self, key: Key, seen: Seen, now: datetime, settings: Settings) -> Plan:
        plan = KINDS[key.resource][1](seen, now, settings)
        if key.resource == MODEL_TRAININGS:
            self.cache.note_start(uid_of(seen.owner), starts=plan.takes_slot)
        return plan


async def work(queue: WorkQueue[Key], reconciler: Reconciler) -> None:
    """Reconcile keys for ever; every line that is logged meanwhile has the key and an id."""
    while True:
        key = await queue.get()
        started = time.perf_counter()
        try:
            with bound_contextvars(key=str(key), reconcile_id=uuid4().hex[:12]):
                result = await _attempt(queue, reconciler, key)
        finally:
            queue.done(key)
        kind = key.resource.kind
        metrics.RECONCILES.labels(kind, result).inc()
        metrics.RECONCILE_SECONDS.labels(kind).observe(time.perf_counter() - started)


async def _attempt(queue: WorkQueue[Key], reconciler: Reconciler, key: Key) -> str:
    """Reconcile a key once and say when it is looked at again; return what came of it."""
    try:
        delay = await reconciler.reconcile(key)
    except Conflict as e:
        delay = queue.retry(key, first=CONFLICT_BACKOFF_SECONDS)
        log.info("observed again", because=str(e), in_seconds=round(delay, 2))
        return "conflict"
    except ApiError as e:
        delay = queue.retry(key, e.retry_after)
        log.warning("tried again", because=str(e), in_seconds=round(delay, 1))
        return "error"
    except Exception:  # one broken object must not stop the others
        delay = queue.retry(key)
        log.exception("tried again", in_seconds=round(delay, 1))
        return "error"
    queue.succeeded(key, settled=delay != 0.0)
    if delay is not None:
        queue.add_after(key, delay)
    return "success"
