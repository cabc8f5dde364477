"""Metrics: what they count, their names, and that the documentation lists each of them."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot_operator import metrics
from bot_operator.health import Health
from bot_operator.watching.cache import Cache
from bot_operator.watching.fleet import SCHEDULED_AT, FleetCollector, note_event, note_outcome
from bot_operator.watching.workqueue import WorkQueue
from bot_runtime.contract.conditions import BotCondition
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.tradingstatus import TotalsStatus, TradingStatus
from tests.conftest import TESTS
from tests.unit.bot_operator.world import World

Object = dict[str, Any]
PAGE = (TESTS.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
TIME = "2026-11-22T10:00:00Z"


def bot(name: str, mode: str = "Paper", ready: str = "True", **status: Any) -> Object:
    conditions = [
        {"type": "Ready", "status": ready},
        {"type": "InferenceScheduled", "status": status.pop("scheduled", "True")},
    ]
    return {
        "apiVersion": "botcripto.io/v1alpha1",
        "kind": "TradingBot",
        "metadata": {"name": name, "namespace": "bots", "uid": name, "resourceVersion": "1"},
        "spec": {"mode": mode, "timeframe": "5m"},
        "status": {"conditions": conditions, **status},
    }


def job(scheduled: str | None = TIME) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "a-infer-1",
            "namespace": "bots",
            "creationTimestamp": "2026-11-22T10:00:07Z",
            "annotations": {SCHEDULED_AT: scheduled} if scheduled else {},
        },
    }


def exposed(cache: Cache) -> dict[str, Metric]:
    """Return what a scrape of the fleet reads."""
    registry = CollectorRegistry()
    registry.register(FleetCollector(cache))
    text = generate_latest(registry).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def holding(*bots: Object) -> Cache:
    cache = Cache()
    for found in bots:
        cache.put(found)
    return cache


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def our_families() -> Iterator[Metric]:
    """Yield every metric of ours as a scrape of a leading operator reads it."""
    silent = bot("a", lastSignal={"ts": TIME}, activeModel={"trainedAt": TIME})
    yield from exposed(holding(silent)).values()
    text = generate_latest().decode()
    yield from (
        family
        for family in text_string_to_metric_families(text)
        if family.name.startswith("botcripto_")
    )


def test_bots_are_counted_by_mode_and_readiness_zeros_included() -> None:
    cache = holding(bot("a"), bot("b"), bot("c", ready="False"), bot("d", mode="Live"))
    samples = exposed(cache)["botcripto_bots"].samples
    found = {(s.labels["mode"], s.labels["ready"]): s.value for s in samples}
    assert found == {
        ("Paper", "True"): 2,
        ("Paper", "False"): 1,
        ("Paper", "Unknown"): 0,
        ("Live", "True"): 1,
        ("Live", "False"): 0,
        ("Live", "Unknown"): 0,
    }


def test_every_condition_is_counted_and_one_that_is_not_there_is_unknown() -> None:
    samples = exposed(holding(bot("a")))["botcripto_bot_conditions"].samples
    found = {(s.labels["condition"], s.labels["status"]): s.value for s in samples}
    assert len(found) == 3 * len(BotCondition)
    assert found["Ready", "True"] == found["SignalFresh", "Unknown"] == 1
    assert sum(found.values()) == len(BotCondition)


def test_the_oldest_signal_and_model_of_the_bots_that_are_to_decide() -> None:
    older, newer = "2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z"
    cache = holding(
        bot("a", lastSignal={"ts": newer}, activeModel={"trainedAt": older}),
        bot("b", lastSignal={"ts": older}, activeModel={"trainedAt": newer}),
        bot("suspended", lastSignal={"ts": "2020-01-01T00:00:00Z"}, scheduled="False"),
        bot("strange", lastSignal={"ts": "yesterday"}),
    )
    found = exposed(cache)
    (signal,) = found["botcripto_oldest_signal_timestamp_seconds"].samples
    (model,) = found["botcripto_oldest_active_model_timestamp_seconds"].samples
    assert signal.labels == {"timeframe": "5m"}
    assert signal.value == model.value == 1795341600


def test_bots_are_counted_by_what_their_forecasts_are_worth() -> None:
    def told(*, watched: bool = True, **more: str) -> Object:
        loss = {"lead": "1", "error": "1", "watched": watched}
        skill = {"blocks": 9, "logLoss": {**loss, "watched": False}, "qlike": loss, **more}
        return {"version": "v", "liveSkill": skill}

    models: list[Any] = [
        told(),
        told(),
        told(lost="QLIKE", lostSince=TIME),
        told(watched=False),
        {"version": "v", "liveSkill": {"blocks": 3}},
        {"version": "v"},
        {"version": "v", "liveSkill": "high"},
        [True],
    ]
    bots = (bot(f"bot-{n}", activeModel=model) for n, model in enumerate(models))
    found = exposed(holding(*bots))["botcripto_live_skill"]
    values = {sample.labels["standing"]: sample.value for sample in found.samples}
    assert values == {"NotYet": 1, "Unwatched": 1, "Holds": 2, "Lost": 1}


def test_a_fleet_of_any_size_has_the_same_series() -> None:
    def series(cache: Cache) -> int:
        return sum(len(family.samples) for family in exposed(cache).values())

    bots = [bot(f"bot-{i}", lastSignal={"ts": TIME}) for i in range(50)]
    assert series(holding(*bots)) == series(holding(bots[0]))


def test_what_bots_hold_and_which_limits_stand() -> None:
    position = {"quantity": "1", "entryPrice": "2", "openedAt": TIME}
    held = [{"symbol": symbol, **position} for symbol in ("BTC/USDT", "ETH/USDT")]
    trip = {"value": "1", "threshold": "1", "trippedAt": TIME}
    limits = [{"limit": "DailyLoss", **trip}, {"limit": "StopCooldown", "symbol": "A/B", **trip}]
    stopped = bot("a", trading={"positions": held, "limits": limits})
    stopped["status"]["conditions"].append({"type": "TradingAllowed", "status": "False"})
    found = exposed(holding(stopped, bot("b", trading={}), bot("c", trading=[True])))

    def value_of(name: str, **labels: str) -> float:
        return next(s.value for s in found[name].samples if s.labels == labels)

    assert value_of("botcripto_trading_bots", mode="Paper", allowed="False") == 1
    assert value_of("botcripto_trading_bots", mode="Paper", allowed="Unknown") == 2
    assert value_of("botcripto_open_positions", mode="Paper") == 2
    assert value_of("botcripto_open_positions", mode="Live") == 0
    assert value_of("botcripto_limits_tripped", limit="StopCooldown") == 1
    assert value_of("botcripto_limits_tripped", limit="Drawdown") == 0


def test_orders_are_counted_once_and_those_of_a_journal_of_before_not_at_all() -> None:
    def told(orders: int, fills: int) -> TradingBotStatus:
        totals = TotalsStatus(orders=orders, fills=fills)
        return TradingBotStatus(trading=TradingStatus(totals=totals))

    def counted() -> tuple[float, float]:
        outcomes = ("Placed", "Filled")
        placed, filled = (
            value("botcripto_orders_total", mode="Paper", outcome=o) for o in outcomes
        )
        return placed, filled

    before = counted()
    note_outcome(bot("a"), told(90, 60))
    assert counted() == before
    known = bot("a", **told(90, 60).to_json())
    note_outcome(known, told(93, 62))
    note_outcome(bot("a", **told(93, 62).to_json()), told(93, 62))
    note_outcome(bot("a", **told(93, 62).to_json()), told(5, 5))
    assert counted() == (before[0] + 3, before[1] + 2)


def test_a_job_tells_once_how_late_it_was_created() -> None:
    def counted() -> tuple[float, float]:
        name = "botcripto_schedule_lateness_seconds"
        return value(f"{name}_count"), value(f"{name}_sum")

    count, total = counted()
    note_event("ADDED", job())
    assert counted() == (count + 1, total + 7)
    note_event("MODIFIED", job())
    note_event(None, job())
    note_event("ADDED", job(scheduled=None))
    note_event("ADDED", job(scheduled="soon"))
    assert counted() == (count + 1, total + 7)


def test_the_last_event_of_each_resource_is_told_as_a_time() -> None:
    note_event("MODIFIED", bot("a"))
    assert value("botcripto_last_event_timestamp_seconds", resource="tradingbots") > 1.7e9


@pytest.mark.parametrize(
    ("after", "delivered", "silent"),
    [
        (7 * 86_400, (), False),  # nothing runs: the only bot is suspended
        (7 * 86_400, ("Job", "Pod"), False),  # and resumed
        (3600, ("Job",), True),
        (30, ("Job",), False),  # its pod is on its way
    ],
)
def test_the_alert_on_old_events_of_pods_is_for_a_watch_that_alone_is_silent(
    monkeypatch: pytest.MonkeyPatch, after: int, delivered: tuple[str, ...], *, silent: bool
) -> None:
    def deliver(at: int, *kinds: str) -> None:
        monkeypatch.setattr(time, "time", lambda: 1.8e9 + at)
        for kind in kinds:
            version = "batch/v1" if kind == "Job" else "v1"
            note_event("MODIFIED", {**job(), "apiVersion": version, "kind": kind})

    deliver(0, "Pod", "Job")
    deliver(after, *delivered)
    (_, _, alert) = documented()["botcripto_last_event_timestamp_seconds"]
    name = "botcripto_last_event_timestamp_seconds"
    parts = re.fullmatch(
        rf'`{name}{{resource="(\w+)"}} - ignoring \(resource\) {name}{{resource="(\w+)"}} > (\d+)`',
        alert,
    )
    assert parts is not None, alert
    newer, older = (value(name, resource=resource) for resource in parts.groups()[:2])
    assert (newer - older > int(parts[3])) is silent


@pytest.mark.parametrize("outcome", ["Promoted", "Rejected"])
async def test_a_training_that_ends_is_counted_once_with_its_outcome(outcome: str) -> None:
    def counted() -> float:
        return value("botcripto_training_duration_seconds_count", outcome=outcome)

    before = counted()
    world = World(promoted=outcome == "Promoted")
    world.add_bot()
    await world.settle()
    world.wake_all()
    await world.settle()
    assert world.training()["status"]["state"] == outcome
    assert counted() == before + 1


async def test_the_queue_tells_its_depth_its_age_and_how_long_its_keys_waited() -> None:
    queue: WorkQueue[Any] = WorkQueue()
    api: Any = None
    Health(api, queue)
    waited = value("botcripto_queue_wait_seconds_count")
    queue.add("a")
    queue.add("b")
    assert value("botcripto_queue_depth") == 2
    assert value("botcripto_queue_oldest_key_age_seconds") > 0
    await queue.get()
    assert value("botcripto_queue_depth") == 1
    assert value("botcripto_queue_wait_seconds_count") == waited + 1


def test_names_follow_the_conventions_of_prometheus() -> None:
    for family in our_families():
        assert re.fullmatch(r"botcripto(_[a-z0-9]+)+", family.name)
        assert family.documentation.endswith((".", "else 0."))
        names = {sample.name for sample in family.samples}
        assert all(n.endswith("_total") for n in names) or family.type != "counter"
        if family.type == "gauge":
            assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        assert not re.search(r"_(ms|milliseconds|minutes|percent|mb)(_|$)", family.name)
        # `le` and `quantile` belong to histograms and summaries, the others to whoever scrapes.
        labels = {label for sample in family.samples for label in sample.labels}
        reserved = {"instance", "job", "namespace", "pod", "quantile"}
        assert not labels & (reserved if family.type == "histogram" else reserved | {"le"})


def documented() -> dict[str, tuple[str, set[str], str]]:
    """Return type, labels and alert of every metric in the tables of the page."""
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \|([^|]*)\| .*? \| (.*) \| \d+m \|$", PAGE, re.MULTILINE
    )
    return {name: (kind, set(re.findall(r"`(\w+)`", ls)), alert) for name, kind, ls, alert in rows}


def test_the_page_lists_each_metric_with_its_type_and_labels() -> None:
    collected = [*REGISTRY.collect(), *FleetCollector(Cache()).collect()]
    kinds = {
        f.name + ("_total" if f.type == "counter" else ""): f.type
        for f in collected
        if f.name.startswith("botcripto_")
    }
    assert {name: kind for name, (kind, _, _) in documented().items()} == kinds


def test_the_page_lists_the_labels_of_each_metric() -> None:
    declared = {
        found._name + ("_total" if found._type == "counter" else ""): set(found._labelnames)
        for found in vars(metrics).values()
        if hasattr(found, "_labelnames")
    }
    silent = bot("a", lastSignal={"ts": TIME}, activeModel={"trainedAt": TIME})
    for name, family in exposed(holding(silent)).items():
        declared[name] = {label for sample in family.samples for label in sample.labels}
    assert {name: labels for name, (_, labels, _) in documented().items()} == declared


def test_each_alert_asks_for_its_own_metric_by_labels_that_it_has() -> None:
    for name, (kind, labels, alert) in documented().items():
        suffix = "_(?:bucket|count|sum)" if kind == "histogram" else ""
        assert re.search(rf"\b{name}{suffix}\b", alert), name
        for selector in re.findall(r"{([^}]*)}", alert):
            assert set(re.findall(r"(\w+)(?:=|!)", selector)) <= labels, name
