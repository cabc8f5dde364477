"""Metrics of all bots and trainings, counted from the cache when they are asked for.

Only the process that leads holds a cache, so that a sum over all replicas counts a bot once.
Series are bounded by the closed lists of the API, never by the number of bots: which bot it is, its
conditions tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, get_args

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import ValidationError

from bot_operator import metrics
from bot_operator.api.resources import (
    JOBS,
    MODEL_TRAININGS,
    TRADING_BOTS,
    Manifest,
    condition_of,
    from_time,
    resource_of,
)
from bot_operator.watching.cache import Cache
from bot_runtime.contract.base import Model
from bot_runtime.contract.conditions import BotCondition
from bot_runtime.contract.skillstatus import LiveSkill, SkillStanding
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.trading import RuleName
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.contract.tradingstatus import TradingStatus
from bot_runtime.contract.trainingstatus import ModelTrainingStatus, TrainingState

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""The CronJob controller's annotation of a Job: the time that it stands for."""

_MODES: tuple[str, ...] = get_args(TradingBotSpec.model_fields["mode"].annotation)
_STATES: tuple[str, ...] = get_args(TrainingState)
_LIMITS = (
    RuleName.DAILY_LOSS,
    RuleName.WEEKLY_LOSS,
    RuleName.DRAWDOWN,
    RuleName.LOSS_STREAK,
    RuleName.STOP_COOLDOWN,
)
"""Rules that trip, and stand until they reset."""
_STANDINGS: tuple[SkillStanding, ...] = get_args(SkillStanding)
_STATUSES = ("True", "False", "Unknown")


class FleetCollector(Collector):
    """Counts what the cache holds at the moment of the scrape."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, also those that are zero: an alert must not lose its series."""
        bots = list(self._cache.all(TRADING_BOTS))
        yield _bots(bots)
        yield _conditions(bots)
        yield _signals(bots)
        yield _models(bots)
        yield _skill(bots)
        yield _trading_bots(bots)
        yield _positions(bots)
        yield _limits(bots)
        yield _trainings(self._cache.all(MODEL_TRAININGS))


def note_event(kind: str | None, manifest: Manifest) -> None:
    """Take note of what a watch delivered; a Job of a CronJob tells how late it was made."""
    resource = resource_of(manifest)
    metrics.LAST_EVENT.labels(resource.plural).set_to_current_time()
    # A list at the start delivers old Jobs as well, without a kind.
    if resource != JOBS or kind != "ADDED":
        return
    scheduled = _to_time((manifest["metadata"].get("annotations") or {}).get(SCHEDULED_AT))
    created = _to_time(manifest["metadata"].get("creationTimestamp"))
    if scheduled is not None and created is not None:
        lateness = (created - scheduled).total_seconds()
        metrics.SCHEDULE_LATENESS_SECONDS.observe(max(0.0, lateness))


def note_outcome(owner: Manifest, status: Model) -> None:
    """Take note of a status that was written: orders and the end of a training count, once."""
    if isinstance(status, TradingBotStatus):
        _note_orders(owner, status)
    if not isinstance(status, ModelTrainingStatus) or status.completion_time is None:
        return
    created = _to_time(owner["metadata"].get("creationTimestamp"))
    if created is None or (owner.get("status") or {}).get("completionTime"):
        return
    seconds = (from_time(status.completion_time) - created).total_seconds()
    metrics.TRAINING_SECONDS.labels(status.state).observe(max(0.0, seconds))


def _note_orders(owner: Manifest, status: TradingBotStatus) -> None:
    """Count the orders and fills that a bot's journal has more than its status told."""
    before = _trading(owner)
    if status.trading is None or before is None:
        return  # what a journal of before has is no news
    was, now = before.totals, status.trading.totals
    mode = str(_spec(owner).get("mode"))
    metrics.ORDERS.labels(mode, "Placed").inc(max(0, now.orders - was.orders))
    metrics.ORDERS.labels(mode, "Filled").inc(max(0, now.fills - was.fills))


def _trading_bots(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_trading_bots",
        "Bots by mode and by the status of TradingAllowed.",
        labels=["mode", "allowed"],
    )
    kind = BotCondition.TRADING_ALLOWED
    found = Counter((_spec(bot).get("mode"), _status_of(bot, kind)) for bot in bots)
    for mode in _MODES:
        for status in _STATUSES:
            family.add_metric([mode, status], found[mode, status])
    return family


def _positions(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_open_positions", "Positions that bots hold, by mode.", labels=["mode"]
    )
    found: Counter[str] = Counter()
    for bot in bots:
        trading = _trading(bot)
        found[str(_spec(bot).get("mode"))] += 0 if trading is None else len(trading.positions)
    for mode in _MODES:
        family.add_metric([mode], found[mode])
    return family


def _limits(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_limits_tripped", "Limits that stand, by their name.", labels=["limit"]
    )
    told = (trading for bot in bots if (trading := _trading(bot)) is not None)
    found = Counter(limit.limit for trading in told for limit in trading.limits)
    for name in _LIMITS:
        family.add_metric([name.value], found[name])
    return family


def _bots(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_bots", "Bots by mode and by the status of Ready.", labels=["mode", "ready"]
    )
    found = Counter((_spec(bot).get("mode"), _status_of(bot, BotCondition.READY)) for bot in bots)
    for mode in _MODES:
        for status in _STATUSES:
            family.add_metric([mode, status], found[mode, status])
    return family


def _conditions(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_bot_conditions",
        "Bots by the status of each of their conditions.",
        labels=["condition", "status"],
    )
    found = Counter((kind.value, _status_of(bot, kind)) for bot in bots for kind in BotCondition)
    for kind in BotCondition:
        for status in _STATUSES:
            family.add_metric([kind.value, status], found[kind.value, status])
    return family


def _signals(bots: Iterable[Manifest]) -> Metric:
    """Return the oldest last signal of bots that are to decide, by timeframe."""
    family = GaugeMetricFamily(
        "botcripto_oldest_signal_timestamp_seconds",
        "When the bot that has been silent for longest last decided, by timeframe; scheduled bots.",
        labels=["timeframe"],
    )
    times: dict[str, list[float]] = defaultdict(list)
    for bot in bots:
        at = _to_time(((bot.get("status") or {}).get("lastSignal") or {}).get("ts"))
        if at is not None and _status_of(bot, BotCondition.INFERENCE_SCHEDULED) == "True":
            times[str(_spec(bot).get("timeframe"))].append(at.timestamp())
    for timeframe, found in sorted(times.items()):
        family.add_metric([timeframe], min(found))
    return family


def _models(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_oldest_active_model_timestamp_seconds",
        "When the oldest version that a scheduled bot serves was trained.",
    )
    times = [
        at.timestamp()
        for bot in bots
        if _status_of(bot, BotCondition.INFERENCE_SCHEDULED) == "True"
        and (at := _to_time(_active_model(bot).get("trainedAt")))
    ]
    if times:
        family.add_metric([], min(times))
    return family


def _skill(bots: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_live_skill",
        "Bots by what the forecasts of the version they serve have been worth of late.",
        labels=["standing"],
    )
    told = (skill for bot in bots if (skill := _skill_of(bot)) is not None)
    found = Counter(skill.standing for skill in told)
    for standing in _STANDINGS:
        family.add_metric([standing], found[standing])
    return family


def _trainings(trainings: Iterable[Manifest]) -> Metric:
    family = GaugeMetricFamily(
        "botcripto_trainings", "Trainings that are there, by state.", labels=["state"]
    )
    found = Counter((training.get("status") or {}).get("state") for training in trainings)
    for state in _STATES:
        family.add_metric([state], found[state])
    return family


def _spec(bot: Manifest) -> Manifest:
    return bot.get("spec") or {}


def _trading(bot: Manifest) -> TradingStatus | None:
    """Return what a bot's status has of its trading; None where nothing, or nothing readable."""
    status = bot.get("status")
    told = status.get("trading") if isinstance(status, dict) else None
    try:
        return TradingStatus.model_validate(told, extra="ignore")
    except ValidationError:
        return None


def _skill_of(bot: Manifest) -> LiveSkill | None:
    """Return what a bot's status has of its version's skill; None where nothing is readable."""
    try:
        return LiveSkill.model_validate(_active_model(bot).get("liveSkill"), extra="ignore")
    except ValidationError:
        return None


def _active_model(bot: Manifest) -> dict[str, Any]:
    status = bot.get("status")
    model = status.get("activeModel") if isinstance(status, dict) else None
    return model if isinstance(model, dict) else {}


def _status_of(bot: Manifest, kind: BotCondition) -> str:
    return str((condition_of(bot, kind) or {}).get("status", "Unknown"))


def _to_time(text: object) -> datetime | None:
    try:
        return from_time(text) if isinstance(text, str) else None
    except ValueError:
        return None
