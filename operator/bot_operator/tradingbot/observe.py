"""What is observed of a bot before its plan is made."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot_operator.api.client import Kube
from bot_operator.api.resources import (
    CLAIMS,
    CONFIG_MAPS,
    CRON_JOBS,
    JOBS,
    MODEL_TRAININGS,
    PODS,
    Manifest,
    Ref,
    controller_uid,
    is_deleting,
    is_true,
    resource_of,
    uid_of,
)
from bot_operator.children.child import is_made_for
from bot_operator.children.storage import (
    ClaimSeen,
    find_holder,
    observe_claim,
    observe_growth,
    store_claim,
)
from bot_operator.planning.refusals import Refusal
from bot_operator.planning.specs import Bot, Training
from bot_operator.signs.credentials import SecretSeen, observe_secret
from bot_operator.signs.pod_waits import Obstacles, observe_obstacles, observe_pods, observe_refusal
from bot_operator.watching.cache import Cache
from bot_runtime.contract.conditions import BotCondition
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.postgres_secret import POSTGRES_SECRET
from bot_runtime.contract.secrets import SecretKind
from bot_runtime.contract.telegram_secret import TELEGRAM_SECRET


@dataclass(frozen=True, slots=True)
class Run:
    """One firing of the CronJob: its Job, and its pods so far."""

    job: Manifest
    pods: tuple[Manifest, ...]
    obstacles: Obstacles = field(default_factory=Obstacles)


@dataclass(frozen=True, slots=True)
class BotSeen:
    """A bot and everything that its plan depends on; all children are of this very bot."""

    bot: Bot
    secret: SecretSeen | None = None
    journal_secret: SecretSeen | None = None
    """Of the journal's PostgreSQL; None where none is named."""
    telegram_secret: SecretSeen | None = None
    """Of the chat that is told of trades; None where none is named."""
    claim: ClaimSeen | None = None
    trainings: tuple[Training, ...] = ()
    studies: tuple[Training, ...] = ()
    """Trainings that a person has made for this bot, on its own claim."""
    cron_job: Manifest | None = None
    configurations: tuple[Manifest, ...] = ()
    runs: tuple[Run, ...] = ()
    """Firings whose owner chain ends at the CronJob."""
    refusal: str | None = None
    """The API server's words on refusing the CronJob's Jobs; asked for where runs stay away."""
    refused: tuple[Refusal, ...] = ()
    """Children that the API server has refused in this very look."""

    @property
    def owner(self) -> Manifest:
        """The bot's object."""
        return self.bot.manifest

    @property
    def all_trainings(self) -> tuple[Training, ...]:
        """The bot's own trainings and those that a person has made for it."""
        return (*self.trainings, *self.studies)

    def with_refused(self, refused: tuple[Refusal, ...]) -> "BotSeen":
        """Return the same with the children that the API server has refused just now."""
        return replace(self, refused=refused)


async def observe_bot(kube: Kube, cache: Cache, ref: Ref, now: datetime) -> BotSeen | None:
    """Return what is to be known of the bot, None where it is gone."""
    namespace, name = ref.namespace, ref.name
    owner = await cache.read_owner(kube, ref)
    if owner is None or is_deleting(owner):
        return None
    bot = Bot(owner)
    spec = bot.spec
    children = cache.of_bot(namespace, name)
    cron_job = _only(children, owner)
    seen = BotSeen(
        bot,
        trainings=tuple(Training(t) for t in _owned(children, MODEL_TRAININGS, owner)),
        cron_job=cron_job,
        configurations=_owned(children, CONFIG_MAPS, owner),
        refusal=await _refusal(kube, bot, cron_job),
        runs=() if cron_job is None else await _observe_runs(kube, cache, children, cron_job, now),
    )
    if isinstance(spec, str) or spec.mode == "Live":
        return seen
    secret_name = spec.exchange.credentials_secret
    secret = await _observe_named(kube, namespace, secret_name, EXCHANGE_SECRET)
    url = spec.journal.postgres_secret
    journal_secret = await _observe_named(kube, namespace, url, POSTGRES_SECRET)
    chat = spec.notifications.secret
    telegram_secret = await _observe_named(kube, namespace, chat, TELEGRAM_SECRET)
    claim = store_claim(name, spec.storage)
    known = cache.get(Ref(CLAIMS, namespace, claim))
    if known is not None and spec.storage.existing_claim is None and not is_made_for(known, owner):
        known = None  # of an earlier bot of this name: the cache may not know yet that it is gone
    claim_seen = await observe_claim(kube, namespace, claim, known, diagnose=not spec.suspend)
    claim_seen = await observe_growth(kube, claim_seen, spec.storage)
    claim_seen = replace(claim_seen, holder=find_holder(cache, claim_seen.claim))
    return replace(
        seen,
        secret=secret,
        journal_secret=journal_secret,
        telegram_secret=telegram_secret,
        claim=claim_seen,
        studies=_studies(children, claim),
    )


async def _observe_named(
    kube: Kube, namespace: str, name: str | None, wanted: SecretKind
) -> SecretSeen | None:
    return None if name is None else await observe_secret(kube, namespace, name, wanted)


async def _refusal(kube: Kube, bot: Bot, cron_job: Manifest | None) -> str | None:
    if cron_job is None:
        return None
    known = bot.status.conditions
    stale = any(c.type == BotCondition.SIGNAL_FRESH and c.status == "False" for c in known)
    return await observe_refusal(kube, cron_job) if stale else None


def _studies(children: list[Manifest], claim: str) -> tuple[Training, ...]:
    return tuple(
        Training(c)
        for c in children
        if resource_of(c) == MODEL_TRAININGS
        and controller_uid(c) is None
        and not is_deleting(c)
        and (c.get("spec", {}).get("storage") or {}).get("existingClaim") == claim
    )


def _owned(children: list[Manifest], resource: object, owner: Manifest) -> tuple[Manifest, ...]:
    return tuple(
        c
        for c in children
        if resource_of(c) == resource and controller_uid(c) == uid_of(owner) and not is_deleting(c)
    )


def _only(children: list[Manifest], owner: Manifest) -> Manifest | None:
    return next(iter(_owned(children, CRON_JOBS, owner)), None)


async def _observe_runs(
    kube: Kube, cache: Cache, children: list[Manifest], cron_job: Manifest, now: datetime
) -> tuple[Run, ...]:
    """Return the firings, with what is left of those whose pods or Jobs are gone already.

    First those whose Jobs are gone: of runs that have ended in one second these are the older.
    """
    pods = [c for c in children if resource_of(c) == PODS]
    runs = [
        Run(job, cache.gone(cron_job, uid_of(job)))
        for job in cache.gone(cron_job, uid_of(cron_job))
    ]
    for job in _owned(children, JOBS, cron_job):
        own = tuple(p for p in pods if controller_uid(p) == uid_of(job))
        own += cache.gone(cron_job, uid_of(job))
        if not (is_true(job, "Complete") or is_true(job, "Failed")):
            runs.append(Run(job, own, await observe_obstacles(kube, job, own, now)))
        else:
            runs.append(Run(job, own or await observe_pods(kube, job)))
    return tuple(runs)
