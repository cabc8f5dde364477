"""Held at the end of every `settle`: at rest nothing is written, however often anybody looks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot_operator.api.resources import MODEL_TRAININGS, TRADING_BOTS, name_of, namespace_of
from bot_operator.planning.plans import Plan
from bot_operator.planning.refusals import Refused
from bot_operator.reconcile import KINDS
from bot_operator.watching.workqueue import Key

if TYPE_CHECKING:
    from tests.unit.bot_operator.world import World

_LONG_AFTER_SECONDS = 10 * 365 * 86_400.0
_EDGE_SECONDS = 0.001


async def check_rest(world: "World") -> None:
    """Assert that another look writes nothing, and that time alone changes nothing unannounced."""
    kube = world.kube
    killed, kube.kill_at = kube.kill_at, None
    writes, reads, told = len(kube.writes), len(kube.reads), kube.events.copy()
    later = dict(world.keys.later)
    for resource in (TRADING_BOTS, MODEL_TRAININGS):
        _, plan_for = KINDS[resource]
        for owner in kube.all(resource):
            key = Key(resource, namespace_of(owner), name_of(owner))
            seen = await world.reconciler.observe(key)
            if seen is None:
                continue
            settings, name = await world.reconciler.settings_of(key.namespace), name_of(owner)
            plan = plan_for(seen, world.at, settings)
            try:
                await world.reconciler.applier.apply(seen.owner, plan, world.at)
            except Refused as e:
                seen = seen.with_refused(e.refusals)
                plan = plan_for(seen, world.at, settings)
                await world.reconciler.applier.record(seen.owner, plan, world.at)
            assert kube.writes[writes:] == [], f"a second look at {name} writes"
            for moment in _moments(plan, world.at):
                then = plan_for(seen, moment, settings)
                assert then.status == plan.status, f"{name} changes by {moment} without a look"
    del kube.reads[reads:]
    kube.events, kube.kill_at, world.keys.later = told, killed, later


def _moments(plan: Plan, now: datetime) -> Iterator[datetime]:
    """Yield moments before the next look, the last one among them."""
    until = _LONG_AFTER_SECONDS if plan.requeue_after is None else plan.requeue_after
    for share in (0.5, 1.0):
        yield now + timedelta(seconds=max(0.0, until * share - _EDGE_SECONDS))
